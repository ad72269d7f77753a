package import HaggleCore

/// One impression as evaluation needs it: the facts of the log, what each policy would have done, what the reward model expects.
package struct EvaluationRow: Sendable {
    /// The chosen arm's position.
    package var arm: Int
    /// The chosen arm's propensity; nil is refused with an explanation.
    package var propensity: Double?
    package var reward: Double
    /// Who was randomised; errors are clustered by it where units recur.
    package var unit: UnitID?
    /// Each target policy's probabilities, one per arm, in the order of the evaluator's policies; the entry of a `.logged` policy is not read
    /// and may be empty.
    package var targets: [[Double]]
    /// The reward model's estimates, one per arm, shared by the policies; nil without a reward model.
    package var estimates: [Double]?
    /// Every arm's propensity; nil for logs that hold only the chosen one.
    package var propensities: [Double]?
    /// Positions of the eligible arms; nil means all.
    package var eligible: [Int]?
    package var snapshot: SnapshotVersion?
    /// For MRDR: a second set of estimates for each policy, one per arm, fitted for that policy (the entry of a `.logged` policy may be
    /// empty); nil where none were fitted.
    package var robustEstimates: [[Double]]?
    /// For BalancedIPS: the chosen arm's mean propensity over the snapshots that made the log, in proportion to their rows; 0 < p <= 1.
    package var balancedPropensity: Double?
    /// For AIPW, StableVar and MinVar: estimates of a model fitted on earlier rows only, one per arm.
    package var pastEstimates: [Double]?
    /// For StableVar and MinVar: each policy's V, the mean of sum over a of pi(a)^2 / p(a) under the row's snapshot over the contexts logged
    /// before that snapshot was published; above 0, infinity where the snapshot cannot show what the policy wants.
    package var snapshotVariances: [Double]?
    /// When the arm was chosen; nil where the log does not say.
    package var time: Timestamp?
    /// The value of what the evaluation is split by (`EvaluationOptions.segmentBy`); nil where the row has none.
    package var segment: String?

    package init(
        arm: Int, propensity: Double?, reward: Double, unit: UnitID? = nil, targets: [[Double]], estimates: [Double]? = nil,
        propensities: [Double]? = nil, eligible: [Int]? = nil, snapshot: SnapshotVersion? = nil, robustEstimates: [[Double]]? = nil,
        balancedPropensity: Double? = nil, pastEstimates: [Double]? = nil, snapshotVariances: [Double]? = nil,
        time: Timestamp? = nil, segment: String? = nil
    ) {
        self.arm = arm
        self.propensity = propensity
        self.reward = reward
        self.unit = unit
        self.targets = targets
        self.estimates = estimates
        self.propensities = propensities
        self.eligible = eligible
        self.snapshot = snapshot
        self.robustEstimates = robustEstimates
        self.balancedPropensity = balancedPropensity
        self.pastEstimates = pastEstimates
        self.snapshotVariances = snapshotVariances
        self.time = time
        self.segment = segment
    }
}
