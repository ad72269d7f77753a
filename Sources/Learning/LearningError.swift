package import HaggleCore

/// What learning refuses.
package enum LearningError: Error, Hashable, Sendable, CustomStringConvertible {
    /// An A/B experiment has nothing to learn.
    case notABandit(ExperimentKey)
    /// The experiment was never applied by this binary or an older one.
    case noState(ExperimentKey)
    /// A snapshot of another experiment version cannot be brought back, because it does not fit the one in force.
    case doesNotFit(ExperimentKey, SnapshotVersion)

    /// A candidate of another experiment version cannot be published, because it does not fit the one in force.
    case candidateDoesNotFit(ExperimentKey, Int)
    /// The candidate serves or served already.
    case alreadyPublished(ExperimentKey, Int, SnapshotVersion)
    /// The gate kept the candidate back, and nobody insisted.
    case keptBack(ExperimentKey, Int, reason: String)
    /// What an experiment should start from has no row of one of its arms.
    case nothingToStartFrom(ExperimentKey, source: String, arms: [ArmKey])
    /// What an experiment should start from gives no sound posterior.
    case unusableHistory(ExperimentKey, String)

    package var description: String {
        switch self {
        case .notABandit(let key): "experiment '\(key)' is an A/B experiment; it has no model"
        case .noState(let key): "experiment '\(key)' has no learner state; apply its file again"
        case .doesNotFit(let key, let version):
            "snapshot \(version) of '\(key)' does not fit the experiment in force (a feature changed its type); choose a later one"
        case .candidateDoesNotFit(let key, let candidate):
            "candidate \(candidate) of '\(key)' does not fit the experiment in force (a feature changed its type); choose a later one"
        case .alreadyPublished(let key, let candidate, let version):
            "candidate \(candidate) of '\(key)' was published as snapshot \(version); to bring it back: haggle model rollback \(key) \(version)"
        case .keptBack(let key, let candidate, let reason):
            "candidate \(candidate) of '\(key)' was \(reason); to publish it all the same, give --force and --note with the reason"
        case .unusableHistory(let key, let defect): "warm_start of '\(key)': \(defect); leave out the rows with such rewards"
        case .nothingToStartFrom(let key, let source, let arms):
            "warm_start of '\(key)': \(source) has no matured impression of one of the arms "
                + arms.map { "'\($0)'" }.joined(separator: ", ") + "; name another source or leave warm_start out"
        }
    }
}
