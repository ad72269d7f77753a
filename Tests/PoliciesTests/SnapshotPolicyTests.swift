import HaggleCore
import HaggleMath
import Policies
import TestSupport
import Testing

@Suite struct SnapshotPolicyTests {
    /// A snapshot without context whose arms saw the given rewards.
    static func contextFree(_ configuration: PolicyConfiguration, rewards: [[Double]]) -> ServingSnapshot {
        let arms = rewards.indices.map { Arm(key: ArmKey("a\($0)"), isControl: $0 == 0) }
        let experiment = Experiment(
            key: "free", kind: .bandit, arms: arms, reward: RewardConfiguration(metric: .value, windowSeconds: 1), policy: configuration)
        var learner = PolicyLearner(.initial(experiment: experiment, experimentVersion: 1))
        for (arm, values) in rewards.enumerated() { for reward in values { learner.fold([:], arm: arm, reward: reward) } }
        return learner.snapshot(version: 2)
    }

    @Test(arguments: PolicyConfiguration.Algorithm.serving)
    func everyAlgorithmConforms(algorithm: PolicyConfiguration.Algorithm) throws {
        let policy = SnapshotPolicy(try ServingSnapshotTests.trained(algorithm, floor: 0.03))
        #expect(policyViolations(policy, floor: 0.03, contexts: World.oddContexts) == [])
    }

    @Test func simplePoliciesConform() {
        #expect(policyViolations(UniformPolicy(armCount: 4), floor: 0.25, contexts: World.oddContexts) == [])
        #expect(policyViolations(FixedPolicy(probabilities: [0.2, 0, 0.8]), floor: 0, contexts: World.oddContexts) == [])
        #expect(policyViolations(FixedPolicy(arm: 2, armCount: 3), floor: 0, contexts: World.oddContexts) == [])
    }

    @Test func fixedFallsBackToControlThenToTheFirstEligible() {
        let policy = FixedPolicy(arm: 2, armCount: 4, controlIndex: 1)
        #expect(policy.distribution(over: [0, 2], in: [:]).probabilities == [0, 0, 1, 0])
        #expect(policy.distribution(over: [0, 1], in: [:]).probabilities == [0, 1, 0, 0])
        #expect(policy.distribution(over: [0, 3], in: [:]).probabilities == [1, 0, 0, 0])
        let snapshot = Self.contextFree(PolicyConfiguration(algorithm: .fixed), rewards: [[], [], []])
        #expect(SnapshotPolicy(snapshot).distribution(over: [0, 1, 2], in: [:]).probabilities == [1, 0, 0])
    }

    /// Two arms without context: A = lambda + n, mu = sum r~ / A, v^2 = (6 + (yy~ - mu b~) / 2) / (6 + n / 2), V = v^2 / A. By hand.
    @Test func scoresAndThompsonByHand() {
        let rewards: [[Double]] = [[1, 0, 0, 1], [1, 1]]
        let all = rewards.flatMap { $0 }
        let centre = all.reduce(0, +) / 6
        let scale = (all.reduce(0) { $0 + ($1 - centre) * ($1 - centre) } / 6).squareRoot()
        var means: [Double] = []
        var deviations: [Double] = []
        for values in rewards {
            let standardised = values.map { ($0 - centre) / scale }
            let n = Double(values.count)
            let sum = standardised.reduce(0, +)
            let squares = standardised.reduce(0) { $0 + $1 * $1 }
            let variance = (6 + (squares - sum * sum / (n + 2)) / 2) / (6 + n / 2)
            means.append(sum / (n + 2))
            deviations.append((variance / (n + 2)).squareRoot())
        }
        let snapshot = Self.contextFree(PolicyConfiguration(algorithm: .linearThompson, floor: 0.1, ridge: 2), rewards: rewards)
        let policy = SnapshotPolicy(snapshot)
        let scores = policy.scores(of: [0, 1], in: [:])
        for arm in 0..<2 {
            #expect(abs(scores.means[arm] - means[arm]) < 1e-14)
            #expect(abs(scores.deviations[arm] - deviations[arm]) < 1e-14)
        }
        let spread = (deviations[0] * deviations[0] + deviations[1] * deviations[1]).squareRoot()
        let best = NormalDistribution.cumulative((means[1] - means[0]) / spread)
        let p = policy.distribution(over: [0, 1], in: [:])
        // The floor is added: p = f + (1 - K f) w. 5e-9 is the quadrature's.
        #expect(abs(p[1] - (0.1 + 0.8 * best)) < 5e-9)
        // UCB: the widest arm wins for a large alpha, the best mean for alpha 0.
        for alpha in [0.0, 0.5, 1, 3, 30] {
            let configuration = PolicyConfiguration(algorithm: .linearUCB, floor: 0.1, alpha: alpha, ridge: 2)
            let upper = (0..<2).map { means[$0] + alpha * deviations[$0] }
            let leader = upper[0] > upper[1] ? 0 : 1
            let q = SnapshotPolicy(Self.contextFree(configuration, rewards: rewards)).distribution(over: [0, 1], in: [:])
            #expect(abs(q[leader] - 0.9) < 1e-15)
            #expect(q[1 - leader] == 0.1)
        }
        let greedy = PolicyConfiguration(algorithm: .epsilonGreedy, epsilon: 0.2)
        #expect(SnapshotPolicy(Self.contextFree(greedy, rewards: rewards)).distribution(over: [0, 1], in: [:])[1] == 0.9)
    }

