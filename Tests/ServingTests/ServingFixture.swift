import HaggleCore
import HaggleMath
import Policies
import Serving

/// A checkout with three discounts and a learned preference that depends on the context.
enum ServingFixture {
    static let now = Timestamp("2026-11-15T12:00:00Z")!

    static func experiment(_ change: (inout Experiment) -> Void = { _ in }) -> Experiment {
        var experiment = Experiment(
            key: "checkout", kind: .bandit,
            arms: [Arm(key: "ten", discount: 0.1), Arm(key: "none", discount: 0, isControl: true), Arm(key: "five", discount: 0.05)],
            context: FeatureSchema(features: [
                Feature(name: "recency", kind: .number(missing: .mean, clip: .none, transform: .identity, scale: .standard))
            ]),
            reward: RewardConfiguration(metric: .value, windowSeconds: 3600),
            policy: PolicyConfiguration(algorithm: .linearThompson, floor: 0.03))
        change(&experiment)
        return experiment
    }

    static func split(_ shares: [Double]) -> Experiment {
        experiment { experiment in
            experiment.kind = .ab
            experiment.policy = nil
            for arm in shares.indices { experiment.arms[arm].weight = shares[arm] }
        }
    }

    /// Few enough rows that every arm keeps a probability well away from 0 and 1, and that it moves with the context.
    static func learned(_ experiment: Experiment) throws -> ServingSnapshot {
        var generator = SeededGenerator(seed: 5)
        let rows = (0..<90).map { row in
            let recency = generator.normal()
            let arm = row % 3
            let reward = [0.3 * recency, 0, -0.2 * recency + 0.1][arm] + generator.normal()
            return Interaction(context: ["recency": .number(recency)], arm: arm, propensity: nil, reward: reward)
        }
        return try PolicyLearner.refit(experiment, experimentVersion: 4, interactions: rows).snapshot(version: 7)
    }

    static func assigner(_ experiment: Experiment, isPaused: Bool = false, snapshot: ServingSnapshot?) throws -> Assigner {
        try Assigner(experiment: experiment, version: 4, isPaused: isPaused, snapshot: snapshot)
    }

    static func id(_ number: Int) -> ImpressionID {
        ImpressionID(time: now + Double(number) / 100, random: (mix64(UInt64(number)), mix64(UInt64(number) &+ 1 << 40)))
    }

    static func request(_ number: Int, recency: Double = 0, eligible: [Int]? = nil, requestID: String? = nil) -> AssignmentRequest {
        AssignmentRequest(
            unit: UnitID("unit-\(number)"), context: ["recency": .number(recency)], eligible: eligible, requestID: requestID)
    }
}
