package import HaggleCore

/// What the catalog refuses.
package enum CatalogError: Error, Hashable, Sendable {
    case unknownExperiment(ExperimentKey)
    case unknownSnapshot(ExperimentKey, SnapshotVersion)
    case unknownCandidate(ExperimentKey, Int)
    case unknownKey(String)
    /// Its bytes are not kept any more.
    case candidateGone(ExperimentKey, Int)
    /// Somebody else published first; read the newest state and try again.
    case snapshotConflict(ExperimentKey, parent: SnapshotVersion?)
    /// The bytes are not those that were stored.
    case checksumMismatch(ExperimentKey, SnapshotVersion)
    /// Somebody else changed the learner's state first.
    case learnerConflict(ExperimentKey)
    /// The stored document cannot be read by this binary.
    case unreadableDocument(ExperimentKey, ExperimentVersion, reason: String)
}

extension CatalogError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unknownExperiment(let key): "no experiment '\(key)' has been applied; see `haggle plan` and `haggle apply`"
        case .unknownSnapshot(let key, let version): "experiment '\(key)' has no snapshot \(version); see `haggle model list \(key)`"
        case .unknownKey(let id): "no API key '\(id)'; see `haggle keys list`"
        case .unknownCandidate(let key, let candidate):
            "experiment '\(key)' has no candidate \(candidate); see `haggle model list \(key)`"
        case .candidateGone(let key, let candidate):
            "candidate \(candidate) of '\(key)' is not kept any more, because only the newest \(Catalog.keptCandidates) are; choose a newer one"
        case .snapshotConflict(let key, let parent):
            "another process published a snapshot of '\(key)' after \(parent.map { "version \($0)" } ?? "this one began"); nothing was changed"
        case .checksumMismatch(let key, let version):
            "the stored bytes of snapshot \(version) of '\(key)' do not match their checksum; roll back to another version"
        case .learnerConflict(let key): "another learner changed the state of '\(key)'; nothing was changed"
        case .unreadableDocument(let key, let version, let reason):
            "version \(version) of experiment '\(key)' cannot be read by this binary (\(reason)); apply its file again"
        }
    }
}
