package import HaggleCore
package import Tabular

/// One row of a log from elsewhere, before it has an id and a place in the log.
package struct ImportedRow: Sendable {
    /// What followed: events as such, or only their reward.
    package enum Result: Hashable, Sendable {
        case events([ExportedRow.Event])
        case reward(Double)
    }

    /// Nil where the file has none; the importer makes one of the file's digest and the row's number.
    package var id: ImpressionID?
    /// Nil where the file has none; the order of rows is then the order of time.
    package var time: Timestamp?
    package var unit: UnitID?
    package var experimentVersion: ExperimentVersion?
    package var variant: Variant?
    package var reason: Reason
    package var context: Context
    /// Nil means all arms of the experiment.
    package var eligibleArms: [ArmKey]?
    package var arm: ArmKey
    package var propensities: [Double]?
    package var propensity: Double?
    package var snapshot: SnapshotVersion?
    package var result: Result
    /// For messages.
    package var place: FilePlace
    /// The reward as the file states it, also where it lists events.
    var statedReward: Double?

    package init(
        id: ImpressionID? = nil, time: Timestamp? = nil, unit: UnitID? = nil, experimentVersion: ExperimentVersion? = nil,
        variant: Variant? = nil, reason: Reason = .policy, context: Context = [:], eligibleArms: [ArmKey]? = nil, arm: ArmKey,
        propensities: [Double]? = nil, propensity: Double? = nil, snapshot: SnapshotVersion? = nil, result: Result, place: FilePlace
    ) {
        self.id = id
        self.time = time
        self.unit = unit
        self.experimentVersion = experimentVersion
        self.variant = variant
        self.reason = reason
        self.context = context
        self.eligibleArms = eligibleArms
        self.arm = arm
        self.propensities = propensities
        self.propensity = propensity
        self.snapshot = snapshot
        self.result = result
        self.place = place
    }
}

/// A log from elsewhere, as rows in their order. It is read twice: once to find what is wrong with it, once to import it.
package protocol ImportSource: Sendable {
    var path: String { get }
    /// Lines of the file that are no rows of a log, by reason; known once the source is made.
    var excluded: [String: Int] { get }

    /// Hands out every row.
    /// - Throws: `TabularError` or `EventLogError` at the first row that is wrong, and what `body` throws.
    func forEachRow(_ body: (ImportedRow) async throws -> Void) async throws
}

extension ImportSource {
    /// Most formats leave nothing out.
    package var excluded: [String: Int] { [:] }
}
