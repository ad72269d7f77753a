import HaggleCore
import HaggleMath
import Policies

/// What is measured: an experiment with 20 features and 6 arms, and a neural policy trained on it.
struct BenchSubject: Sendable {
    let experiment: Experiment
    let snapshot: ServingSnapshot
    let contexts: [Context]

    init() throws {
        let features = (0..<16).map { index in
            Feature(name: "x\(index)", kind: .number(missing: .mean, clip: .percentile(99), transform: .identity, scale: .standard))
        }
        let others = [
            Feature(name: "channel", kind: .category(values: ["web", "app", "store"], missing: "web")),
            Feature(name: "region", kind: .category(values: ["north", "south", "east", "west"], missing: nil)),
            Feature(name: "is_member", kind: .boolean(missing: false)), Feature(name: "is_new", kind: .boolean(missing: false)),
        ]
        let arms = (0..<6).map { Arm(key: ArmKey("d\($0 * 5)"), discount: Double($0) * 0.05, isControl: $0 == 0) }
        let policy = PolicyConfiguration(algorithm: .neuralThompson, floor: 0.01, model: .init(kind: .mlp, hidden: [64, 32], epochs: 3))
        experiment = Experiment(
            key: "bench", kind: .bandit, arms: arms, context: FeatureSchema(features: features + others),
            reward: RewardConfiguration(metric: .margin, marginRate: 0.35, windowSeconds: 7 * 86_400), policy: policy)
        var generator = SeededGenerator(seed: 1)
        var interactions: [Interaction] = []
        var contexts: [Context] = []
        for row in 0..<4000 {
            var context = Context()
            for index in 0..<16 { context["x\(index)"] = .number(generator.normal()) }
            context["channel"] = .text(["web", "app", "store"][row % 3])
            context["region"] = .text(["north", "south", "east", "west"][row % 4])
            context["is_member"] = .boolean(row % 5 == 0)
            context["is_new"] = .boolean(row % 7 == 0)
            contexts.append(context)
            let arm = row % 6
            interactions.append(Interaction(context: context, arm: arm, propensity: 1 / 6, reward: generator.normal() + Double(arm) * 0.1))
        }
        self.contexts = contexts
        snapshot = try PolicyLearner.refit(experiment, experimentVersion: 1, interactions: interactions).snapshot(version: 2)
    }
}
