import HaggleCore
import HaggleMath
import Testing

@testable import Policies

@Suite struct OnlineLearnerTests {
    /// phi = 1, lambda = 1, rewards 1, 0, 1: theta = 2 / (1 + 3), phi' P phi = 1 / 4, residuals: 2 - 2 * 1/2 = 1.
    @Test func aRegressionOnTheConstantIsTheShrunkenMean() {
        var regressions = ArmRegressions(dimension: 1, armCount: 2, ridge: 1)
        for reward in [1.0, 0, 1] {
            regressions.score([1])
            regressions.learn(arm: 1, reward: reward)
        }
        regressions.score([1])
        #expect(abs(regressions.means[1] - 0.5) < 1e-12)
        #expect(abs(regressions.leverages[1] - 0.25) < 1e-12)
        #expect(regressions.means[0] == 0 && regressions.leverages[0] == 1)
        #expect(abs(regressions.noise(spread: 0.2) - (0.2 + 1) / 4) < 1e-12)
    }

    @Test func rankOneUpdatesAndAccumulationAgree() {
        var generator = SeededGenerator(seed: 3)
        var stepwise = ArmRegressions(dimension: 9, armCount: 3, ridge: 0.5)
        var rows = [[Double]](repeating: [], count: 3)
        var rewards = rows
        for round in 0..<2000 {
            var phi = (0..<7).map { (column: Int) -> Double in generator.normal() * Double(column + 1) }
            phi += [Double(2 * (round % 2)), 1]
            let reward: Double = phi[0] - phi[3] + generator.normal()
            stepwise.score(phi)
            stepwise.learn(arm: round % 3, reward: reward)
            rows[round % 3] += phi
            rewards[round % 3].append(reward)
        }
        var whole = ArmRegressions(dimension: 9, armCount: 3, ridge: 0.5)
        whole.rebuild(rows: rows, rewards: rewards)
        let phi = (0..<9).map { (column: Int) -> Double in Double(column) - 4 }
        stepwise.score(phi)
        whole.score(phi)
        for arm in 0..<3 {
            #expect(abs(stepwise.means[arm] - whole.means[arm]) < 1e-9)
            #expect(abs(stepwise.leverages[arm] - whole.leverages[arm]) < 1e-9)
        }
        #expect(abs(stepwise.noise(spread: 1) - whole.noise(spread: 1)) < 1e-8)
    }

    @Test func columnsAreStandardisedByWhatWasSeen() {
        var running = RunningScaling(width: 4)
        for row in [[2, 7, 0, 0], [4, 7, 1, 0], [6, 7, 1, 0], [8, 7, 0, 0]] as [[Float]] { running.add(row[...]) }
        var scaled = [Float](repeating: 0, count: 4)
        running.scaling.apply([8, 9, 1, 1], into: &scaled)
        // Mean 5, variance 5; a constant; an indicator; an indicator that was always 0.
        #expect(abs(scaled[0] - 3 / Float(5).squareRoot()) < 1e-6)
        #expect(scaled[1] == 0 && scaled[2] == 1 && scaled[3] == 0)
        // Thirty standard deviations count as 3 (1 + log 10).
        running.scaling.apply([5 + 30 * Float(5).squareRoot(), 7, 0, 0], into: &scaled)
        #expect(abs(scaled[0] - 3 * (1 + Float(2.302585))) < 1e-4)
    }

    /// A column that first varies long after the last fit must not wait until the rounds have doubled.
    @Test func aColumnThatBeginsToVaryIsLearnedSoon() throws {
        var learner = try OnlineLearner(
            PolicyConfiguration(algorithm: .greedy, model: .init(kind: .linear)), width: 1, arms: ["a", "b"], seed: 1)
        for round in 0..<3000 {
            // The column is 0 for 2600 rounds and then says which arm pays.
            let context: [Float] = [round >= 2600 && round % 2 == 0 ? 1 : 0]
            _ = learner.choose(context)
            let arm = (round / 2) % 2
            try learner.learn(arm: arm, reward: arm == (context[0] == 1 ? 1 : 0) ? 1 : 0)
        }
        #expect(learner.choose([1])[1] == 1)
        #expect(learner.choose([0])[0] == 1)
    }

    @Test func theOldestRowsGoWhenThereAreTooMany() {
        var rows = PlayedRows(width: 1, capacity: 16)
        for row in 0..<40 { rows.append([Float(row)], arm: row % 2, reward: Double(row)) }
        #expect(rows.playedCount == 40)
        #expect((14...16).contains(rows.count))
        #expect(rows.rewards == (40 - rows.count..<40).map { Double($0) })
        #expect(rows.context(at: 0).first == Float(40 - rows.count))
    }

