import HaggleCore
import HaggleMath
import Policies
import Testing

@Suite struct LearnerReplayTests {
    static let firstRefit = 40

    /// Mean reward of the first `count` accepted rows of a replay.
    static func replayed(
        _ configuration: PolicyConfiguration, _ world: World, logging: FixedPolicy, largestWeight: Double, rows: Int, count: Int,
        seed: UInt64
    ) throws -> Double {
        var replay = try LearnerReplay(
            configuration, schema: world.schema, arms: world.arms, largestWeight: largestWeight, seed: seed, firstRefit: firstRefit)
        for row in world.log(count: rows, seed: 5000 + seed, policy: logging) where replay.acceptedCount < count { try replay.offer(row) }
        #expect(replay.acceptedCount == count)
        #expect(replay.cappedCount == 0)
        return try #require(replay.mean)
    }

    /// Mean reward of `count` rounds of the same algorithm, live: it draws, is paid, folds, and refits when a replay would.
    static func live(_ configuration: PolicyConfiguration, _ world: World, count: Int, seed: UInt64) throws -> Double {
        var generator = SeededGenerator(seed: 90_000 + seed)
        let experiment = world.experiment(configuration)
        var learner = PolicyLearner(.initial(experiment: experiment, experimentVersion: 1))
        var log: [Interaction] = []
        var next = firstRefit
        var total = 0.0
        for _ in 0..<count {
            let (x, z) = (generator.normal(), generator.normal())
            let context = World.context(x: x, z: z)
            let arm = learner.distribution(over: [0, 1, 2], in: context).draw(generator.uniform())
            let reward = world.expected(arm, x, z) + world.noise * generator.normal()
            total += reward
            log.append(Interaction(context: context, arm: arm, propensity: nil, reward: reward))
            if log.count >= next {
                learner = try PolicyLearner.refit(experiment, experimentVersion: 1, interactions: log)
                next = max(log.count + 1, log.count + log.count / 2)
            } else {
                learner.fold(context, arm: arm, reward: reward)
            }
        }
        return total / Double(count)
    }

