/// The answer to "which arm for this unit now?", with everything that is needed to compute it again.
package struct Assignment: Hashable, Sendable {
    package var impressionID: ImpressionID
    package var experiment: ExperimentKey
    package var experimentVersion: ExperimentVersion
    package var unit: UnitID
    /// What was chosen on: the request's context with the time features that the experiment wants.
    package var context: Context
    package var variant: Variant
    package var reason: Reason
    /// The chosen arm, as its position in the experiment's arms.
    package var arm: Int
    /// Positions of the arms that could be chosen, ascending.
    package var eligible: [Int]
    /// What was drawn from. One-hot wherever the reason is not `POLICY`.
    package var distribution: ArmDistribution
    /// The snapshot that computed the distribution; nil where none was needed.
    package var snapshot: SnapshotVersion?
    /// What was hashed for the draw: the impression's id, the request's id, or the unit where the experiment is sticky.
    package var drawKey: String

    package init(
        impressionID: ImpressionID, experiment: ExperimentKey, experimentVersion: ExperimentVersion, unit: UnitID, context: Context,
        variant: Variant, reason: Reason, arm: Int, eligible: [Int], distribution: ArmDistribution, snapshot: SnapshotVersion?,
        drawKey: String
    ) {
        self.impressionID = impressionID
        self.experiment = experiment
        self.experimentVersion = experimentVersion
        self.unit = unit
        self.context = context
        self.variant = variant
        self.reason = reason
        self.arm = arm
        self.eligible = eligible
        self.distribution = distribution
        self.snapshot = snapshot
        self.drawKey = drawKey
    }

    /// The probability with which the chosen arm was drawn.
    package var propensity: Double { distribution[arm] }
}
