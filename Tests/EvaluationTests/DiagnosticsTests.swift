import Evaluation
import Foundation
import HaggleCore
import HaggleMath
import Testing

struct DiagnosticsTests {
    /// Evaluates one policy on rows of (arm, propensity, target probability of arm 0, reward) with two arms.
    private func evaluate(
        _ rows: [(arm: Int, propensity: Double, target: Double, reward: Double)], options: EvaluationOptions = EvaluationOptions()
    ) async throws -> PolicyEvaluation {
        var evaluator = try Evaluator(policies: [EvaluatedPolicy(name: "p", target: .given)], armCount: 2, options: options)
        for row in rows {
            try await evaluator.add(
                EvaluationRow(arm: row.arm, propensity: row.propensity, reward: row.reward, targets: [[row.target, 1 - row.target]]))
        }
        return try await evaluator.report().policies[0]
    }

    /// A log that supports the policy: even logging, target near it, half of the rows rewarded.
    private let goodRows = (0..<400).map { (arm: $0 % 2, propensity: 0.5, target: 0.6, reward: Double($0 / 2 % 2)) }

    @Test func aGoodLogIsSupported() async throws {
        let evaluation = try await evaluate(goodRows)
        #expect(evaluation.verdict == .supported)
        #expect(evaluation.reasons.isEmpty)
        #expect(evaluation.estimates.allSatisfy { $0.value != nil && !$0.isWithheld })
        // Weights 1.2 and 0.8 alternate: (400)^2 / (200 (1.44 + 0.64)).
        #expect(agree(evaluation.diagnostics.effectiveSampleSize, 160_000 / 416, within: 1e-13))
        #expect(evaluation.diagnostics.paretoK == nil)
        #expect(evaluation.diagnostics.targetMassOnRareArms == nil)
        #expect(evaluation.diagnostics.armFrequencies == nil)
        // The heaviest 1 % are four rows of weight 1.2; all rows of a bin are alike, so the share is exact.
        #expect(agree(evaluation.diagnostics.topPercentWeightShare, 4.8 / 400, within: 1e-12))
    }

    /// One row in a hundred hits the target's arm: 40 rows of weight, fewer than 50.
    @Test func fewEffectiveRowsWithholdTheNumbers() async throws {
        let rows = (0..<4000).map { (arm: $0 % 100 == 0 ? 0 : 1, propensity: $0 % 100 == 0 ? 0.01 : 0.99, target: 1.0, reward: 1.0) }
        let evaluation = try await evaluate(rows)
        #expect(evaluation.verdict == .unsupported)
        #expect(agree(evaluation.diagnostics.effectiveSampleSize, 40, within: 1e-12))
        #expect(evaluation.reasons[0].contains("worth only 40.0 of its 4000 rows"))
        for estimate in evaluation.estimates {
            #expect(estimate.value == nil && estimate.standardError == nil && estimate.intervals.isEmpty && estimate.isWithheld)
        }
        let forced = try await evaluate(rows, options: EvaluationOptions(isForced: true))
        #expect(forced.verdict == .unsupported)
        #expect(forced.estimates.allSatisfy { $0.value != nil && !$0.isWithheld })
    }

    @Test func fewRewardedRowsAreUnsupported() async throws {
        let rows = goodRows.enumerated().map { (arm: $1.arm, propensity: $1.propensity, target: $1.target, reward: $0 < 9 ? 1.0 : 0.0) }
        let evaluation = try await evaluate(rows)
        #expect(evaluation.verdict == .unsupported)
        #expect(evaluation.diagnostics.rewardedRowCount == 9)
        #expect(evaluation.reasons.contains { $0.contains("reward other than 0") })
        let without = try await evaluate(goodRows.map { (arm: $0.arm, propensity: $0.propensity, target: $0.target, reward: 0.0) })
        #expect(without.verdict == .unsupported && without.diagnostics.rewardedEffectiveSampleSize == 0)
    }

    /// One row of propensity 0.005 weighs 200 of about 1 000.
    @Test func oneHeavyRowIsUnsupported() async throws {
        let rows = (0..<700).map { (arm: 0, propensity: 0.9, target: 0.9, reward: Double($0 % 2)) } + [(0, 0.004, 0.9, 1.0)]
        let evaluation = try await evaluate(rows)
        #expect(evaluation.diagnostics.maximumWeight == 225)
        #expect(evaluation.verdict == .unsupported)
        #expect(evaluation.reasons.contains { $0.contains("one row carries 24 % of all weight") })
    }

    @Test func disagreeingEstimatorsAreWeak() async throws {
        var evaluator = try Evaluator(policies: [EvaluatedPolicy(name: "p", target: .given)], armCount: 2, rewardModel: "file")
        for row in goodRows {
            try await evaluator.add(
                EvaluationRow(
                    arm: row.arm, propensity: row.propensity, reward: row.reward, targets: [[row.target, 1 - row.target]],
                    estimates: [3, 3]))
        }
        let evaluation = try await evaluator.report().policies[0]
        #expect(evaluation.verdict == .weak)
        #expect(evaluation.reasons.contains { $0.contains("estimators disagree") })
        #expect(evaluation.estimate("DM")?.value == 3)
    }

