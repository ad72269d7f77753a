package import HaggleCore

/// What giving an arm is expected to cost: its discount times the list price that the customer is expected to buy for.
///
///     cost_a = d_a L_a        L_a = expected list revenue under arm a
///     metric revenue:  m_a = L_a (1 - d_a)        so  L_a = m_a / (1 - d_a)
///     metric margin:   m_a = L_a (M - d_a)        so  L_a = m_a / (M - d_a)      M the margin rate
///
/// m_a is the model's expected reward; a negative L_a counts as 0. Assumptions: an impression without a conversion has reward 0, returns
/// are in the reward, and conversions bring no margin of their own. Where |M - d_a| < M / 4 (1 - d_a < 1/4 for revenue) the division would
/// blow up the model's error, so the customer's largest L of the other arms is taken, which rather overstates the cost. An arm without
/// a discount costs nothing.
package struct ExpectedDiscountCost: Hashable, Sendable {
    /// Why a cost cannot be derived from the rewards.
    package enum Failure: Error, Hashable, Sendable, CustomStringConvertible {
        case metric(RewardConfiguration.Metric)
        case defaultReward(Double)
        case marginRate
        /// No arm's list revenue can be derived.
        case noArm

        package var description: String {
            switch self {
            case .metric(let metric):
                "--budget: expected an experiment with the metric revenue or margin, whose rewards tell what a discount costs, found \(metric.rawValue)"
            case .defaultReward(let value):
                "--budget: expected a default reward of 0, found \(value): it cannot be told from what customers paid"
            case .marginRate: "--budget: expected margin_rate above 0 in the experiment's reward, found none; add it"
            case .noArm: "--budget: expected an arm whose margin or price after discount is not close to 0, found none"
            }
        }
    }

    /// Per arm: the discount, and what list revenue is multiplied by to give the reward.
    private let discounts: [Double]
    private let factors: [Double]
    private let isUsable: [Bool]

    package init(arms: [Arm], reward: RewardConfiguration) throws(Failure) {
        guard reward.defaultReward == 0 else { throw .defaultReward(reward.defaultReward) }
        let full: Double
        switch reward.metric {
        case .revenue: full = 1
        case .margin:
            guard let rate = reward.marginRate, rate > 0 else { throw .marginRate }
            full = rate
        case .conversion, .value: throw .metric(reward.metric)
        }
        let discounts = arms.map { $0.discount ?? 0 }
        self.discounts = discounts
        factors = discounts.map { full - $0 }
        isUsable = discounts.map { abs(full - $0) >= full / 4 }
        guard isUsable.contains(true) else { throw .noArm }
    }

    /// The expected cost of every arm, at least 0, in the reward's unit.
    /// - Parameter expectedRewards: one per arm.
    package func callAsFunction(_ expectedRewards: [Double]) -> [Double] {
        var largest = 0.0
        for arm in factors.indices where isUsable[arm] { largest = max(largest, expectedRewards[arm] / factors[arm]) }
        return factors.indices.map { arm in
            guard discounts[arm] > 0 else { return 0 }
            return discounts[arm] * (isUsable[arm] ? max(0, expectedRewards[arm] / factors[arm]) : largest)
        }
    }
}
