package import HaggleCore

/// A serving snapshot as the catalog sees it: bytes with a version. What the bytes mean is the business of `Policies`.
package struct StoredSnapshot: Hashable, Sendable {
    /// Where a snapshot came from.
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        /// The even prior of a new experiment, or a restart from it.
        case prior
        /// The same encoder and network with more interactions folded in.
        case increment
        /// A newly fitted encoder and network.
        case retrain
        /// An earlier encoder and network, re-accumulated.
        case rollback
        /// Fitted to a changed experiment file.
        case adapted
        /// Fitted to another experiment's log or to a file before the first impression.
        case warm
    }

    package var experiment: ExperimentKey
    package var version: SnapshotVersion
    /// The snapshot that was newest when this one was made.
    package var parent: SnapshotVersion?
    package var kind: Kind
    package var experimentVersion: ExperimentVersion
    /// The snapshot that first carried this encoder and network.
    package var networkVersion: SnapshotVersion
    /// Empty where only the description was read.
    package var bytes: [UInt8]
    /// Whatever the learner measured, as JSON text.
    package var metrics: String
    package var createdAt: Timestamp

    package init(
        experiment: ExperimentKey, version: SnapshotVersion, parent: SnapshotVersion?, kind: Kind, experimentVersion: ExperimentVersion,
        networkVersion: SnapshotVersion, bytes: [UInt8], metrics: String = "{}", createdAt: Timestamp = Timestamp(microseconds: 0)
    ) {
        self.experiment = experiment
        self.version = version
        self.parent = parent
        self.kind = kind
        self.experimentVersion = experimentVersion
        self.networkVersion = networkVersion
        self.bytes = bytes
        self.metrics = metrics
        self.createdAt = createdAt
    }
}
