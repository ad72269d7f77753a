/// The declared range of rewards, held against every row, and whether rewards are 0 and 1.
struct DeclaredBounds: Sendable {
    /// Nil where nobody declared one.
    let rewardRange: ClosedRange<Double>?
    /// Whether every reward so far was 0 or 1.
    private(set) var rewardsAreBinary: Bool

    init(rewardRange: ClosedRange<Double>?, rewardsAreBinary: Bool = true) {
        self.rewardRange = rewardRange
        self.rewardsAreBinary = rewardsAreBinary
    }

    /// Looks at a row's reward.
    /// - Throws: `EvaluationError.rewardOutsideRange`.
    @inline(__always)
    mutating func see(reward: Double, number: Int) throws(EvaluationError) {
        if reward != 0 && reward != 1 { rewardsAreBinary = false }
        guard let rewardRange else { return }
        // Room for the rounding of declared decimals.
        let room = 1e-9 * (rewardRange.upperBound - rewardRange.lowerBound)
        guard reward >= rewardRange.lowerBound - room, reward <= rewardRange.upperBound + room else {
            throw .rewardOutsideRange(row: number, found: reward, lower: rewardRange.lowerBound, upper: rewardRange.upperBound)
        }
    }

    mutating func merge(_ other: Self) { rewardsAreBinary = rewardsAreBinary && other.rewardsAreBinary }
}
