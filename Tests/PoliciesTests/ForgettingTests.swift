import HaggleCore
import HaggleMath
import Policies
import Testing

@Suite struct ForgettingTests {
    static let day = 86_400.0
    static let forget = PolicyConfiguration.Forgetting(factor: 0.9, periodSeconds: day)

    static func time(_ days: Double) -> Timestamp { Timestamp(seconds: 1_700_000_000 + days * day) }

    static func log(days: Int, perDay: Int, seed: UInt64) -> [Interaction] {
        let rows = World.linear.log(count: days * perDay, seed: seed)
        return rows.enumerated().map { index, row in
            var row = row
            row.time = time(Double(index) / Double(perDay))
            return row
        }
    }

    static func learner(_ configuration: PolicyConfiguration) throws -> PolicyLearner {
        let base = try PolicyLearner.refit(
            World.linear.experiment(configuration), experimentVersion: 1, interactions: log(days: 3, perDay: 40, seed: 1))
        return PolicyLearner(emptied: base.snapshot(version: 1))
    }

    @Test func periodsAreWholeAndCountedFrom1970() {
        #expect(Self.forget.period(of: Timestamp(seconds: 0)) == 0)
        #expect(Self.forget.period(of: Timestamp(seconds: 86_399.9)) == 0)
        #expect(Self.forget.period(of: Timestamp(seconds: 86_400)) == 1)
        #expect(Self.forget.period(of: Timestamp(seconds: -1)) == -1)
        #expect(abs(Self.forget.weight(of: 3, at: 13) - 0.348_678_440_1) < 1e-15)
        #expect(Self.forget.weight(of: 14, at: 13) == 1)
    }