    static func moments(_ values: [Double]) -> (mean: Double, variance: Double) {
        let mean = values.reduce(0, +) / Double(values.count)
        return (mean, values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1))
    }

    /// The theorem of Li et al.: a replayed learner's rewards are distributed as those of the learner at work. Even and uneven logs.
    @Test(
        arguments: [PolicyConfiguration.Algorithm.linearThompson, .linearUCB, .epsilonGreedy],
        [[1.0 / 3, 1.0 / 3, 1.0 / 3], [0.5, 0.3, 0.2]])
    func aReplayEarnsWhatTheLearnerEarnsLive(algorithm: PolicyConfiguration.Algorithm, logging: [Double]) throws {
        let world = World.linear
        let configuration = PolicyConfiguration(algorithm: algorithm, model: .init(kind: .linear))
        let largestWeight = 1 / (logging.min() ?? 1)
        var (live, replayed): ([Double], [Double]) = ([], [])
        for seed in 0..<80 {
            live.append(try Self.live(configuration, world, count: 120, seed: UInt64(seed)))
            replayed.append(
                try Self.replayed(
                    configuration, world, logging: FixedPolicy(probabilities: logging), largestWeight: largestWeight,
                    rows: Int(200 * largestWeight), count: 120, seed: UInt64(seed)))
        }
        let (a, b) = (Self.moments(live), Self.moments(replayed))
        // Four standard errors of the difference of two means of 80 independent runs: one in 16 000 by chance.
        #expect(abs(a.mean - b.mean) < 4 * ((a.variance + b.variance) / 80).squareRoot())
        // And the algorithm did learn meanwhile.
        #expect(b.mean > world.value(of: UniformPolicy(armCount: 3)).policy + 0.15)
    }

    /// A policy that learns nothing and an even log: accepted is exactly what matches.
    @Test func aFixedArmKeepsItsRows() throws {
        let world = World.linear
        let log = world.log(count: 300, seed: 3)
        var replay = try LearnerReplay(
            PolicyConfiguration(algorithm: .fixed, probabilities: ["five": 1]), schema: world.schema, arms: world.arms, largestWeight: 3)
        for row in log { #expect(try replay.offer(row) == (row.arm == 1)) }
        let rewards = log.filter { $0.arm == 1 }.map(\.reward)
        let (mean, variance) = Self.moments(rewards)
        #expect(replay.rewards == rewards)
        #expect(replay.offeredCount == 300)
        #expect(abs(try #require(replay.mean) - mean) < 1e-12)
        #expect(abs(try #require(replay.standardError) - (variance / Double(rewards.count)).squareRoot()) < 1e-12)
    }

    /// Any learner is in the log's even hands for a third of the rows.
    @Test func oneRowInMIsAccepted() throws {
        let world = World.linear
        var replay = try LearnerReplay(
            PolicyConfiguration(algorithm: .linearThompson, floor: 0.05), schema: world.schema, arms: world.arms, largestWeight: 3,
            firstRefit: 100)
        for row in world.log(count: 3000, seed: 8) { try replay.offer(row) }
        // 1000 expected, sd 26: four of them.
        #expect(abs(replay.acceptedCount - 1000) < 104)
    }

    @Test func theCourseIsTheLearningCurve() throws {
        let world = World.linear
        var replay = try LearnerReplay(
            PolicyConfiguration(algorithm: .linearThompson), schema: world.schema, arms: world.arms, largestWeight: 3, firstRefit: 60)
        for row in world.log(count: 2500, seed: 8) { try replay.offer(row) }
        let course = replay.course(stretches: 8)
        #expect(course.count == 8)
        let last = try #require(course.last)
        #expect(last.acceptedCount == replay.acceptedCount)
        #expect(last.offeredCount <= 2500 && last.offeredCount > 2400)
        #expect(abs(last.cumulativeMean - (try #require(replay.mean))) < 1e-12)
        #expect(zip(course, course.dropFirst()).allSatisfy { $0.acceptedCount < $1.acceptedCount && $0.offeredCount < $1.offeredCount })
        let first = replay.rewards[..<course[0].acceptedCount]
        #expect(abs(course[0].mean - first.reduce(0, +) / Double(first.count)) < 1e-12)
        // From the even prior to a learned policy: .55 to be won, a stretch's error about .08.
        #expect(last.mean > course[0].mean + 0.2)
        #expect(replay.course(stretches: 5000).count == replay.acceptedCount)
    }

    /// Equal seeds accept alike; a network is fitted on the way.
    @Test func aReplayCanBeRepeated() throws {
        let world = World.linear
        let configuration = PolicyConfiguration(algorithm: .neuralThompson, model: .small)
        func run(_ seed: UInt64) throws -> [Double] {
            var replay = try LearnerReplay(
                configuration, schema: world.schema, arms: world.arms, largestWeight: 3, seed: seed, firstRefit: 80)
            for row in world.log(count: 600, seed: 4) { try replay.offer(row) }
            return replay.rewards
        }
        #expect(try run(1) == run(1))
        #expect(try run(1) != run(2))
    }

    @Test func anMThatIsTooSmallIsCounted() throws {
        let world = World.linear
        var replay = try LearnerReplay(
            PolicyConfiguration(algorithm: .fixed), schema: world.schema, arms: world.arms, largestWeight: 2.5)
        #expect(replay.mean == nil && replay.standardError == nil && replay.course().isEmpty)
        let log = world.log(count: 60, seed: 4)
        for row in log { try replay.offer(row) }
        #expect(replay.cappedCount == log.count { $0.arm == 0 })
    }

    @Test(arguments: [PolicyConfiguration.Algorithm.ipw, .dr])
    func whatIsLearnedAsAWholeCannotBeReplayed(algorithm: PolicyConfiguration.Algorithm) {
        #expect(throws: PoliciesError.notIncremental(algorithm: algorithm.rawValue)) {
            try LearnerReplay(
                PolicyConfiguration(algorithm: algorithm), schema: World.linear.schema, arms: World.linear.arms, largestWeight: 3)
        }
    }

    @Test func rowsThatCannotBeAreErrors() throws {
        let world = World.linear
        var replay = try LearnerReplay(
            PolicyConfiguration(algorithm: .uniform), schema: world.schema, arms: world.arms, largestWeight: 3)
        try replay.offer(Interaction(arm: 0, propensity: 0.5, reward: 1))
        #expect(throws: PoliciesError.propensityMissing(row: 1, algorithm: "a replay")) {
            try replay.offer(Interaction(arm: 0, propensity: nil, reward: 1))
        }
        #expect(throws: PoliciesError.armOutOfRange(row: 1, arm: 3, armCount: 3)) {
            try replay.offer(Interaction(arm: 3, propensity: 0.5, reward: 1))
        }
        #expect(throws: PoliciesError.rewardNotFinite(row: 1)) { try replay.offer(Interaction(arm: 0, propensity: 0.5, reward: .nan)) }
        #expect(throws: PoliciesError.armNotEligible(row: 1, arm: 0)) {
            try replay.offer(Interaction(eligible: [1, 2], arm: 0, propensity: 0.5, reward: 1))
        }
    }
}
