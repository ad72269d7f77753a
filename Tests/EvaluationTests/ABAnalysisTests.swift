import Evaluation
import Foundation
import HaggleCore
import HaggleMath
import Testing

struct ABAnalysisTests {
    @Test func welchAndLiftMatchScipy() throws {
        for golden in try GoldenDistributions.load().welch {
            var analysis = try ABAnalysis(arms: [("ten", 0.5), ("none", 0.5)], controlIndex: 1, level: 0.9)
            for outcome in golden.treatment { try analysis.add(arm: "ten", outcome: outcome) }
            for outcome in golden.control { try analysis.add(arm: "none", outcome: outcome) }
            let comparison = try #require(analysis.report().comparisons.first)
            let difference = try #require(comparison.difference)
            #expect(agree(difference.value, golden.difference, within: 1e-12))
            #expect(agree(difference.interval.lower, golden.lower, within: 1e-10))
            #expect(agree(difference.interval.upper, golden.upper, within: 1e-10))
            #expect(agree(try #require(comparison.t), golden.t, within: 1e-11))
            #expect(agree(try #require(comparison.degreesOfFreedom), golden.df, within: 1e-11))
            #expect(agree(try #require(comparison.pValue), golden.p, within: 1e-10))
            let lift = try #require(comparison.relativeLift)
            #expect(agree(lift.value, golden.lift, within: 1e-11))
            #expect(agree(lift.standardError, golden.liftStandardError, within: 1e-11))
        }
    }

    @Test func sampleRatioMatchesScipy() throws {
        for golden in try GoldenDistributions.load().splits {
            let check = SampleRatioCheck(
                groups: golden.observed.indices.map { ("group \($0)", golden.shares[$0], golden.observed[$0]) })
            #expect(agree(try #require(check.chiSquare), golden.chiSquare, within: 1e-12))
            #expect(agree(try #require(check.pValue), golden.p, within: 1e-11))
            #expect(check.isFlagged == (golden.p < 0.001))
        }
    }

    @Test func aWrongSplitIsSaidBeforeAnythingElse() throws {
        var analysis = try ABAnalysis(arms: [("none", 0.5), ("ten", 0.5)], controlIndex: 0)
        for unit in 0..<1200 { try analysis.add(arm: unit % 3 == 0 ? "ten" : "none", outcome: Double(unit % 7)) }
        let report = analysis.report()
        #expect(report.sampleRatio.isFlagged)
        #expect(report.notes.first?.contains("not split as configured") == true)
        #expect(report.notes.contains { $0.contains("one look") })
    }

    @Test func mergedShardsEqualTheWhole() throws {
        let arms: [(key: ArmKey, share: Double)] = [("none", 0.25), ("five", 0.25), ("ten", 0.5)]
        var whole = try ABAnalysis(arms: arms, controlIndex: 0)
        var parts = [whole, whole]
        var generator = SeededGenerator(seed: 11)
        for unit in 0..<600 {
            let arm = arms[unit % 3].key
            let outcome = 20 + generator.normal()
            try whole.add(arm: arm, outcome: outcome)
            try parts[unit % 2].add(arm: arm, outcome: outcome)
        }
        parts[0].merge(parts[1])
        for (one, other) in zip(parts[0].report().comparisons, whole.report().comparisons) {
            #expect(agree(try #require(one.pValue), try #require(other.pValue), within: 1e-10))
        }
        #expect(whole.report().notes.contains { $0.contains("not adjusted") })
    }

    /// Nothing to compare: nulls, not NaN, and the report still encodes.
    @Test func missingUnitsGiveNulls() throws {
        var analysis = try ABAnalysis(arms: [("none", 0.5), ("ten", 0.5)], controlIndex: 0)
        #expect(analysis.report().arms[0].mean == nil)
        try analysis.add(arm: "ten", outcome: 1)
        try analysis.add(arm: "none", outcome: 1)
        let report = analysis.report()
        #expect(report.arms[1].mean == 1 && report.arms[1].standardError == nil)
        #expect(report.comparisons[0].difference == nil && report.sampleRatio.pValue == nil)
        let text = String(decoding: try JSONEncoder().encode(report), as: UTF8.self)
        #expect(try JSONDecoder().decode(ABReport.self, from: Data(text.utf8)) == report)
    }

