import Evaluation
import HaggleCore
import HaggleMath
import Testing

@testable import Training

@Suite struct SumsTests {
    /// By hand. Greedy takes arm 1, 0, 1, 1; weights 2, 0, 4, 0.
    @Test func theValueIsThatOfTheFormulas() throws {
        let rows = [
            Self.row("a", arm: 1, propensity: 0.5, reward: 3), Self.row("a", arm: 1, propensity: 0.5, reward: 1),
            Self.row("b", arm: 1, propensity: 0.25, reward: 2), Self.row("c", arm: 0, propensity: 0.5, reward: 5),
        ]
        let sums = try #require(ValueSums(rows, estimates: [[0, 2], [4, 1], [1, 1.5], [0, 1]]))
        // Scores 2 + 2 (3 - 2) = 4; 4; 1.5 + 4 (2 - 1.5) = 3.5; 1. Units a: 8 of 2, b: 3.5 of 1, c: 1 of 1.
        let robust = try #require(sums.doublyRobust)
        #expect(abs(robust.value - 12.5 / 4) < 1e-12)
        let deviations = [8 - 2 * 3.125, 3.5 - 3.125, 1 - 3.125]
        #expect(abs(robust.error - (1.5 * deviations.reduce(0) { $0 + $1 * $1 }).squareRoot() / 4) < 1e-12)
        // SNIPS (2*3 + 4*2) / 6.
        let plain = try #require(sums.selfNormalised)
        #expect(abs(plain.value - 14.0 / 6) < 1e-12)
        #expect(sums.effectiveSampleSize == 36.0 / 20 && sums.largestWeightShare == 4.0 / 6 && sums.clusters == 3)
    }

    /// Another implementation: the estimators of `haggle evaluate` on the same rows.
    @Test func theValueIsThatOfEvaluation() async throws {
        let rows = TrainingWorld.log(count: 400, seed: 3)
        let estimates = rows.map { row in
            var generator = SeededGenerator(seed: UInt64(row.time?.microseconds ?? 0))
            return (0..<3).map { _ in generator.normal() }
        }
        let sums = try #require(ValueSums(rows, estimates: estimates))
        var evaluator = try Evaluator(
            policies: [EvaluatedPolicy(name: "greedy", target: .given)], armCount: 3,
            options: EvaluationOptions(estimators: [DoublyRobust(), SelfNormalisedInversePropensityScore()], isForced: true),
            rewardModel: "any")
        for (row, q) in zip(rows, estimates) {
            let best = q.max()
            try await evaluator.add(
                EvaluationRow(
                    arm: row.arm, propensity: row.propensity, reward: row.reward, unit: row.unit, targets: [q.map { $0 == best ? 1 : 0 }],
                    estimates: q))
        }
        let policy = try #require(await evaluator.report().policies.first)
        let robust = try #require(policy.estimate("DR"))
        #expect(abs((sums.doublyRobust?.value ?? 0) - (robust.value ?? 9)) < 1e-9)
        #expect(abs((sums.doublyRobust?.error ?? 0) - (robust.standardError ?? 9)) < 1e-3 * (robust.standardError ?? 0))
        #expect(abs((sums.selfNormalised?.value ?? 0) - (policy.estimate("SNIPS")?.value ?? 9)) < 1e-9)
        #expect(abs(sums.effectiveSampleSize - policy.diagnostics.effectiveSampleSize) < 1e-6)
    }

    @Test func partsAddUpAndALogWithoutPropensitiesHasNoValue() throws {
        let rows = TrainingWorld.log(count: 40)
        let estimates = rows.map { _ in [0.1, 0.3, 0.2] }
        var parts = try #require(ValueSums(Array(rows[..<20]), estimates: Array(estimates[..<20])))
        parts.merge(try #require(ValueSums(Array(rows[20...]), estimates: Array(estimates[20...]))))
        let whole = try #require(ValueSums(rows, estimates: estimates))
        #expect(abs((parts.doublyRobust?.error ?? 0) - (whole.doublyRobust?.error ?? 1)) < 1e-12)
        var blind = rows
        blind[7].propensity = nil
        #expect(ValueSums(blind, estimates: estimates) == nil)
        #expect(ValueSums().doublyRobust == nil && ValueSums().effectiveSampleSize == 0)
    }

    @Test func calibrationGroupsAndSlopeAreThoseOfTheRows() {
        let estimates = (0..<100).map { Double($0) / 10 }
        let rewards = estimates.map { 1 + 0.5 * $0 }
        let sums = CalibrationSums(estimates: estimates, rewards: rewards)
        #expect(abs((sums.slope ?? 0) - 0.5) < 1e-12)
        let bins = CalibrationSums.bins([sums])
        #expect(bins.count == 10 && bins.allSatisfy { $0.rowCount == 10 })
        for bin in bins { #expect(abs(bin.meanReward - (1 + 0.5 * bin.meanPrediction)) < 1e-12) }
        #expect(CalibrationSums.bins([sums, sums]).reduce(0) { $0 + $1.rowCount } == 200)
        #expect(CalibrationSums(estimates: [2, 2, 2], rewards: [1, 2, 3]).slope == nil)
        #expect(CalibrationSums.bins([]).isEmpty)
    }

    private static func row(_ unit: String, arm: Int, propensity: Double, reward: Double) -> Interaction {
        Interaction(unit: UnitID(unit), context: [:], arm: arm, propensity: propensity, reward: reward)
    }
}
