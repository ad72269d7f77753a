/// What was declared about rewards and weights, held against every row, and what rows show about it.
struct DeclaredBounds: Sendable {
    let rewardRange: ClosedRange<Double>?
    let weightBound: Double?
    /// Whether every reward was 0 or 1.
    private(set) var rewardsAreBinary = true
    /// Whether some estimate of the reward model lay outside the declared range of rewards.
    private(set) var estimatesLeaveRange = false

    init(rewardRange: ClosedRange<Double>?, weightBound: Double?) {
        self.rewardRange = rewardRange
        self.weightBound = weightBound
    }

    /// Restores what rows have shown.
    init(rewardRange: ClosedRange<Double>?, weightBound: Double?, rewardsAreBinary: Bool, estimatesLeaveRange: Bool) {
        self.init(rewardRange: rewardRange, weightBound: weightBound)
        self.rewardsAreBinary = rewardsAreBinary
        self.estimatesLeaveRange = estimatesLeaveRange
    }

    /// Looks at a row's reward and its estimates.
    /// - Throws: `EvaluationError.rewardOutsideRange`.
    mutating func see(reward: Double, estimates: ArraySlice<Double>?, number: Int) throws(EvaluationError) {
        if reward != 0 && reward != 1 { rewardsAreBinary = false }
        guard let rewardRange else { return }
        // Room for rounding of declared decimals.
        let room = 1e-9 * (rewardRange.upperBound - rewardRange.lowerBound)
        guard reward >= rewardRange.lowerBound - room, reward <= rewardRange.upperBound + room else {
            throw .rewardOutsideRange(row: number, found: reward, declared: rewardRange)
        }
        if let estimates {
            for value in estimates where value < rewardRange.lowerBound - room || value > rewardRange.upperBound + room {
                estimatesLeaveRange = true
            }
        }
    }

    /// Looks at a row's weight for a policy.
    /// - Throws: `EvaluationError.weightAboveBound`.
    @inline(__always)
    func see(weight: Double, number: Int, policy: @autoclosure () -> String) throws(EvaluationError) {
        guard let weightBound, weight > weightBound * (1 + 1e-9) else { return }
        throw .weightAboveBound(row: number, policy: policy(), found: weight, declared: weightBound)
    }

    mutating func merge(_ other: Self) {
        rewardsAreBinary = rewardsAreBinary && other.rewardsAreBinary
        estimatesLeaveRange = estimatesLeaveRange || other.estimatesLeaveRange
    }
}
