/// The declared range of rewards, held against every row, and what rows show that exact intervals ask about.
struct DeclaredBounds: Sendable {
    let rewardRange: ClosedRange<Double>?
    /// Whether every reward was 0 or 1.
    private(set) var rewardsAreBinary = true
    /// Whether some estimate of the reward model lay outside the declared range of rewards.
    private(set) var estimatesLeaveRange = false

    init(rewardRange: ClosedRange<Double>?) {
        self.rewardRange = rewardRange
    }

    /// Restores what rows have shown.
    init(rewardRange: ClosedRange<Double>?, rewardsAreBinary: Bool, estimatesLeaveRange: Bool) {
        self.init(rewardRange: rewardRange)
        self.rewardsAreBinary = rewardsAreBinary
        self.estimatesLeaveRange = estimatesLeaveRange
    }

    /// Looks at a row's reward and its estimates; empty without a reward model.
    /// - Throws: `EvaluationError.rewardOutsideRange`.
    mutating func see(reward: Double, estimates: Span<Double>, number: Int) throws(EvaluationError) {
        if reward != 0 && reward != 1 { rewardsAreBinary = false }
        guard let rewardRange else { return }
        // Room for rounding of declared decimals.
        let room = 1e-9 * (rewardRange.upperBound - rewardRange.lowerBound)
        guard reward >= rewardRange.lowerBound - room, reward <= rewardRange.upperBound + room else {
            throw .rewardOutsideRange(row: number, found: reward, lower: rewardRange.lowerBound, upper: rewardRange.upperBound)
        }
        for index in 0..<estimates.count
        where estimates[index] < rewardRange.lowerBound - room || estimates[index] > rewardRange.upperBound + room {
            estimatesLeaveRange = true
        }
    }

    mutating func merge(_ other: Self) {
        rewardsAreBinary = rewardsAreBinary && other.rewardsAreBinary
        estimatesLeaveRange = estimatesLeaveRange || other.estimatesLeaveRange
    }
}
