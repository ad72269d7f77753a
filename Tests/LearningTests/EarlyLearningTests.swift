import EventLog
import HaggleCore
import HaggleMath
import Learning
import Policies
import Testing

struct EarlyLearningTests {
    private static func early(_ change: (inout Experiment) -> Void = { _ in }) -> Experiment {
        LearningLog.experiment { experiment in
            experiment.reward.learn = .early
            change(&experiment)
        }
    }

    /// 90 impressions in the first hour, every arm's first 24 converted half an hour later, then 60 open ones.
    private func fill(_ log: LearningLog) async throws {
        try await log.show(0..<90)
        for number in 0..<UInt64(72) {
            try await log.convert(ConversionID("c-\(number)"), .impression(log.impression(number).id), at: 0.5, value: 4)
        }
        try await log.show(90..<150, at: { _ in 2 })
    }

    @Test func openImpressionsEnterWithWhatTheirArmsDelaysSay() async throws {
        try await LearningLog.with(Self.early()) { log in
            var learner = try await log.learner()
            try await fill(log)
            // All conversions take half an hour: before that F is 0, and nothing of the open ones enters.
            var step = try await log.step(&learner, at: 2.4)
            #expect(step.folded == 90 && step.published == 2)
            #expect(try await log.served().posterior.counts == [30, 30, 30])
            // One has converted already: its arm's F is still 0, but what has come is there.
            try await log.convert("open", .impression(log.impression(90, at: 2).id), at: 2.45, value: 7)
            // From half an hour on F is 1: an impression without a conversion counts as one with the default.
            step = try await log.step(&learner, at: 2.6)
            #expect(step.folded == 0 && step.published == 3)
            let served = try await log.served().posterior
            #expect(zip(served.counts, [50, 50, 50]).allSatisfy { abs($0 - $1) < 1e-9 })
            // 24 conversions of 4, 6 defaults, and of the open ones 20 defaults; 90 % 3 = 0 brought 7.
            #expect(abs(served.rewards[0] - (96 - 3 - 19 * 0.5 + 7)) < 1e-9)
            #expect(abs(served.rewards[1] - (96 - 3 - 10)) < 1e-9)
            // The state holds what has matured and nothing else.
            #expect(learner.posterior.counts == [30, 30, 30])
            try await log.expectRebuildEqualsState(at: 2.6)
            // Nothing new to say: nothing is published.
            #expect(try await log.step(&learner, at: 2.7).published == nil)
            // A process that knows only what is committed says the same.
            #expect(try await log.freshStep(at: 2.7).published == nil)
        }
    }

