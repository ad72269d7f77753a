import Evaluation
import Foundation
import Testing

@testable import Reporting

/// The sentences that a manager reads, for every kind of answer. The numbers are the sample's own, rounded by hand.
@Suite struct EvaluationSummaryTests {
    private static let euro = Quantity.money(currency: "EUR")

    private static func policy(_ name: String, _ value: Double, _ spread: Double, _ verdict: Verdict = .supported) -> PolicyEvaluation {
        SampleEvaluations.policy(name, verdict, [SampleEvaluations.estimate("DR", value, spread)])
    }

    private static func withheld(_ name: String) -> PolicyEvaluation {
        SampleEvaluations.policy(
            name, .unsupported,
            [Estimate(estimator: "DR", parameters: [:], value: nil, standardError: nil, intervals: [], isWithheld: true)],
            reasons: ["one row carries 34 % of all weight"])
    }

    private static func sentences(_ policies: [PolicyEvaluation], _ differences: [PolicyDifference] = []) -> [String] {
        SampleEvaluations.report(policies, differences).summary(quantity: euro, metric: "margin")
    }

    @Test func oneSupportedPolicyHasItsNumberWithItsDoubt() {
        #expect(
            Self.sentences([Self.policy("deep", 8.01, 0.2)]) == [
                "deep would have earned about €8.01 of margin per impression (between €7.81 and €8.21 with 95% confidence)."
            ])
        let report = SampleEvaluations.report([
            SampleEvaluations.policy("deep", .supported, [SampleEvaluations.estimate("IPS", 0.123, 0.02)])
        ])
        #expect(
            report.summary(quantity: .share, metric: "conversion") == [
                "deep would have had about a conversion rate of 12.3% (between 10.3% and 14.3% with 95% confidence)."
            ])
        #expect(
            report.summary() == [
                "deep would have had about a mean reward of 0.123 per impression (between 0.103 and 0.143 with 95% confidence)."
            ])
    }

    @Test func aWeakAnswerIsCalledWeak() {
        #expect(
            Self.sentences([Self.policy("deep", 8.01, 0.2, .weak)]).last
                == "The log supports deep only weakly: read those numbers with caution.")
    }

    @Test func anUnsupportedPolicyHasNoNumberButAReason() {
        #expect(
            Self.sentences([Self.withheld("twenty")]) == [
                "The log cannot say what twenty would have earned.", "One row carries 34 % of all weight.",
            ])
        #expect(
            Self.sentences([Self.withheld("a"), Self.withheld("b")]) == [
                "The log cannot answer for any of the 2 policies; their numbers are withheld."
            ])
    }

    @Test func forcedNumbersAreNeverPartOfTheAnswer() {
        let sentences = Self.sentences(
            [Self.policy("deep", 8.01, 0.2), Self.policy("twenty", 99, 1, .unsupported)],
            [SampleEvaluations.difference("twenty", "deep", "DR", 90.99, 1, better: 0.999, rows: 0)])
        #expect(
            sentences == [
                "deep would have earned about €8.01 of margin per impression (between €7.81 and €8.21 with 95% confidence).",
                "The log cannot support an answer for twenty: its numbers were forced and are no evidence.",
            ])
    }

    @Test func aShownDifferenceNamesTheBetterPolicy() {
        let policies = [Self.policy("logged", 7.4, 0.2), Self.policy("deep", 8.01, 0.2)]
        #expect(
            Self.sentences(policies, [SampleEvaluations.difference("deep", "logged", "DR", 0.61, 0.24, better: 0.9999, rows: 0)]) == [
                "deep would have earned €0.61 more margin per impression than logged (between €0.37 and €0.85 with 95% confidence)."
            ])
        let report = SampleEvaluations.report(
            policies, [SampleEvaluations.difference("deep", "logged", "DR", 0.012, 0.008, better: 0.9999, rows: 0)])
        #expect(
            report.summary(quantity: .share, metric: "conversion") == [
                "deep would have had a conversion rate 1.20 percentage points higher than logged (between 0.40 and 2.00 percentage points "
                    + "with 95% confidence)."
            ])
        #expect(
            report.summary() == [
                "deep would have had a mean reward 0.0120 higher per impression than logged (between 0.0040 and 0.0200 with 95% confidence)."
            ])
    }

    /// The same whichever way round the report holds the difference; the chance is that of the one named first.
    @Test func policiesThatCannotBeToldApartAreNotRanked() {
        let policies = [Self.policy("deep", 8.01, 0.2), Self.policy("logged", 7.88, 0.2)]
        let expected = [
            "deep and logged cannot be told apart: the difference in mean margin per impression is between -€0.11 and +€0.37 with 95% "
                + "confidence. About 12,400 more impressions would probably decide it. The chance that deep is the better one is about 86%."
        ]
        #expect(
            Self.sentences(policies, [SampleEvaluations.difference("logged", "deep", "DR", -0.13, 0.24, better: 0.14, rows: 12_400)])
                == expected)
        #expect(
            Self.sentences(policies, [SampleEvaluations.difference("deep", "logged", "DR", 0.13, 0.24, better: 0.86, rows: 12_400)])
                == expected)
    }

    @Test func withoutADifferenceNothingIsClaimed() {
        #expect(
            Self.sentences([Self.policy("a", 8, 0.1), Self.policy("b", 2, 0.1)]) == [
                "a and b were evaluated, but not compared with each other."
            ])
    }

    @Test func amongManyThereIsALeaderOnlyWhereItIsShown() {
        let policies = [Self.policy("logged", 7, 0.2), Self.policy("deep", 8, 0.2), Self.policy("flat", 6, 0.2)]
        let clear = [
            SampleEvaluations.difference("deep", "logged", "DR", 1, 0.3, rows: 0),
            SampleEvaluations.difference("flat", "logged", "DR", -1, 0.3, rows: 0),
            SampleEvaluations.difference("flat", "deep", "DR", -2, 0.3, rows: 0),
        ]
        #expect(
            Self.sentences(policies, clear) == [
                "deep would have earned about €8.00 of margin per impression (between €7.80 and €8.20 with 95% confidence).",
                "That is more than every other policy would have earned; its lead over logged is between +€0.70 and +€1.30 with 95% confidence.",
                "The best of several estimates on the same log tends to be somewhat too high.",
            ])
        var close = clear
        close[0] = SampleEvaluations.difference("deep", "logged", "DR", 1, 1.3, better: 0.93, rows: 9_000)
        #expect(
            Self.sentences(policies, close) == [
                "deep and logged lead and cannot be told apart: their difference in mean margin per impression is between -€0.30 and +€2.30 "
                    + "with 95% confidence.",
                "deep would have earned about €8.00 of margin per impression (between €7.80 and €8.20 with 95% confidence).",
                "About 9,000 more impressions would probably settle the order.", "deep would have earned more than flat.",
                "The best of several estimates on the same log tends to be somewhat too high.",
            ])
        close[2] = SampleEvaluations.difference("flat", "deep", "DR", -2, 3, better: 0.1, rows: 400)
        #expect(
            Self.sentences(policies, close)[0]
                == "No policy can be named the best: deep has the highest estimate, but cannot be told apart from logged and flat.")
    }

    @Test func estimatorsThatContradictEachOtherAreReported() {
        let policies = [Self.policy("logged", 7, 0.2), Self.policy("deep", 8, 0.2)]
        let differences = [
            SampleEvaluations.difference("deep", "logged", "DR", 1, 0.3, rows: 0),
            SampleEvaluations.difference("deep", "logged", "SNIPS", -1, 0.3, rows: 0),
        ]
        #expect(
            Self.sentences(policies, differences).last
                == "The estimators contradict each other: by SNIPS, logged earns more than deep.")
    }

    @Test func estimatedPropensitiesAreSaid() {
        let report = SampleEvaluations.report([Self.policy("deep", 8, 0.2)], propensities: .estimated)
        #expect(
            report.summary(quantity: Self.euro, metric: "margin").last
                == "The propensities were estimated from the log, not recorded: every number here may be biased.")
    }

    @Test func anEvaluationOfNothingSaysSo() {
        #expect(Self.sentences([]) == ["No policy was evaluated on the 48,212 impressions of this log."])
        let pointOnly = SampleEvaluations.policy(
            "p", .supported, [Estimate(estimator: "BalancedIPS", parameters: [:], value: 3, standardError: nil, intervals: [])])
        #expect(Self.sentences([pointOnly]) == ["There is no estimate with an interval for p."])
    }

    /// Doubly robust before self-normalised before plain weights, but only where every policy has it.
    @Test func theSummaryRestsOnAnEstimatorThatAllPoliciesHave() {
        let both = [SampleEvaluations.estimate("SNIPS", 7, 0.1), SampleEvaluations.estimate("DR", 8, 0.1)]
        let report = SampleEvaluations.report([
            SampleEvaluations.policy("a", .supported, both), SampleEvaluations.policy("b", .supported, [both[0]]),
        ])
        #expect(EvaluationWording(report, quantity: .plain, metric: "reward").estimator == "SNIPS")
    }
}