    /// Propensities that are too small by a factor of two: the mean weight tells.
    @Test func wrongPropensitiesAreRemarked() async throws {
        let rows = goodRows.enumerated().map { (arm: $1.arm, propensity: $0 % 3 == 0 ? 0.5 : 0.25, target: $1.target, reward: $1.reward) }
        let evaluation = try await evaluate(rows)
        #expect((evaluation.diagnostics.meanWeightZ ?? 0) > 4)
        #expect(evaluation.reasons.contains { $0.contains("the mean weight is 1.6") })
    }

    /// numpy's shapes of the same tails. 1e-9: sums of a few dozen logarithms, theta weighted by exponentials of them.
    @Test func paretoShapesMatchNumpy() async throws {
        struct Case: Decodable {
            var weights: [Double]
            var k: Double
        }
        for golden in try Fixture.json("pareto.json", as: [Case].self) {
            // Target probability 1/2 and propensity 1 / (2 w') give weights w' = w + 1, and exceedances do not see the shift.
            let rows = golden.weights.map { (arm: 0, propensity: 0.5 / ($0 + 1), target: 0.5, reward: 1.0) }
            let evaluation = try await evaluate(rows, options: EvaluationOptions(isForced: true))
            #expect(agree(try #require(evaluation.diagnostics.paretoK), golden.k, within: 1e-9), "\(golden.k)")
            #expect((evaluation.diagnostics.paretoK ?? 0 > 0.7) == evaluation.reasons.contains { $0.contains("heavy tail") })
        }
    }

    /// Mass on arms with propensity below 0.01 and at 0, averaged over the rows that hold all propensities.
    @Test func massOnRareAndImpossibleArms() async throws {
        var evaluator = try Evaluator(policies: [EvaluatedPolicy(name: "p", target: .given), .logged], armCount: 3)
        for index in 0..<400 {
            try await evaluator.add(
                EvaluationRow(
                    arm: 0, propensity: 0.995, reward: Double(index % 2), targets: [[0.8, 0.15, 0.05], []],
                    propensities: index % 2 == 0 ? [0.995, 0.005, 0] : [0.995, 0, 0.005]))
        }
        let report = try await evaluator.report()
        let diagnostics = report.policies[0].diagnostics
        #expect(agree(try #require(diagnostics.targetMassOnRareArms), 0.2, within: 1e-12))
        #expect(agree(try #require(diagnostics.targetMassOnImpossibleArms), 0.1, within: 1e-12))
        #expect(report.policies[0].verdict == .unsupported)
        #expect(report.policies[0].reasons.contains { $0.contains("10.0 % of its probability") })
        #expect(report.policies[1].diagnostics.targetMassOnImpossibleArms == 0)
        #expect(report.policies[1].verdict == .supported)
        #expect(report.differences.allSatisfy { $0.isWithheld && $0.value == nil })
    }

    /// Arms drawn as logged pass; a log whose second snapshot shows arm 0 too often is flagged there.
    @Test func armFrequenciesAreTestedPerSnapshot() async throws {
        var generator = SeededGenerator(seed: 8)
        var evaluator = try Evaluator(policies: [.logged], armCount: 2)
        var broken = evaluator
        for index in 0..<2000 {
            let snapshot = SnapshotVersion(1 + index / 1000)
            let p = snapshot == 1 ? 0.3 : 0.6
            let arm = generator.uniform() < p ? 0 : 1
            let row = EvaluationRow(
                arm: arm, propensity: arm == 0 ? p : 1 - p, reward: 1, targets: [[]], propensities: [p, 1 - p], snapshot: snapshot)
            try await evaluator.add(row)
            if snapshot == 1 || arm == 0 || index % 2 == 0 { try await broken.add(row) }
        }
        let fine = try #require(try await evaluator.report().policies[0].diagnostics.armFrequencies)
        #expect(fine.testCount == 4 && fine.flagged.isEmpty && fine.smallestAdjustedP > 0.001)
        let report = try await broken.report()
        let found = try #require(report.policies[0].diagnostics.armFrequencies)
        #expect(found.flagged.count == 2 && found.flagged.allSatisfy { $0.snapshot == 2 })
        let first = try #require(found.flagged.first { $0.arm == 0 })
        let variance = Double(first.observed + (found.flagged.first { $0.arm == 1 }?.observed ?? 0)) * 0.6 * 0.4
        #expect(agree(first.z, (Double(first.observed) - first.expected) / variance.squareRoot(), within: 1e-10))
        #expect(report.policies[0].reasons.contains { $0.contains("2 of 4 tests") })
    }
}