    /// A control mean that may be 0 has no lift, and the report says so.
    @Test func liftOverNearlyNothingIsWithheld() throws {
        var analysis = try ABAnalysis(arms: [("none", 0.5), ("ten", 0.5)], controlIndex: 0)
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<200 {
            try analysis.add(arm: "none", outcome: generator.normal())
            try analysis.add(arm: "ten", outcome: 1 + generator.normal())
        }
        let report = analysis.report()
        #expect(report.comparisons[0].difference != nil && report.comparisons[0].relativeLift == nil)
        #expect(report.notes.contains { $0.contains("too near 0") })
    }

    /// Control loses 2 a unit and treatment 1: the lift is +50 %, not -50 %.
    @Test func liftOverALossIsPositiveForASmallerLoss() throws {
        var analysis = try ABAnalysis(arms: [("none", 0.5), ("ten", 0.5)], controlIndex: 0)
        for unit in 0..<100 {
            try analysis.add(arm: "none", outcome: -2 + (unit % 2 == 0 ? 0.1 : -0.1))
            try analysis.add(arm: "ten", outcome: -1 + (unit % 2 == 0 ? 0.1 : -0.1))
        }
        #expect(agree(try #require(analysis.report().comparisons[0].relativeLift?.value), 0.5, within: 1e-12))
    }

    @Test func badInputIsRefused() throws {
        #expect(throws: EvaluationError.sharesDoNotSum(found: 0.9)) {
            try ABAnalysis(arms: [("none", 0.5), ("ten", 0.4)], controlIndex: 0)
        }
        var analysis = try ABAnalysis(arms: [("none", 0.5), ("ten", 0.5)], controlIndex: 0)
        #expect(throws: EvaluationError.unknownGroup("five", known: ["none", "ten"])) { try analysis.add(arm: "five", outcome: 1) }
        #expect(throws: EvaluationError.outcomeNotFinite(group: "ten")) { try analysis.add(arm: "ten", outcome: .nan) }
    }

    /// 95 % Welch intervals over 1 000 seeded experiments with unequal variances and sizes cover the truth: 3.3 binomial standard deviations.
    @Test func welchIntervalsCover() throws {
        var covered = 0
        var generator = SeededGenerator(seed: 77)
        for _ in 0..<1000 {
            var analysis = try ABAnalysis(arms: [("none", 0.5), ("ten", 0.5)], controlIndex: 0)
            for _ in 0..<20 { try analysis.add(arm: "none", outcome: 3 + 4 * generator.normal()) }
            for _ in 0..<8 { try analysis.add(arm: "ten", outcome: 5 + generator.normal()) }
            if try #require(analysis.report().comparisons[0].difference).interval.contains(2) { covered += 1 }
        }
        #expect((928...972).contains(covered), "\(covered) of 1000")
    }
}

struct LiftAnalysisTests {
    @Test func liftIsTheComparisonOfPolicyWithHoldout() throws {
        var analysis = try LiftAnalysis(holdoutShare: 0.2)
        var policy = RunningMoments()
        var holdout = RunningMoments()
        var generator = SeededGenerator(seed: 3)
        for unit in 0..<1000 {
            let outcome = 10 + generator.normal() + (unit % 5 == 0 ? 0 : 1)
            try analysis.add(group: unit % 5 == 0 ? .holdout : .policy, outcome: outcome)
            if unit % 5 == 0 { holdout.add(outcome) } else { policy.add(outcome) }
        }
        let report = analysis.report()
        #expect(
            report.comparison
                == GroupComparison(group: "policy", outcomes: policy, control: "holdout", controlOutcomes: holdout, level: 0.95))
        #expect(try #require(report.comparison.difference).interval.contains(1))
        #expect(try #require(report.comparison.relativeLift).interval.contains(0.1))
        #expect(report.sampleRatio?.isFlagged == false)
        #expect(report.notes.contains { $0.contains("while it learned") })
    }

    /// 5 % holdout of all units and half of the rest in traffic: holdout is 0.05 / (0.05 + 0.475) of those compared.
    @Test func theExpectedSplitFollowsHoldoutAndTraffic() throws {
        var experiment = Experiment(
            key: "checkout", kind: .bandit, traffic: 0.5, holdout: 0.05, arms: [Arm(key: "none", isControl: true), Arm(key: "ten")],
            reward: RewardConfiguration(metric: .value, windowSeconds: 60), policy: nil)
        let share = try #require(try LiftAnalysis(experiment: experiment)?.holdoutShare)
        #expect(agree(share, 0.05 / 0.525, within: 1e-14))
        experiment.holdout = 0
        #expect(try LiftAnalysis(experiment: experiment)?.level == nil)
    }
}