    @Test func aGivenVarianceIsUsed() {
        let configuration = PolicyConfiguration(algorithm: .linearThompson, variance: 0.09, ridge: 1)
        let policy = SnapshotPolicy(Self.contextFree(configuration, rewards: [[1, 2, 3], []]))
        let deviations = policy.scores(of: [0, 1], in: [:]).deviations
        #expect(abs(deviations[0] - 0.3 / 2) < 1e-15)
        #expect(abs(deviations[1] - 0.3) < 1e-15)
    }

    /// Equal data: equal shares to the bit, through every rule.
    @Test(arguments: PolicyConfiguration.Algorithm.exploring)
    func equalArmsTie(algorithm: PolicyConfiguration.Algorithm) {
        let snapshot = Self.contextFree(
            PolicyConfiguration(algorithm: algorithm), rewards: [[1, 0, 1], [1, 0, 1], [0, 0, 0], [1, 0, 1]])
        let p = SnapshotPolicy(snapshot).distribution(over: [0, 1, 2, 3], in: [:])
        #expect(p[0] == p[1] && p[1] == p[3])
        #expect(p[0] > p[2])
    }

    @Test(arguments: [0.01, 0.1, 1.0 / 3])
    func theFloorIsAdditive(floor: Double) throws {
        let plain = try ServingSnapshotTests.trained(.linearThompson, floor: 0)
        let floored = try ServingSnapshotTests.trained(.linearThompson, floor: floor)
        for context in World.oddContexts {
            let w = SnapshotPolicy(plain).distribution(over: [0, 1, 2], in: context)
            let p = SnapshotPolicy(floored).distribution(over: [0, 1, 2], in: context)
            for arm in 0..<3 { #expect(abs(p[arm] - (floor + (1 - 3 * floor) * w[arm])) < 1e-15) }
        }
    }

    /// The learner's live factors and the snapshot's fresh ones are the same posterior.
    @Test(arguments: [PolicyConfiguration.Algorithm.linearThompson, .neuralThompson, .greedy, .uniform])
    func theLearnerServesWhatItsSnapshotServes(algorithm: PolicyConfiguration.Algorithm) throws {
        var learner = PolicyLearner(try ServingSnapshotTests.trained(algorithm))
        for row in World.linear.log(count: 200, seed: 8) { learner.fold(row) }
        let policy = SnapshotPolicy(learner.snapshot(version: 9))
        for context in World.oddContexts {
            let live = learner.distribution(over: [0, 1, 2], in: context)
            let served = policy.distribution(over: [0, 1, 2], in: context)
            // Rounding of 200 rank-one updates, times what the density makes of it.
            for arm in 0..<3 { #expect(abs(live[arm] - served[arm]) < 1e-10) }
        }
        #expect(learner.drift < 1e-12)
        #expect(policyViolations(learner, floor: 0.02, contexts: World.oddContexts) == [])
    }

    /// Rewards of any size, constant and collinear features: always a distribution.
    @Test(arguments: [1e6, 1e-6, 0, 1e150])
    func uglyDataGiveDistributions(size: Double) throws {
        var experiment = World.linear.experiment(PolicyConfiguration(algorithm: .linearThompson, floor: 0.01))
        let plain = Feature.Kind.number(missing: .mean, clip: .none, transform: .identity, scale: .none)
        experiment.context = FeatureSchema(features: ["x", "twice", "constant"].map { Feature(name: $0, kind: plain) })
        var generator = SeededGenerator(seed: 3)
        var rows: [Interaction] = []
        for _ in 0..<200 {
            let x = 1e5 * generator.normal()
            let context: Context = ["x": .number(x), "twice": .number(2 * x), "constant": 42]
            rows.append(
                Interaction(context: context, arm: Int(3 * generator.uniform()), propensity: nil, reward: size * generator.normal()))
        }
        let contexts: [Context] = [
            rows[0].context, [:], ["x": .number(1e300), "twice": .number(-1e300), "constant": 43], ["x": .number(.greatestFiniteMagnitude)],
        ]
        for algorithm in PolicyConfiguration.Algorithm.learning {
            experiment.policy?.algorithm = algorithm
            experiment.policy?.model = .small
            // Only shares can be counted.
            var log = rows
            if algorithm == .bernoulliThompson { for row in log.indices { log[row].reward = log[row].reward > 0 ? 1 : 0 } }
            let learner = try PolicyLearner.refit(experiment, experimentVersion: 1, interactions: log)
            #expect(policyViolations(SnapshotPolicy(learner.snapshot(version: 1)), floor: 0.01, contexts: contexts) == [], "\(algorithm)")
        }
    }
}