    @Test(arguments: [PolicyConfiguration.Algorithm.linearThompson, .linearUCB, .squareCB, .softmax, .bernoulliThompson])
    func aConstantFactorOnEveryRewardChangesNoProbability(algorithm: PolicyConfiguration.Algorithm) throws {
        let configuration = PolicyConfiguration(algorithm: algorithm, model: .init(kind: .linear))
        var small = try OnlineLearner(configuration, width: 2, arms: ["a", "b", "c"], seed: 1)
        var large = small
        var generator = SeededGenerator(seed: 9)
        for _ in 0..<400 {
            let context = [Float(generator.normal()), Float(generator.normal())]
            let (p, q) = (small.choose(context), large.choose(context))
            for arm in 0..<3 { #expect(abs(p[arm] - q[arm]) < 1e-6) }
            let arm = p.draw(generator.uniform())
            let means: [Double] = [0.3, 0.5 + Double(context[0]), 0.4]
            let reward: Double = means[arm] + generator.normal()
            try small.learn(arm: arm, reward: reward)
            try large.learn(arm: arm, reward: 1e6 * reward)
        }
    }

    /// An arm that pays one time in ten, met first, must not hide one that pays nine times. `auto` gives an arm two tries, so one game in a
    /// hundred may go wrong.
    @Test(arguments: [PolicyConfiguration.Algorithm.auto, .linearUCB, .linearThompson, .bernoulliThompson])
    func anUntriedArmIsTried(algorithm: PolicyConfiguration.Algorithm) throws {
        var wrong = 0
        for seed in 0..<20 as Range<UInt64> {
            var learner = try OnlineLearner(PolicyConfiguration(algorithm: algorithm), width: 0, arms: ["poor", "rich"], seed: seed)
            var generator = SeededGenerator(seed: seed)
            _ = learner.choose([])
            try learner.learn(arm: 0, reward: 1)
            var late = 0.0
            for round in 0..<600 {
                let distribution = learner.choose([])
                if round >= 500 { late += distribution[1] }
                let arm = distribution.draw(generator.uniform())
                try learner.learn(arm: arm, reward: generator.uniform() < (arm == 0 ? 0.1 : 0.9) ? 1 : 0)
            }
            if late < 95 { wrong += 1 }
        }
        #expect(wrong <= 1, "\(algorithm.rawValue): \(wrong) of 20 games")
    }

    @Test func theFloorIsKept() throws {
        var learner = try OnlineLearner(PolicyConfiguration(algorithm: .greedy, floor: 0.05), width: 1, arms: ["a", "b", "c"], seed: 1)
        for round in 0..<50 {
            let distribution = learner.choose([Float(round)])
            for arm in 0..<3 { #expect(distribution[arm] >= 0.05 - 1e-15) }
            try learner.learn(arm: round % 3, reward: Double(round % 3))
        }
        #expect(abs(learner.choose([3])[2] - 0.9) < 1e-12)
    }

    @Test func rulesAreTheirFormulas() throws {
        let best = ProbabilityOfBest()
        func shares(_ rule: OnlineRule, _ means: [Double], _ deviations: [Double], scale: Double = 1) -> [Double] {
            rule.shares(means: means, deviations: deviations, scale: scale, dimension: 4, count: 100, best: best)
        }
        #expect(shares(.inverseGap(gamma: 4), [1, 0.5, 0.5], [0, 0, 0]) == [0.6, 0.2, 0.2])
        // max(1, 1/2 sqrt(100 / 4)) = 2.5: 1 / (2 + 2.5 * .8).
        #expect(shares(.inverseGap(gamma: nil), [1, 0.2], [0, 0]).map { ($0 * 1e9).rounded() } == [0.75e9, 0.25e9])
        #expect(shares(.upperBound(alpha: 2), [0, 0.5, 0], [1, 0, 1]) == [0.5, 0, 0.5])
        #expect(shares(.greedy(epsilon: 0.3), [0, 1, 1], [0, 0, 0]).map { ($0 * 1e9).rounded() } == [0.1e9, 0.45e9, 0.45e9])
        // Two arms: top two gives beta to each by symmetry; three equal ones a third.
        for share in shares(.topTwo(beta: 0.7), [0, 0, 0], [1, 1, 1]) { #expect(abs(share - 1 / 3.0) < 1e-9) }
        let pair = shares(.topTwo(beta: 0.5), [0, 3], [1, 1])
        #expect(abs(pair[0] - 0.5) < 1e-9 && abs(pair[1] - 0.5) < 1e-9)
        let soft = shares(.softmax(temperature: 0.5), [0, 1], [0, 0], scale: 2)
        #expect(abs(soft[0] / soft[1] - 0.3678794411714423) < 1e-12)
    }
}
