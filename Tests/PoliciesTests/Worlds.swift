import HaggleCore
import HaggleMath

/// A world whose expected reward of every arm in every context is known.
struct World: Sendable {
    let schema: FeatureSchema
    let arms: [Arm]
    let expected: @Sendable (_ arm: Int, _ x: Double, _ z: Double) -> Double
    let noise: Double

    /// Three arms, each best somewhere; linear in x and z.
    static let linear = World(
        expected: { arm, x, z in [0.2, 0.8 * x - 0.1, -0.5 * x + 0.6 * z][arm] }, noise: 0.5)
    /// Arm 1 pays where x and z have the same sign, arm 2 where they have not: no line tells.
    static let exclusive = World(
        expected: { arm, x, z in [0.0, x * z > 0 ? 1 : -1, x * z > 0 ? -1 : 1][arm] }, noise: 0.5)

    init(expected: @escaping @Sendable (_ arm: Int, _ x: Double, _ z: Double) -> Double, noise: Double) {
        let plain = Feature.Kind.number(missing: .mean, clip: .none, transform: .identity, scale: .none)
        schema = FeatureSchema(features: [
            Feature(name: "x", kind: plain), Feature(name: "z", kind: plain),
            Feature(name: "channel", kind: .category(values: ["web", "app"], missing: nil)),
        ])
        arms = [Arm(key: "none", isControl: true), Arm(key: "five"), Arm(key: "ten")]
        self.expected = expected
        self.noise = noise
    }

    /// x in shop units: far from 0 and of another size than z.
    static func context(x: Double, z: Double) -> Context {
        ["x": .number(5000 + 1000 * x), "z": .number(z), "channel": .text(z > 0.5 ? "web" : "app")]
    }

    /// A log of `count` impressions that a policy (uniform where nil) chose.
    func log(count: Int, seed: UInt64, policy: (any Policy)? = nil) -> [Interaction] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { row in
            let x = generator.normal()
            let z = generator.normal()
            let context = Self.context(x: x, z: z)
            let distribution = policy?.distribution(over: [0, 1, 2], in: context) ?? .even(over: [0, 1, 2], of: 3)
            let arm = distribution.draw(generator.uniform())
            return Interaction(
                time: Timestamp(seconds: Double(row)), context: context, arm: arm, propensity: distribution[arm],
                propensities: distribution.probabilities, reward: expected(arm, x, z) + noise * generator.normal())
        }
    }

    /// The true value of a policy over `count` fresh contexts, and that of always choosing the best arm.
    func value(of policy: any Policy, count: Int = 1500, seed: UInt64 = 99) -> (policy: Double, best: Double) {
        var generator = SeededGenerator(seed: seed)
        var total = 0.0
        var best = 0.0
        for _ in 0..<count {
            let x = generator.normal()
            let z = generator.normal()
            let p = policy.distribution(over: [0, 1, 2], in: Self.context(x: x, z: z))
            let means = (0..<3).map { expected($0, x, z) }
            for arm in 0..<3 { total += p[arm] * means[arm] }
            best += means.max() ?? 0
        }
        return (total / Double(count), best / Double(count))
    }

    /// Contexts as they come: ordinary, empty, unknown, extreme.
    static let oddContexts: [Context] = [
        context(x: 0.3, z: -1), context(x: -2, z: 2), [:], ["x": .text("nonsense"), "other": 3],
        ["x": .number(1e300), "z": .number(-1e300)],
        ["x": .number(1e5), "channel": .text("fax")],
    ]

    func experiment(_ configuration: PolicyConfiguration) -> Experiment {
        Experiment(
            key: "world", kind: .bandit, arms: arms, context: schema,
            reward: RewardConfiguration(metric: .value, windowSeconds: 3600), policy: configuration)
    }
}

extension PolicyConfiguration.Algorithm {
    /// Those with a reward model.
    static let learning = serving.filter { $0 != .fixed && $0 != .uniform }
    /// What chooses by what it has learned: the apprentice gives the shop's own rule instead.
    static let exploring = learning.filter { $0 != .apprentice }
}

extension PolicyConfiguration.Model {
    /// Small enough for tests.
    static let small = PolicyConfiguration.Model(hidden: [16, 8], learningRate: 0.01, batch: 64, epochs: 12)
}
