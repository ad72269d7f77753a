import HaggleCore
import HaggleMath

/// A shop whose expected reward is smooth in the discount depth: seven depths from 0 to 30 %, one feature, a best depth that moves with it.
struct DepthWorld: Sendable {
    static let depths = [0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3]
    static let schema = FeatureSchema(features: [
        Feature(name: "x", kind: .number(missing: .mean, clip: .none, transform: .identity, scale: .none))
    ])
    static let arms = depths.indices.map { Arm(key: ArmKey("d\($0)"), discount: depths[$0], isControl: $0 == 0) }

    /// A parabola in the depth whose top lies at .15 + .1 x.
    static func expected(_ arm: Int, _ x: Double) -> Double {
        let distance = depths[arm] - 0.15 - 0.1 * x
        return 1 - 20 * distance * distance
    }

    static func experiment(_ configuration: PolicyConfiguration, arms: [Arm] = arms) -> Experiment {
        Experiment(
            key: "depth", kind: .bandit, arms: arms, context: schema, reward: RewardConfiguration(metric: .value, windowSeconds: 60),
            policy: configuration)
    }

    /// Impressions of arms drawn evenly from `played`.
    static func log(count: Int, seed: UInt64, noise: Double = 0.5, played: [Int] = Array(depths.indices)) -> [Interaction] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { row in
            let x = 2 * generator.uniform() - 1
            let arm = played[Int(generator.uniform() * Double(played.count))]
            var propensities = [Double](repeating: 0, count: depths.count)
            for other in played { propensities[other] = 1 / Double(played.count) }
            return Interaction(
                time: Timestamp(seconds: Double(row)), context: ["x": .number(x)], arm: arm, propensity: 1 / Double(played.count),
                propensities: propensities, reward: expected(arm, x) + noise * generator.normal())
        }
    }

    /// The true mean reward of a policy over a grid of x.
    static func value(of policy: any Policy) -> Double {
        var total = 0.0
        for step in 0..<41 {
            let x = Double(step) / 20 - 1
            let p = policy.distribution(over: Array(depths.indices), in: ["x": .number(x)])
            for arm in depths.indices { total += p[arm] * expected(arm, x) / 41 }
        }
        return total
    }
}