    /// What is served once all windows have closed is the matured fold.
    @Test func atTheCloseBothModesAgree() async throws {
        var matured: LinearPosterior?
        for mode in [RewardConfiguration.LearningMode.matured, .early] {
            try await LearningLog.with(Self.early { $0.reward.learn = mode }) { log in
                var learner = try await log.learner()
                try await fill(log)
                _ = try await log.step(&learner, at: 2.2)
                _ = try await log.step(&learner, at: 2.6)
                try await log.convert("refund", .impression(log.impression(3).id), at: 2.8, value: -4)
                _ = try await log.step(&learner, at: 2.9)
                _ = try await log.step(&learner, at: 3.1)
                try await log.expectRebuildEqualsState(at: 3.1)
                let served = try await log.served().posterior
                #expect(largestDifference(served, learner.posterior) < 1e-9)
                #expect(served.counts == [50, 50, 50])
                if let matured { #expect(largestDifference(served, matured) < 1e-9) } else { matured = served }
            }
        }
    }

    /// A retrain reads matured rows only, and its posterior is published with the open ones.
    @Test func retrainServesTheOpenImpressionsToo() async throws {
        let experiment = Self.early {
            $0.gate = .off
            $0.policy?.retrain.everySeconds = 2.5 * LearningLog.hour
        }
        try await LearningLog.with(experiment) { log in
            var learner = try await log.learner()
            try await fill(log)
            let step = try await log.step(&learner, at: 2.6)
            #expect(step.retrained)
            #expect(learner.posterior.counts == [30, 30, 30])
            #expect(try await log.served().posterior.counts.allSatisfy { abs($0 - 50) < 1e-9 })
        }
    }

    // MARK: Unequal delays

    private enum Entry {
        case early, naive
        /// As `early`, with one distribution of delays for both arms.
        case pooled
    }

    /// Two arms that convert equally often, one after 20 ticks and one after 400, one impression a tick, windows of 500.
    /// - Returns: the share of the quick arm among the last 2 000 of 3 000.
    private func shareOfQuickArm(_ entry: Entry, seed: UInt64) -> Double {
        var generator = SeededGenerator(seed: seed)
        let delays = [20, 400]
        let window = 500
        let experiment = Experiment(
            key: "delays", kind: .bandit, arms: [Arm(key: "quick", isControl: true), Arm(key: "slow")],
            reward: RewardConfiguration(metric: .conversion, windowSeconds: Double(window)),
            policy: PolicyConfiguration(algorithm: .linearThompson, floor: 0.02))
        var matured = PolicyLearner(.initial(experiment: experiment, experimentVersion: 1))
        var naive = matured
        var served = matured
        var shown: [(arm: Int, converts: Bool)] = []
        var quick = 0
        for tick in 0..<3000 {
            // What closes now, and what arrives now.
            if tick >= window {
                let row = shown[tick - window]
                matured.fold([:], arm: row.arm, reward: row.converts ? 1 : 0)
            }
            for arm in 0..<2 where tick >= delays[arm] && shown[tick - delays[arm]].arm == arm && shown[tick - delays[arm]].converts {
                naive.correct([:], arm: arm, from: 0, to: 1)
            }
            if tick % 10 == 0 {
                switch entry {
                case .naive: served = naive
                case .early: served = entered(matured, shown, tick: tick, delays: delays, window: window, groups: [[0], [1]])
                case .pooled: served = entered(matured, shown, tick: tick, delays: delays, window: window, groups: [[0, 1], [0, 1]])
                }
            }
            let distribution = served.distribution(over: [0, 1], in: [:])
            let arm = generator.uniform() < distribution[0] ? 0 : 1
            shown.append((arm, generator.uniform() < 0.2))
            naive.fold([:], arm: arm, reward: 0)
            if tick >= 1000, arm == 0 { quick += 1 }
        }
        return Double(quick) / 2000
    }

    private func entered(
        _ matured: PolicyLearner, _ shown: [(arm: Int, converts: Bool)], tick: Int, delays: [Int], window: Int,
        groups: [[Int]]
    ) -> PolicyLearner {
        let open = shown.indices.suffix(from: max(0, tick - window + 1))
        func delay(_ index: Int) -> Int { delays[shown[index].arm] }
        let distributions = groups.map { arms in
            let own = shown.indices.filter { arms.contains(shown[$0].arm) }
            let arrived = own.filter { shown[$0].converts && tick - $0 >= delay($0) }
            let closed = own.count { $0 <= tick - window }
            return DelayDistribution(
                arrivals: arrived.map { Double(delay($0)) }, closedCount: closed - arrived.count { $0 <= tick - window },
                openAges: own.filter { $0 > tick - window && !(shown[$0].converts && tick - $0 >= delay($0)) }.map { Double(tick - $0) },
                hasClosed: closed, windowSeconds: Double(window))
        }
        var entry = EarlyEntry(delays: distributions, defaultReward: 0)
        var view = matured
        for index in open {
            let (arm, converts) = shown[index]
            let hasArrived = converts && tick - index >= delays[arm]
            entry.enter(
                [:], arm: arm, reward: hasArrived ? 1 : 0, at: LearningLog.start, age: Double(tick - index), into: &view)
        }
        return view
    }

    /// Equal arms: whoever is not fooled gives each about half on average. Thompson sampling wanders in one run (the share's standard deviation
    /// is about .25), hence the mean of 20 runs and a tolerance of three standard errors. Over 120 runs: .47 early, .91 naive, .87 pooled.
    @Test func unequalDelaysDoNotFoolEarlyLearning() {
        func mean(_ entry: Entry, runs: UInt64) -> Double {
            (0..<runs).map { shareOfQuickArm(entry, seed: 100 + $0) }.reduce(0, +) / Double(runs)
        }
        let early = mean(.early, runs: 20)
        #expect(abs(early - 0.5) < 0.17, "early \(early)")
        let naive = mean(.naive, runs: 6)
        #expect(naive > 0.7, "naive entry must be fooled for this test to say anything: \(naive)")
        let pooled = mean(.pooled, runs: 6)
        #expect(pooled > early + 0.1, "one distribution for all arms must be fooled, else each arm needs none of its own: \(pooled)")
    }

    /// With an arm that is better and slow, early entry ends with the estimate of the closed rows, not below it.
    @Test func expectationOfAnOpenImpressionIsItsShareOfTheClosedOne() throws {
        var generator = SeededGenerator(seed: 9)
        let experiment = LearningLog.experiment()
        let initial = PolicyLearner(.initial(experiment: experiment, experimentVersion: 1))
        // Delays uniform on 0..<1000, default -0.5, a conversion in three brings 6: E r = 2/3 * -.5 + 1/3 * 6 = 1.6667.
        let delays = try #require(
            DelayDistribution(
                arrivals: (0..<1000).map { Double($0) }, closedCount: 2000, openAges: [], hasClosed: 3000, windowSeconds: 1000))
        var entry = EarlyEntry(delays: [delays, nil, nil], defaultReward: -0.5)
        var view = initial
        for _ in 0..<20_000 {
            let age = 1000 * generator.uniform()
            let arrives = generator.uniform() < 1.0 / 3 && 1000 * generator.uniform() < age
            entry.enter([:], arm: 0, reward: arrives ? 6 : -0.5, at: LearningLog.start, age: age, into: &view)
        }
        entry.enter([:], arm: 1, reward: 6, at: LearningLog.start, age: 900, into: &view)
        #expect(entry.enteredCount == 20_000 && entry.waitingCount == 1)
        let sums = view.posterior.arms[0]
        // Weights sum to half the count; the mean's standard error is about sqrt(6.5^2 * .33 / 10000) = .04.
        #expect(abs(sums.weight / 20_000 - 0.5) < 0.01)
        #expect(abs(sums.rewards / sums.weight - 5.0 / 3) < 0.12)
        // E r^2 = 2/3 * .25 + 1/3 * 36 = 12.1667.
        #expect(abs(sums.squares / sums.weight - 12.1667) < 0.7)
        #expect(view.posterior.arms[1].weight == 0)
    }
}
