/// An impression that counts, joined with its reward: what learning folds and evaluation reads.
///
/// Arms are positions in a table of arms that travels beside the interactions (`InteractionSource.arms`).
package struct Interaction: Hashable, Sendable {
    /// Nil for rows of files that carry no id.
    package var impressionID: ImpressionID?
    /// Who was randomised; nil where the log does not say. Intervals are clustered by it where units recur.
    package var unit: UnitID?
    /// When the arm was chosen; nil for files without times, whose row order is time.
    package var time: Timestamp?
    package var context: Context
    /// Positions of the eligible arms, ascending; nil means all.
    package var eligible: [Int]?
    /// The chosen arm's position.
    package var arm: Int
    /// The chosen arm's propensity; nil for logs without propensities.
    package var propensity: Double?
    /// Every arm's propensity (0 where not eligible), one per arm of the table; nil for logs that hold only the chosen one.
    package var propensities: [Double]?
    /// Computed from the conversions of the impression by the experiment's metric.
    package var reward: Double
    package var snapshot: SnapshotVersion?
    /// When the attribution window closed; nil while it is open.
    package var maturedAt: Timestamp?

    package init(
        impressionID: ImpressionID? = nil, unit: UnitID? = nil, time: Timestamp? = nil, context: Context = [:], eligible: [Int]? = nil,
        arm: Int, propensity: Double?, propensities: [Double]? = nil, reward: Double, snapshot: SnapshotVersion? = nil,
        maturedAt: Timestamp? = nil
    ) {
        self.impressionID = impressionID
        self.unit = unit
        self.time = time
        self.context = context
        self.eligible = eligible
        self.arm = arm
        self.propensity = propensity
        self.propensities = propensities
        self.reward = reward
        self.snapshot = snapshot
        self.maturedAt = maturedAt
    }
}
