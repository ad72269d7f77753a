package import HaggleCore

/// The learner's state of one experiment: one row, committed together with the contributions it has booked.
package struct StoredLearnerState: Hashable, Sendable {
    package var experiment: ExperimentKey
    /// The newest snapshot that this state knows of.
    package var parentSnapshot: SnapshotVersion
    /// Everything in the log up to this position has been seen.
    package var position: Int64
    /// The posterior with its sums, as a serialised snapshot.
    package var bytes: [UInt8]
    /// Set by a rollback: the network stays until it is unpinned.
    package var isPinned: Bool
    /// Grows with every change, so that a writer notices another.
    package var revision: Int64

    package init(
        experiment: ExperimentKey, parentSnapshot: SnapshotVersion, position: Int64, bytes: [UInt8], isPinned: Bool, revision: Int64
    ) {
        self.experiment = experiment
        self.parentSnapshot = parentSnapshot
        self.position = position
        self.bytes = bytes
        self.isPinned = isPinned
        self.revision = revision
    }
}
