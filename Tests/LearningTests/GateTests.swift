import Evaluation
import Foundation
import HaggleCore
import HaggleMath
import Learning
import Testing

/// Decisions on given numbers, and their error rates over simulated worlds.
struct GateTests {
    /// More worlds and looks where time does not matter.
    static let isSoak = ProcessInfo.processInfo.environment["HAGGLE_SOAK"] == "1"

    static func comparison(
        _ baseline: GateMeasurement.Comparison.Baseline, _ difference: Double?, _ error: Double? = 1, verdict: Verdict = .supported
    ) -> GateMeasurement.Comparison {
        .init(baseline: baseline, verdict: verdict, value: 10, difference: difference, standardError: error)
    }

    static func measurement(
        _ comparisons: [GateMeasurement.Comparison], rows: Int = 10_000, verdict: Verdict = .supported, servingIsApproved: Bool = false
    ) -> GateMeasurement {
        GateMeasurement(
            cut: nil, trainingRows: 40_000, rows: rows, value: 11, verdict: verdict, reasons: [], comparisons: comparisons,
            servingIsApproved: servingIsApproved)
    }

    static func gate(_ mode: Experiment.Gate = .veto) -> Gate { Gate(.init(mode: mode, minimumImpressions: 2000)) }

    @Test func looksSpendAlphaAndNoMore() {
        var sum = 0.0
        for look in 1...5000 { sum += Self.gate().spending(look: look) }
        // The series telescopes: alpha (1 - 1 / 5001).
        #expect(abs(sum - 0.05 * (1 - 1 / 5001.0)) < 1e-12)
    }

    /// At the first look and against one baseline, alpha is .025: the quantile of 1 - .0125 is 2.2414 (R: qnorm).
    @Test(arguments: [
        (-2.25, GateLook.Decision.worse, GateLook.Decision.worse), (-2.23, .notWorse, .notBetter), (0, .notWorse, .notBetter),
        (2.23, .notWorse, .notBetter), (2.25, .better, .better),
    ]) func firstLookHasItsLevel(_ difference: Double, _ veto: GateLook.Decision, _ prove: GateLook.Decision) {
        let measurement = Self.measurement([Self.comparison(.serving, difference)])
        #expect(Self.gate(.veto).judge(measurement, look: 1).decision == veto)
        #expect(Self.gate(.prove).judge(measurement, look: 1).decision == prove)
    }

    @Test func laterLooksAskForMore() throws {
        let measurement = Self.measurement([Self.comparison(.serving, -3)])
        #expect(Self.gate().judge(measurement, look: 1).decision == .worse)
        let later = Self.gate().judge(measurement, look: 720)
        #expect(later.decision == .notWorse)
        // .05 / (720 * 721) is 9.631684e-8; half of it lies above 5.3341 (R: qnorm(4.815842e-8, lower = FALSE)).
        let interval = try #require(later.difference(to: .serving))
        #expect(abs(interval.upper + 3 - 5.334) < 0.01)
        #expect(abs(later.spent - 0.05 / (720 * 721)) < 1e-20)
    }

    @Test func anchorVetoesUnlessTheCandidateGainsOnWhatServes() {
        let losing = [Self.comparison(.serving, -0.5), Self.comparison(.control, -9)]
        #expect(Self.gate().judge(Self.measurement(losing), look: 1).decision == .worseThanAnchor)
        #expect(Self.gate(.prove).judge(Self.measurement(losing), look: 1).decision == .worseThanAnchor)
        // Both lose to control, but the candidate less: keeping what serves would be worse.
        let gaining = [Self.comparison(.serving, 9), Self.comparison(.control, -9)]
        #expect(Self.gate().judge(Self.measurement(gaining), look: 1).decision == .better)
        // An anchor that the log cannot answer for decides nothing.
        let unknown = [Self.comparison(.serving, -0.5), Self.comparison(.control, -9, verdict: .unsupported)]
        #expect(Self.gate().judge(Self.measurement(unknown), look: 1).decision == .notWorse)
    }

    @Test(arguments: [
        (1999, Experiment.Gate.veto, GateLook.Decision.tooEarly), (2000, .veto, .unsupported), (1999, .prove, .unsupported),
        (2000, .prove, .unsupported),
    ]) func unsupportedCandidateServesOnlyEarlyAndUnderVeto(_ rows: Int, _ mode: Experiment.Gate, _ decision: GateLook.Decision) {
        let comparisons = [Self.comparison(.serving, -9)]
        let look = Self.gate(mode).judge(Self.measurement(comparisons, rows: rows, verdict: .unsupported), look: 1)
        #expect(look.decision == decision)
        #expect(look.differences.isEmpty && !look.isApproved)
        let noSpread = Self.measurement([Self.comparison(.serving, nil, nil)], rows: rows)
        #expect(Self.gate(mode).judge(noSpread, look: 1).decision == decision)
    }

    @Test func defectiveCandidateNeverServes() {
        var measurement = Self.measurement([Self.comparison(.serving, 9)])
        measurement.defect = "a sum of arm 'ten' is not finite"
        #expect(Self.gate().judge(measurement, look: 1).decision == .defective)
    }

