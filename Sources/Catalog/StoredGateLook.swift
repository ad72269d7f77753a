package import HaggleCore

/// What the gate decided about one candidate, as the catalog sees it. What the numbers mean is the business of `Learning`.
package struct StoredGateLook: Hashable, Sendable {
    package var experiment: ExperimentKey
    /// Counts the candidates of the experiment, from 1; given by the catalog.
    package var candidate: Int
    /// The prior snapshot that learning began with.
    package var lineage: SnapshotVersion
    /// Which look of its lineage, from 1.
    package var look: Int
    package var judgedAt: Timestamp
    package var experimentVersion: ExperimentVersion
    /// The snapshot that the candidate was compared with.
    package var serving: SnapshotVersion
    /// One word: `worse`, `not_worse`, ...
    package var decision: String
    /// The decision as a sentence.
    package var reason: String
    /// The numbers behind it, as JSON text.
    package var numbers: String
    /// Whether later candidates are held against its network.
    package var isApproved: Bool
    /// The snapshot that carried the candidate into service; nil while it is kept back.
    package var published: SnapshotVersion?
    /// Why a person published it all the same.
    package var note: String?

    package init(
        experiment: ExperimentKey, candidate: Int = 0, lineage: SnapshotVersion, look: Int, judgedAt: Timestamp,
        experimentVersion: ExperimentVersion, serving: SnapshotVersion, decision: String, reason: String, numbers: String,
        isApproved: Bool, published: SnapshotVersion?, note: String? = nil
    ) {
        self.experiment = experiment
        self.candidate = candidate
        self.lineage = lineage
        self.look = look
        self.judgedAt = judgedAt
        self.experimentVersion = experimentVersion
        self.serving = serving
        self.decision = decision
        self.reason = reason
        self.numbers = numbers
        self.isApproved = isApproved
        self.published = published
        self.note = note
    }
}

/// Where the gate of an experiment stands.
package struct GateHistory: Hashable, Sendable {
    /// The prior snapshot that learning began with.
    package var lineage: SnapshotVersion
    /// Looks of the lineage so far.
    package var lookCount: Int
    /// When the last of them was; nil before the first.
    package var lastJudged: Timestamp?
    /// The snapshot whose network was last approved: by the gate against the one approved before, or by a person. Nil before the first.
    package var approved: SnapshotVersion?

    package init(lineage: SnapshotVersion, lookCount: Int, lastJudged: Timestamp?, approved: SnapshotVersion?) {
        self.lineage = lineage
        self.lookCount = lookCount
        self.lastJudged = lastJudged
        self.approved = approved
    }
}
