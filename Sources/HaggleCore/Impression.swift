/// The logged assignment: one row of `impressions`. With the versions it names, enough to recompute its decision.
package struct Impression: Hashable, Sendable {
    package var id: ImpressionID
    package var experiment: ExperimentKey
    package var experimentVersion: ExperimentVersion
    package var unit: UnitID?
    package var variant: Variant
    package var reason: Reason
    package var context: Context
    /// Keys of the arms that could be chosen, in configuration order.
    package var eligibleArms: [ArmKey]
    /// One probability per eligible arm; nil for imported logs that hold only the chosen arm's.
    package var propensities: [Double]?
    package var arm: ArmKey
    /// The chosen arm's probability; nil for imported logs without propensities.
    package var propensity: Double?
    package var snapshot: SnapshotVersion?
    package var drawKey: String?
    /// Whether the impression counts only once it has been activated.
    package var isDeferred: Bool
    /// The first impression with the same request id, when this is not the first.
    package var duplicateOf: ImpressionID?
    /// The impression that was drawn, when this one only repeats it (sticky units).
    package var repeatedOf: ImpressionID?
    package var occurredAt: Timestamp
    package var receivedAt: Timestamp

    package init(
        id: ImpressionID, experiment: ExperimentKey, experimentVersion: ExperimentVersion, unit: UnitID?, variant: Variant, reason: Reason,
        context: Context, eligibleArms: [ArmKey], propensities: [Double]?, arm: ArmKey, propensity: Double?, snapshot: SnapshotVersion?,
        drawKey: String?, isDeferred: Bool = false, duplicateOf: ImpressionID? = nil, repeatedOf: ImpressionID? = nil,
        occurredAt: Timestamp, receivedAt: Timestamp
    ) {
        self.id = id
        self.experiment = experiment
        self.experimentVersion = experimentVersion
        self.unit = unit
        self.variant = variant
        self.reason = reason
        self.context = context
        self.eligibleArms = eligibleArms
        self.propensities = propensities
        self.arm = arm
        self.propensity = propensity
        self.snapshot = snapshot
        self.drawKey = drawKey
        self.isDeferred = isDeferred
        self.duplicateOf = duplicateOf
        self.repeatedOf = repeatedOf
        self.occurredAt = occurredAt
        self.receivedAt = receivedAt
    }
}