    @Test func approvalMovesOnlyToWhatIsShownToEarnMore() {
        func isApproved(_ comparisons: [GateMeasurement.Comparison], servingIsApproved: Bool) -> Bool {
            Self.gate().judge(Self.measurement(comparisons, servingIsApproved: servingIsApproved), look: 1).isApproved
        }
        // The first that the log can answer for.
        #expect(isApproved([Self.comparison(.serving, 0.1)], servingIsApproved: false))
        #expect(!isApproved([Self.comparison(.serving, 0.1)], servingIsApproved: true))
        #expect(isApproved([Self.comparison(.serving, 9)], servingIsApproved: true))
        // Better than what serves, but not than what was approved before it.
        #expect(!isApproved([Self.comparison(.serving, 9), Self.comparison(.approved, 0.1)], servingIsApproved: false))
        #expect(isApproved([Self.comparison(.serving, 0.1), Self.comparison(.approved, 9)], servingIsApproved: false))
        #expect(!isApproved([Self.comparison(.serving, -9)], servingIsApproved: false))
    }

    @Test func lookSurvivesJSON() throws {
        let look = Self.gate().judge(
            Self.measurement([Self.comparison(.serving, -0.25, 0.125), Self.comparison(.control, 1e-3)]), look: 3)
        #expect(try JSONDecoder().decode(GateLook.self, from: JSONEncoder().encode(look)) == look)
    }

    // MARK: Error rates

    /// How the looks of one world share their rows.
    enum Rows: CaseIterable { case cumulative, fresh }

    /// Candidates without any true difference, looked at again and again: in how many worlds is something shown that is not so?
    @Test(arguments: Rows.allCases) func manyLooksKeepTheirPromiseAndAFixedLevelDoesNot(_ rows: Rows) {
        let worlds = Self.isSoak ? 5000 : 500
        let looks = Self.isSoak ? 720 : 300
        let alpha = 0.05
        var wrong = 0
        var wrongAtFixedLevel = 0
        for world in 0..<worlds {
            var generator = SeededGenerator(seed: 77, stream: UInt64(world))
            var sums = (serving: 0.0, control: 0.0)
            var isWrong = false
            var isWrongAtFixedLevel = false
            for look in 1...looks {
                if rows == .fresh { sums = (0, 0) }
                sums.serving += generator.normal()
                sums.control += generator.normal()
                let count = rows == .fresh ? 1 : Double(look)
                let error = 1 / count.squareRoot()
                let comparisons = [
                    Self.comparison(.serving, sums.serving / count, error), Self.comparison(.control, sums.control / count, error),
                ]
                let judged = Self.gate().judge(Self.measurement(comparisons), look: look)
                if judged.differences.contains(where: { $0.lower > 0 || $0.upper < 0 }) { isWrong = true }
                // 1.96: a two-sided test at 5 %, each look as if it were the only one.
                if abs(sums.serving / count) > 1.96 * error { isWrongAtFixedLevel = true }
            }
            if isWrong { wrong += 1 }
            if isWrongAtFixedLevel { wrongAtFixedLevel += 1 }
        }
        // Three binomial standard errors above alpha.
        let limit = Double(worlds) * alpha + 3 * (Double(worlds) * alpha * (1 - alpha)).squareRoot()
        #expect(Double(wrong) <= limit, "\(wrong) of \(worlds)")
        #expect(Double(wrongAtFixedLevel) > limit, "\(wrongAtFixedLevel) of \(worlds)")
    }

    /// Every candidate earns a little less than what serves, too little to be seen: .3 standard errors. Without an anchor nearly all of them are
    /// published and the losses add up; held against the network approved first, the sum of them is seen.
    @Test func slowDriftIsCaughtByTheAnchor() {
        let step = 0.3
        let looks = 100
        for world in 0..<(Self.isSoak ? 500 : 50) {
            let anchored = Self.loss(after: looks, step: step, isAnchored: true, world: world)
            let free = Self.loss(after: looks, step: step, isAnchored: false, world: world)
            // At look 100 the interval of one of two comparisons reaches 4.7 standard errors to each side, so a loss of 4.7 is caught every second
            // time, and one of 8 is missed once in two thousand looks.
            #expect(anchored < 8, "world \(world)")
            #expect(free > 25, "world \(world)")
        }
    }

    /// What the serving network has lost against the first one, in standard errors of a look.
    private static func loss(after looks: Int, step: Double, isAnchored: Bool, world: Int) -> Double {
        var generator = SeededGenerator(seed: 78, stream: UInt64(world))
        var serving = 0.0
        var approved: Double?
        var servingIsApproved = false
        for look in 1...looks {
            let candidate = serving - step
            var comparisons = [comparison(.serving, candidate - serving + generator.normal())]
            if isAnchored, let approved, !servingIsApproved {
                comparisons.append(comparison(.approved, candidate - approved + generator.normal()))
            }
            let judged = gate().judge(measurement(comparisons, servingIsApproved: servingIsApproved), look: look)
            guard judged.decision.publishes else { continue }
            serving = candidate
            servingIsApproved = judged.isApproved
            if judged.isApproved { approved = candidate }
        }
        return -serving
    }
}