    /// omega_i = gamma^(P - P_i) by the definition, whichever way the state came about.
    @Test func rebuildEqualsIncremental() throws {
        let configuration = PolicyConfiguration(algorithm: .linearThompson, forget: Self.forget)
        let log = Self.log(days: 20, perDay: 25, seed: 2)
        let clock = Self.forget.period(of: Self.time(23))
        var byDefinition = try Self.learner(configuration)
        let representation = byDefinition.base.representation
        var posterior = LinearPosterior(dimension: representation.dimension, armCount: 3, ridge: 1)
        for row in log {
            let period = Self.forget.period(of: try #require(row.time))
            var weight = 1.0
            for _ in period..<clock { weight *= 0.9 }
            posterior.add(representation.phi(row.context), arm: row.arm, reward: row.reward, weight: weight)
        }
        // As the service does it: in order, rewards late, the clock moved by the cycle.
        var incremental = byDefinition
        for row in log { incremental.fold(row.context, arm: row.arm, reward: 0, at: row.time) }
        incremental.advance(to: Self.time(22))
        for row in log.shuffled(seed: 4) { incremental.correct(row.context, arm: row.arm, from: 0, to: row.reward, at: row.time) }
        incremental.advance(to: Self.time(23))
        // As a rebuild does it: out of order.
        var rebuilt = byDefinition
        for row in log.shuffled(seed: 3) { rebuilt.fold(row) }
        rebuilt.advance(to: Self.time(23))
        // In two shards whose clocks stand elsewhere.
        for row in log[..<200] { byDefinition.fold(row) }
        var shard = PolicyLearner(emptied: byDefinition.base)
        for row in log[200...] { shard.fold(row) }
        shard.advance(to: Self.time(23))
        byDefinition.merge(shard)
        for learner in [incremental, rebuilt, byDefinition] {
            #expect(learner.posterior.period == clock)
            #expect(LinearPosteriorTests.largestDifference(learner.posterior, posterior) < 1e-9)
        }
        let policy = SnapshotPolicy(incremental.snapshot(version: 2))
        #expect(PolicyLearnerTests.difference(policy, incremental) < 1e-9)
        #expect(PolicyLearnerTests.difference(policy, SnapshotPolicy(rebuilt.snapshot(version: 2))) < 1e-9)
    }

    /// A refit weighs its rows as folding them would have.
    @Test func aRefitForgetsToo() throws {
        let configuration = PolicyConfiguration(algorithm: .linearThompson, forget: Self.forget)
        let log = Self.log(days: 20, perDay: 25, seed: 5)
        let refitted = try PolicyLearner.refit(World.linear.experiment(configuration), experimentVersion: 1, interactions: log)
        var folded = PolicyLearner(emptied: refitted.snapshot(version: 1))
        for row in log { folded.fold(row) }
        #expect(refitted.posterior.period == folded.posterior.period)
        #expect(LinearPosteriorTests.largestDifference(refitted.posterior, folded.posterior) < 1e-9)
    }

    @Test func theClockNeverGoesBackAndItsStartForgetsNothing() {
        var posterior = LinearPosterior(dimension: 1, armCount: 1, ridge: 1)
        posterior.add([1], arm: 0, reward: 2)
        let answers = [posterior.advance(to: 20_000, factor: 0.5), posterior.advance(to: 19_000, factor: 0.5)]
        #expect(answers == [false, false])
        #expect(posterior.arms[0].weight == 1)
        let moved = posterior.advance(to: 20_002, factor: 0.5)
        #expect(moved)
        #expect(posterior.arms[0].weight == 0.25 && posterior.arms[0].rewards == 0.5 && posterior.arms[0].squares == 1)
        posterior.advance(to: 9_000_000, factor: 0.5)
        #expect(posterior.arms[0].weight == 0 && posterior.rewardScale == .identity)
    }

    /// A feature that is not seen any more: its variance returns to the prior's and stays there. Plain gamma A would let it grow without bound.
    @Test func unseenDirectionsDoNotWindUp() {
        var posterior = LinearPosterior(dimension: 3, armCount: 1, ridge: 1)
        for _ in 0..<100 { posterior.add([1, 0, 1], arm: 0, reward: 1) }
        #expect(posterior.factor(arm: 0).inverseQuadraticForm([1, 0, 0]) < 0.51)
        for period in 1...400 {
            posterior.advance(to: period, factor: 0.9)
            for _ in 0..<20 { posterior.add([0, 1, 1], arm: 0, reward: 1) }
        }
        let factor = posterior.factor(arm: 0)
        #expect(abs(factor.inverseQuadraticForm([1, 0, 0]) - 1) < 1e-12)
        // What is seen stays known: 20 / (1 - 0.9) = 200 impressions' worth, of which prior and intercept take one half.
        #expect(factor.inverseQuadraticForm([0, 1, 0]) < 0.51)
    }

    /// What two arms pay is exchanged half way. Regret after the break of Thompson sampling with and without forgetting, 12 seeds.
    @Test func forgettingWinsAfterABreak() {
        func regret(_ forget: PolicyConfiguration.Forgetting?, seed: UInt64) -> (before: Double, after: Double) {
            let configuration = PolicyConfiguration(algorithm: .linearThompson, floor: 0.02, forget: forget)
            let snapshot = SnapshotPolicyTests.contextFree(configuration, rewards: [[], []])
            var learner = PolicyLearner(snapshot)
            var generator = SeededGenerator(seed: seed)
            var (before, after) = (0.0, 0.0)
            for round in 0..<1600 {
                let isBroken = round >= 800
                let arm = learner.distribution(over: [0, 1], in: [:]).draw(generator.uniform())
                let pays = [isBroken ? 0.0 : 0.5, isBroken ? 0.5 : 0.0]
                learner.fold([:], arm: arm, reward: pays[arm] + generator.normal(), at: Self.time(Double(round) / 20))
                if isBroken { after += 0.5 - pays[arm] } else { before += 0.5 - pays[arm] }
            }
            return (before, after)
        }
        var kept = (before: 0.0, after: 0.0)
        var forgot = kept
        for seed in UInt64(1)...12 {
            let (a, b) = (regret(nil, seed: seed), regret(Self.forget, seed: seed))
            kept = (kept.before + a.before / 12, kept.after + a.after / 12)
            forgot = (forgot.before + b.before / 12, forgot.after + b.after / 12)
        }
        // Of 400 at most. What forgetting costs before the break it earns several times over after it.
        #expect(forgot.after < 0.6 * kept.after)
        #expect(kept.after - forgot.after > 2 * (forgot.before - kept.before))
    }
}
