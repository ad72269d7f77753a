import HaggleCore
import HaggleMath
import Policies
import TestSupport
import Testing

/// The formulas of the rules, from scores computed by hand.
@Suite struct ExplorationRuleTests {
    static let rewards: [[Double]] = [[1, 0, 0, 1, 0], [1, 1, 0, 1], [0, 0, 1, 0]]

    static func policy(_ configuration: PolicyConfiguration, _ rewards: [[Double]] = rewards) -> SnapshotPolicy {
        SnapshotPolicy(SnapshotPolicyTests.contextFree(configuration, rewards: rewards))
    }

    /// Means of arms without context, in standardised units: sum r~ / (lambda + n).
    static func means(_ rewards: [[Double]] = rewards) -> [Double] {
        let all = rewards.flatMap { $0 }
        let centre = all.reduce(0, +) / Double(all.count)
        let scale = (all.reduce(0) { $0 + ($1 - centre) * ($1 - centre) } / Double(all.count)).squareRoot()
        return rewards.map { $0.reduce(0) { $0 + ($1 - centre) / scale } / (1 + Double($0.count)) }
    }

    @Test(arguments: [nil, 0.1, 0.5, 3] as [Double?])
    func softmaxIsExponentialInTheMeans(temperature: Double?) {
        let policy = Self.policy(PolicyConfiguration(algorithm: .softmax, floor: 0.02, temperature: temperature))
        let weights = Self.means().map { ElementaryFunctions.exp($0 / (temperature ?? 0.1)) }
        let total = weights.reduce(0, +)
        let p = policy.distribution(over: [0, 1, 2], in: [:])
        for arm in 0..<3 { #expect(abs(p[arm] - (0.02 + 0.94 * weights[arm] / total)) < 1e-13) }
    }

    /// Quotients that overflow leave a distribution: everything on the best.
    @Test(arguments: [1e-300, .leastNonzeroMagnitude])
    func aVanishingTemperatureIsGreedy(temperature: Double) {
        let policy = Self.policy(PolicyConfiguration(algorithm: .softmax, temperature: temperature))
        #expect(policy.distribution(over: [0, 1, 2], in: [:]).probabilities == [0, 1, 0])
        let equal = Self.policy(PolicyConfiguration(algorithm: .softmax, temperature: temperature), [[1, 0], [1, 0], [0, 0]])
        #expect(equal.distribution(over: [0, 1, 2], in: [:]).probabilities == [0.5, 0.5, 0])
    }

    @Test(arguments: [0, 1, 10, 1e6])
    func squareCBWeightsInverselyByTheGap(gamma: Double) {
        let policy = Self.policy(PolicyConfiguration(algorithm: .squareCB, gamma: gamma))
        let m = Self.means()
        let p = policy.distribution(over: [0, 1, 2], in: [:])
        #expect(abs(p[0] - 1 / (3 + gamma * (m[1] - m[0]))) < 1e-13)
        #expect(abs(p[2] - 1 / (3 + gamma * (m[1] - m[2]))) < 1e-13)
        #expect(abs(p[1] - (1 - p[0] - p[2])) < 1e-13)
    }

    /// gamma = 1/2 sqrt(K n / q), q = K coefficients here: 1/2 sqrt(n), not below 1.
    @Test(arguments: [1, 100])
    func squareCBsRateGrowsWithTheData(copies: Int) {
        let rewards = Self.rewards.map { values in (0..<copies).flatMap { _ in values } }
        let n = rewards.reduce(0) { $0 + $1.count }
        let gamma = max(1, 0.5 * Double(n).squareRoot())
        let m = Self.means(rewards)
        let p = Self.policy(PolicyConfiguration(algorithm: .squareCB), rewards).distribution(over: [0, 1, 2], in: [:])
        #expect(abs(p[0] - 1 / (3 + gamma * (m[1] - m[0]))) < 1e-12)
    }

    /// By the definition: from the P(best) of ordinary Thompson sampling.
    @Test(arguments: [0, 0.5, 0.8, 1])
    func topTwoMixesTheLeaderWithTheSecond(beta: Double) {
        let p = Self.policy(PolicyConfiguration(algorithm: .linearThompson)).distribution(over: [0, 1, 2], in: [:])
        let q = Self.policy(PolicyConfiguration(algorithm: .topTwoThompson, beta: beta)).distribution(over: [0, 1, 2], in: [:])
        for a in 0..<3 {
            var sum = 0.0
            for b in 0..<3 where b != a { sum += p[b] / (1 - p[b]) }
            #expect(abs(q[a] - p[a] * (beta + (1 - beta) * sum)) < 1e-12)
        }
    }

    /// A leader beyond doubt keeps beta; the rest goes to who would lead without it. Twins share it.
    @Test func topTwoWithALeaderBeyondDoubt() {
        let none = [Double](repeating: 0, count: 400)
        let leader = (0..<400).map { 10 + Double($0 % 2) }
        let configuration = PolicyConfiguration(algorithm: .topTwoThompson, beta: 0.7)
        let twins = Self.policy(configuration, [none, leader, none]).distribution(over: [0, 1, 2], in: [:])
        #expect(abs(twins[1] - 0.7) < 1e-12 && twins[0] == twins[2])
        let better = (0..<400).map { 2 + Double($0 % 2) }
        let ordered = Self.policy(configuration, [none, leader, better]).distribution(over: [0, 1, 2], in: [:])
        #expect(abs(ordered[1] - 0.7) < 1e-12 && ordered[2] > 0.299)
        #expect(Self.policy(configuration).distribution(over: [2], in: [:]).probabilities == [0, 0, 1])
    }

    @Test func theApprenticeImitatesAndFallsBack() {
        let named = PolicyConfiguration(algorithm: .apprentice, probabilities: ["a2": 0.75, "a1": 0.25], floor: 0.1, imitate: "rule")
        let policy = Self.policy(named)
        #expect(policy.distribution(over: [0, 1, 2], in: ["rule": "a1"]).probabilities == [0.1, 0.1 + 0.7, 0.1])
        // Not eligible, unknown, missing: the probabilities; control where they leave nothing.
        for context: Context in [["rule": "a0"], ["rule": "a9"], ["rule": 3], [:]] {
            let p = policy.distribution(over: [1, 2], in: context)
            #expect(abs(p[1] - (0.1 + 0.8 * 0.25)) < 1e-15 && abs(p[2] - (0.1 + 0.8 * 0.75)) < 1e-15)
        }
        let plain = Self.policy(PolicyConfiguration(algorithm: .apprentice, imitate: "rule"))
        #expect(plain.distribution(over: [0, 1, 2], in: [:]).probabilities == [1, 0, 0])
        let without = Self.policy(PolicyConfiguration(algorithm: .apprentice, probabilities: ["a1": 1]))
        #expect(without.distribution(over: [0, 1, 2], in: ["rule": "a2"]).probabilities == [0, 1, 0])
    }

    /// It imitates to the letter while the model that it will hand over is learned.
    @Test func theApprenticeLearnsMeanwhile() throws {
        let world = World.linear
        let rule = FixedPolicy(probabilities: [0.4, 0.3, 0.3])
        let log = world.log(count: 1500, seed: 31, policy: rule)
        var configuration = PolicyConfiguration(algorithm: .apprentice, model: .init(kind: .linear))
        let learner = try PolicyLearner.refit(world.experiment(configuration), experimentVersion: 1, interactions: log)
        let imitating = SnapshotPolicy(learner.snapshot(version: 2))
        #expect(imitating.distribution(over: [0, 1, 2], in: log[0].context).probabilities == [1, 0, 0])
        configuration.algorithm = .greedy
        let adapted = try #require(learner.snapshot(version: 2).adapted(to: world.experiment(configuration), version: 2))
        #expect(LearningTests.progress(SnapshotPolicy(adapted), world) > 0.9)
    }

    @Test(arguments: PolicyConfiguration.Algorithm.serving)
    func oneMoreArmOrderNeverMatters(algorithm: PolicyConfiguration.Algorithm) {
        var generator = SeededGenerator(seed: 5)
        let rewards = (0..<7).map { arm in (0..<(3 + arm)).map { _ in generator.uniform() < 0.3 + 0.05 * Double(arm) ? 1.0 : 0 } }
        let configuration = PolicyConfiguration(algorithm: algorithm, floor: 0.01)
        // Control stays where it is: fixed and apprentice give it everything.
        let order = [0, 4, 2, 6, 5, 1, 3]
        let plain = Self.policy(configuration, rewards).distribution(over: Array(0..<7), in: [:])
        let permuted = Self.policy(configuration, order.map { rewards[$0] }).distribution(over: Array(0..<7), in: [:])
        for (place, arm) in order.enumerated() { #expect(abs(permuted[place] - plain[arm]) < 1e-9) }
    }

    /// Millions or millionths: the same distribution. Beta counts shares of 1, so its rewards have no unit to choose.
    @Test(arguments: PolicyConfiguration.Algorithm.serving.filter { $0 != .bernoulliThompson }, [1e6, 1e-6])
    func theSizeOfRewardsNeverMatters(algorithm: PolicyConfiguration.Algorithm, size: Double) {
        var generator = SeededGenerator(seed: 6)
        let rewards = (0..<5).map { arm in (0..<40).map { _ in generator.normal() + 0.1 * Double(arm) } }
        let configuration = PolicyConfiguration(algorithm: algorithm, floor: 0.01)
        let p = Self.policy(configuration, rewards).distribution(over: Array(0..<5), in: [:])
        let q = Self.policy(configuration, rewards.map { $0.map { $0 * size } }).distribution(over: Array(0..<5), in: [:])
        for arm in 0..<5 { #expect(abs(p[arm] - q[arm]) < 1e-9) }
    }

    /// A caller's memory, used for other policies and other eligible arms in between, shows in no bit.
    @Test(arguments: PolicyConfiguration.Algorithm.serving)
    func aUsedWorkspaceGivesTheSameBits(algorithm: PolicyConfiguration.Algorithm) throws {
        let policy = SnapshotPolicy(try ServingSnapshotTests.trained(algorithm, floor: 0.02))
        let other = Self.policy(PolicyConfiguration(algorithm: .linearThompson), (0..<9).map { [Double($0), 1, 0] })
        var workspace = ChoiceWorkspace()
        for context in World.oddContexts {
            for eligible in [[0, 1, 2], [1], [0, 2]] {
                other.distribute(over: [0, 3, 5, 8], in: [:], workspace: &workspace)
                policy.distribute(over: eligible, in: context, workspace: &workspace)
                #expect(workspace.distribution == policy.distribution(over: eligible, in: context))
            }
        }
    }
}
