import HaggleCore
import HaggleMath
import Policies
import Testing

@Suite struct PolicyLearnerTests {
    static let representations: [PolicyConfiguration.Algorithm] = [.uniform, .linearThompson, .neuralThompson]

    /// Largest difference of a distribution over ordinary contexts.
    static func difference(_ a: any Policy, _ b: any Policy) -> Double {
        var largest = 0.0
        for row in World.linear.log(count: 100, seed: 70) {
            let p = a.distribution(over: [0, 1, 2], in: row.context)
            let q = b.distribution(over: [0, 1, 2], in: row.context)
            for arm in 0..<3 { largest = max(largest, abs(p[arm] - q[arm])) }
        }
        return largest
    }

    /// The log folded anew, in another order and corrected afterwards, gives what was folded as it came.
    @Test(arguments: representations)
    func rebuildEqualsIncremental(algorithm: PolicyConfiguration.Algorithm) throws {
        let world = World.linear
        let log = world.log(count: 400, seed: 1)
        let fitted = try PolicyLearner.refit(
            world.experiment(PolicyConfiguration(algorithm: algorithm, model: .small)), experimentVersion: 1, interactions: log)
        var incremental = PolicyLearner(fitted.snapshot(version: 2))
        let later = world.log(count: 300, seed: 2)
        for row in later { incremental.fold(row.context, arm: row.arm, reward: 0) }
        for row in later.shuffled(seed: 3) { incremental.correct(row.context, arm: row.arm, from: 0, to: row.reward) }
        var rebuilt = PolicyLearner(emptied: incremental.base)
        for row in (log + later).shuffled(seed: 4) { rebuilt.fold(row) }
        #expect(LinearPosteriorTests.largestDifference(incremental.posterior, rebuilt.posterior) < 1e-9)
        #expect(Self.difference(SnapshotPolicy(incremental.snapshot(version: 3)), SnapshotPolicy(rebuilt.snapshot(version: 3))) < 1e-9)
        // Refit accumulates in bulk what fold adds row by row: the same bits.
        var refolded = PolicyLearner(emptied: fitted.base)
        for row in log { refolded.fold(row) }
        #expect(refolded.posterior == fitted.posterior)
    }

    @Test func shardsOfTheLogMerge() throws {
        let snapshot = try ServingSnapshotTests.trained(.linearThompson)
        let log = World.linear.log(count: 500, seed: 6)
        var whole = PolicyLearner(snapshot)
        for row in log { whole.fold(row) }
        var merged = PolicyLearner(snapshot)
        for start in [0, 250] {
            var shard = PolicyLearner(emptied: snapshot)
            for row in log[start..<start + 250] { shard.fold(row) }
            merged.merge(shard)
        }
        #expect(LinearPosteriorTests.largestDifference(merged.posterior, whole.posterior) < 1e-12)
        #expect(Self.difference(merged, whole) < 1e-9)
    }

    /// Cents or euros: the same policy, state refitted from scratch. 1000 and 0.37 are no powers of two.
    @Test(arguments: [PolicyConfiguration.Algorithm.linearThompson, .linearUCB, .greedy, .neuralThompson, .neuralUCB])
    func theRewardsUnitDoesNotMatter(algorithm: PolicyConfiguration.Algorithm) throws {
        let world = World.linear
        let log = world.log(count: 300, seed: 11)
        let experiment = world.experiment(PolicyConfiguration(algorithm: algorithm, model: .small))
        func fitted(_ factor: Double) throws -> SnapshotPolicy {
            let rows = log.map { row in
                var row = row
                row.reward *= factor
                return row
            }
            return SnapshotPolicy(try PolicyLearner.refit(experiment, experimentVersion: 1, interactions: rows).snapshot(version: 1))
        }
        let plain = try fitted(1)
        for factor in [1000, 0.37, 1e-6] { #expect(Self.difference(plain, try fitted(factor)) < 1e-9) }
    }

    @Test func numbersThatAreNotFiniteAreRefused() {
        var learner = PolicyLearner(.initial(experiment: World.linear.experiment(.init(algorithm: .linearUCB)), experimentVersion: 1))
        let before = learner.posterior
        let answers = [
            learner.fold([:], arm: 0, reward: .nan), learner.fold([:], arm: 0, reward: 1, weight: .infinity),
            learner.fold([:], arm: 0, reward: 1, weight: -1), learner.correct([:], arm: 0, from: 0, to: .infinity),
        ]
        #expect(answers == [false, false, false, false])
        #expect(learner.refusedCount == 4)
        #expect(learner.posterior == before)
        let taken = learner.fold([:], arm: 0, reward: 1)
        #expect(taken)
        #expect(learner.posterior.arms[0].weight == 1)
    }

    @Test func rowsThatCannotBeAreErrors() {
        let experiment = World.linear.experiment(PolicyConfiguration(algorithm: .linearThompson))
        var log = World.linear.log(count: 3, seed: 1)
        log[1].arm = 3
        #expect(throws: PoliciesError.armOutOfRange(row: 1, arm: 3, armCount: 3)) {
            try PolicyLearner.refit(experiment, experimentVersion: 1, interactions: log)
        }
        log[1].arm = 0
        log[2].reward = .nan
        #expect(throws: PoliciesError.rewardNotFinite(row: 2)) {
            try PolicyLearner.refit(experiment, experimentVersion: 1, interactions: log)
        }
    }

    @Test func refittingNothingIsThePrior() throws {
        for algorithm in PolicyConfiguration.Algorithm.exploring {
            let learner = try PolicyLearner.refit(
                World.linear.experiment(PolicyConfiguration(algorithm: algorithm)), experimentVersion: 1, interactions: [])
            #expect(learner.distribution(over: [0, 1, 2], in: [:]) == .even(over: [0, 1, 2], of: 3))
        }
    }

    /// Rows are trained on in the order of their times, however they come.
    @Test func refitDoesNotDependOnTheOrderOfTimedRows() throws {
        let log = World.linear.log(count: 200, seed: 12)
        let experiment = World.linear.experiment(PolicyConfiguration(algorithm: .neuralThompson, model: .small))
        let a = try PolicyLearner.refit(experiment, experimentVersion: 1, interactions: log)
        let b = try PolicyLearner.refit(experiment, experimentVersion: 1, interactions: log.shuffled(seed: 5))
        #expect(a.snapshot(version: 1) == b.snapshot(version: 1))
        #expect(a.training != nil)
    }

    /// Before the first retrain a neural policy learns each arm's mean.
    @Test func theFirstFoldAlreadyLearns() {
        let experiment = World.linear.experiment(PolicyConfiguration(algorithm: .neuralThompson))
        var learner = PolicyLearner(.initial(experiment: experiment, experimentVersion: 1))
        for index in 0..<60 { learner.fold(["x": .number(1e5)], arm: index % 3, reward: index % 3 == 1 ? 1 : 0) }
        #expect(SnapshotPolicy(learner.snapshot(version: 2)).distribution(over: [0, 1, 2], in: [:])[1] > 0.99)
    }
}

extension Array {
    func shuffled(seed: UInt64) -> [Element] {
        var generator = SeededGenerator(seed: seed)
        return shuffled(using: &generator)
    }
}
