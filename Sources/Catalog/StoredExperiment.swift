package import HaggleCore

/// An applied version of an experiment, with the kill switch as it stood when it was read.
package struct StoredExperiment: Hashable, Sendable {
    package var experiment: Experiment
    package var version: ExperimentVersion
    /// SHA-256 of the file's text, in hexadecimal.
    package var digest: String
    /// The file as it was applied.
    package var sourceText: String
    package var appliedAt: Timestamp
    /// Whether the kill switch is on; `apply` never lifts it.
    package var isPaused: Bool
    /// The newest serving snapshot; nil for an A/B experiment.
    package var snapshot: SnapshotVersion?

    package init(
        experiment: Experiment, version: ExperimentVersion, digest: String, sourceText: String, appliedAt: Timestamp, isPaused: Bool,
        snapshot: SnapshotVersion?
    ) {
        self.experiment = experiment
        self.version = version
        self.digest = digest
        self.sourceText = sourceText
        self.appliedAt = appliedAt
        self.isPaused = isPaused
        self.snapshot = snapshot
    }
}
