import Evaluation
import HaggleCore
import HaggleMath
import Testing

struct ReplayTests {
    private func evaluator(_ replay: Replay, weightBound: Double? = nil) throws -> Evaluator {
        try Evaluator(
            policies: [EvaluatedPolicy(name: "p", target: .given)], armCount: 2,
            options: EvaluationOptions(estimators: [replay], isForced: true, weightBound: weightBound))
    }

    /// A deterministic policy on a log with one propensity: plain matching, so the mean reward of the rows that showed its arm.
    @Test func deterministicPoliciesAreMatched() async throws {
        var evaluator = try evaluator(Replay())
        for (arm, reward) in [(0, 1.0), (1, 5), (0, 2), (0, 6), (1, 7)] {
            try await evaluator.add(EvaluationRow(arm: arm, propensity: 0.5, reward: reward, targets: [[1, 0]]))
        }
        let estimate = try await evaluator.report().policies[0].estimates[0]
        #expect(estimate.value == 3)
        // Squared distances 4, 1 and 9 over 3^2 rows.
        #expect(agree(try #require(estimate.standardError), 14.0.squareRoot() / 3, within: 1e-14))
    }

    /// Matching rows with unequal propensities is biased, so it is refused; a declared bound is asked for.
    @Test func unequalPropensitiesNeedABound() async throws {
        var evaluator = try evaluator(Replay())
        try await evaluator.add(EvaluationRow(arm: 0, propensity: 0.5, reward: 1, targets: [[1, 0]]))
        await #expect(throws: EvaluationError.propensitiesVary(row: 2, found: 0.4, earlier: 0.5)) {
            try await evaluator.add(EvaluationRow(arm: 0, propensity: 0.4, reward: 1, targets: [[1, 0]]))
        }
    }

    /// Two parts that are constant each, but not together, give no report.
    @Test func partsWithOtherPropensitiesGiveNoReport() async throws {
        var one = try evaluator(Replay())
        try await one.add(EvaluationRow(arm: 0, propensity: 0.5, reward: 1, targets: [[1, 0]]))
        var other = try evaluator(Replay())
        try await other.add(EvaluationRow(arm: 0, propensity: 0.25, reward: 1, targets: [[1, 0]]))
        try await one.merge(other)
        await #expect(throws: EvaluationError.propensitiesVary(row: nil, found: 0.5, earlier: 0.25)) { try await one.report() }
    }

    @Test func weightsAboveTheBoundAreRefused() async throws {
        var evaluator = try evaluator(Replay(bound: 3))
        await #expect(throws: EvaluationError.weightAboveBound(row: 1, policy: "p", found: 4, declared: 3)) {
            try await evaluator.add(EvaluationRow(arm: 0, propensity: 0.25, reward: 1, targets: [[1, 0]]))
        }
    }

    /// The options' bound is used where the estimator has none of its own.
    @Test func theDeclaredBoundIsTaken() async throws {
        let evaluator = try evaluator(Replay(), weightBound: 8)
        #expect(evaluator.estimators[0].parameters == ["bound": 8])
    }

    /// A log that prefers whatever earns less: matching would find 0.14 or so for 0.30; rejection by w / M finds the truth. The acceptance rate
    /// is 1 / M = 0.1 whatever the policy; 20 000 rows accept 2 000, so three standard deviations are 0.02 (value) and 6 % (rate).
    @Test(arguments: [[1.0, 0], [0.5, 0.5]])
    func rejectionIsUnbiasedWherePropensitiesVary(target: [Double]) async throws {
        var generator = SeededGenerator(seed: 9)
        var evaluator = try evaluator(Replay(bound: 10))
        var accepted = 0.0
        for index in 0..<20_000 {
            // In half of the contexts arm 0 earns 0.5 and is rare, in the other it earns 0.1 and is common; arm 1 earns 0.2.
            let isGood = generator.uniform() < 0.5
            let p = isGood ? 0.1 : 0.9
            let arm = generator.uniform() < p ? 0 : 1
            let mean = arm == 1 ? 0.2 : isGood ? 0.5 : 0.1
            let reward = generator.uniform() < mean ? 1.0 : 0
            try await evaluator.add(
                EvaluationRow(arm: arm, propensity: arm == 0 ? p : 1 - p, reward: reward, unit: UnitID("u\(index)"), targets: [target]))
        }
        let estimate = try await evaluator.report().policies[0].estimates[0]
        let truth = target[0] * 0.3 + target[1] * 0.2
        let (value, error) = (try #require(estimate.value), try #require(estimate.standardError))
        #expect(abs(value - truth) < 3 * error && error < 0.012)
        // The error is sqrt(V (1 - V) / accepted) for rewards of 0 and 1.
        accepted = value * (1 - value) / error / error
        #expect(abs(accepted - 2000) < 130)
    }
}
