package import HaggleCore

/// Many rows of a log as columns; what `EvaluationRow` says of the fields holds here.
package struct EvaluationColumns: Sendable {
    package var arms: [Int]
    package var propensities: [Double]
    package var rewards: [Double]
    /// One per row, or nil where the log names none.
    package var units: [UnitID]?
    /// For each policy row-major `rows * arms`; empty for a `.logged` policy.
    package var targets: [[Double]]
    /// Row-major `rows * arms`; nil without a reward model.
    package var estimates: [Double]?
    /// For each policy row-major `rows * arms`, empty for a `.logged` policy; nil without.
    package var robustEstimates: [[Double]]?
    /// One per row; nil without.
    package var balancedPropensities: [Double]?
    /// Row-major `rows * arms`; nil without.
    package var pastEstimates: [Double]?
    /// For each policy one per row; nil without.
    package var snapshotVariances: [[Double]]?
    /// One per row, or nil where the log has no times.
    package var times: [Timestamp]?
    /// What the evaluation is split by, one per row; nil where it is not split.
    package var segments: [String?]?

    /// Number of rows.
    package var rowCount: Int { arms.count }

    /// - Precondition: every column has a value for each row, and `targets` and the estimates as many for each row as there are arms.
    package init(
        arms: [Int], propensities: [Double], rewards: [Double], units: [UnitID]? = nil, targets: [[Double]], estimates: [Double]? = nil,
        robustEstimates: [[Double]]? = nil, balancedPropensities: [Double]? = nil, pastEstimates: [Double]? = nil,
        snapshotVariances: [[Double]]? = nil,
        times: [Timestamp]? = nil, segments: [String?]? = nil, armCount: Int
    ) {
        precondition(propensities.count == arms.count && rewards.count == arms.count, "columns of different length")
        precondition(units == nil || units?.count == arms.count, "the column of units has another length")
        precondition(targets.allSatisfy { $0.isEmpty || $0.count == arms.count * armCount }, "a target needs a probability per row and arm")
        precondition(estimates == nil || estimates?.count == arms.count * armCount, "estimates need a number per row and arm")
        precondition(
            robustEstimates?.allSatisfy { $0.isEmpty || $0.count == arms.count * armCount } ?? true,
            "estimates for a policy need a number per row and arm")
        precondition(balancedPropensities == nil || balancedPropensities?.count == arms.count, "a balanced propensity for each row")
        precondition(pastEstimates == nil || pastEstimates?.count == arms.count * armCount, "estimates need a number per row and arm")
        precondition(snapshotVariances?.allSatisfy { $0.count == arms.count } ?? true, "a snapshot's variance for each row")
        precondition(times == nil || times?.count == arms.count, "the column of times has another length")
        precondition(segments == nil || segments?.count == arms.count, "the column of segments has another length")
        self.arms = arms
        self.propensities = propensities
        self.rewards = rewards
        self.units = units
        self.targets = targets
        self.estimates = estimates
        self.robustEstimates = robustEstimates
        self.balancedPropensities = balancedPropensities
        self.pastEstimates = pastEstimates
        self.snapshotVariances = snapshotVariances
        self.times = times
        self.segments = segments
    }
}
