import Evaluation
import Foundation
import HaggleCore
import Testing

@testable import Reporting

@Suite struct EvaluationTextTests {
    private static func interval(_ lower: Double, _ upper: Double, _ method: Interval.Method = .normal) -> Interval {
        Interval(method: method, level: 0.95, lower: lower, upper: upper, assumptions: "rows are independent")
    }

    private static func diagnostics() -> Diagnostics {
        Diagnostics(
            effectiveSampleSize: 4321.2, effectiveSampleShare: 0.4321, rewardedEffectiveSampleSize: 812, rewardedRowCount: 1900,
            meanWeight: 1.0034, meanWeightZ: 0.31, maximumWeight: 12.25, maximumWeightShare: 0.0012, topPercentWeightShare: 0.081,
            paretoK: 0.31, targetMassOnRareArms: nil, targetMassOnImpossibleArms: nil, estimatorDisagreement: 0.8, armFrequencies: nil)
    }

    static func report(name: String = "policies/neural.yaml") -> EvaluationReport {
        let estimates = [
            Estimate(
                estimator: "IPS", parameters: [:], value: 7.91234, standardError: 0.2041,
                intervals: [interval(7.51, 8.31), interval(7.49, 8.29, .bootstrap)]),
            Estimate(
                estimator: "CIPS", parameters: ["lambda": 10], value: 7.6, standardError: 0.15,
                intervals: [interval(7.31, 7.89), interval(7.3, 7.9, .bootstrap)]),
            Estimate(estimator: "DR", parameters: [:], value: 8.01, standardError: 0.1, intervals: [interval(7.81, 8.21)]),
        ]
        return EvaluationReport(
            rowCount: 10_000, armCount: 5, excluded: ["HOLDOUT": 300, "NOT_IN_TRAFFIC": 12], clusteredBy: "unit", rewardModel: "linear",
            policies: [
                PolicyEvaluation(
                    policy: name, verdict: .weak, reasons: ["estimators disagree by more than 2 standard errors."],
                    diagnostics: diagnostics(),
                    estimates: estimates),
                PolicyEvaluation(
                    policy: "arm:none", verdict: .unsupported, reasons: [], diagnostics: diagnostics(),
                    estimates: [
                        Estimate(estimator: "IPS", parameters: [:], value: nil, standardError: nil, intervals: [], isWithheld: true)
                    ]),
            ],
            differences: [
                PolicyDifference(
                    policy: "arm:none", baseline: name, estimator: "IPS", parameters: [:], value: 3, standardError: 1,
                    intervals: [interval(1, 5)], probabilityBetter: 0.9),
                PolicyDifference(
                    policy: "arm:none", baseline: name, estimator: "DR", parameters: [:], value: -0.61, standardError: 0.12,
                    intervals: [interval(-0.85, -0.37)], probabilityBetter: 0.0001),
            ])
    }

    @Test func anEvaluationPrintsEstimatesWithIntervalsAndVerdict() {
        let text = Self.report().text(quantity: .money(currency: "EUR"))
        let flowing = text.replacingOccurrences(of: "\n", with: " ")
        #expect(text.contains("10,000 rows, 5 arms, standard errors clustered by unit, reward model linear"))
        #expect(text.contains("312 rows left out: HOLDOUT 300, NOT_IN_TRAFFIC 12"))
        #expect(text.contains("Verdict: weak.") && text.contains("Estimators disagree by more than 2 standard errors."))
        let line = text.split(separator: "\n").first { $0.hasPrefix("IPS ") } ?? ""
        #expect(
            line.split(separator: "  ").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty } == [
                "IPS", "€7.91", "0.204", "€7.51 to €8.31", "€7.49 to €8.29",
            ])
        #expect(text.contains("CIPS(10)"))
        #expect(text.contains("95% normal") && text.contains("95% bootstrap"))
        #expect(flowing.contains("Pareto k") && flowing.contains("0.31  0.7 or less") && flowing.contains("not checkable"))
        for line in text.split(separator: "\n") { #expect(line.displayWidth <= 100, "\(line)") }
    }

    @Test func whatTheLogCannotSupportIsWithheld() throws {
        let section = try #require(Self.report().sections().first { $0.title == "Policy arm:none" })
        #expect(section.marks == ["unsupported, withheld"])
        #expect(section.text().contains("The log cannot answer for this policy; its numbers are withheld."))
        #expect(section.charts.isEmpty)
    }

    /// One table of differences by the doubly robust estimator, not a table of every pair and estimator.
    @Test func differencesAreShownByTheMostTrustedEstimator() throws {
        let section = try #require(Self.report().sections().first { $0.title == "Differences" })
        #expect(section.tables[0].rows.count == 1)
        #expect(section.text().contains("-0.85 to -0.37") && !section.text().contains("+1.0 to +5.0"))
        #expect(section.text().contains("< 0.001"), "never certain")
    }

    @Test func theJSONKeepsFullPrecision() throws {
        let decoded = try JSONDecoder().decode(EvaluationReport.self, from: Data(Self.report().json().utf8))
        #expect(decoded == Self.report())
    }

    @Test func hostilePolicyNamesReachNeitherTerminalNorPage() {
        let report = Self.report(name: "<b>\u{1B}[31mx")
        #expect(!report.text().unicodeScalars.contains("\u{1B}"))
        let page = ExperimentReportPage(
            experiment: SampleExperiments.checkout(), generatedAt: SampleExperiments.now, analyses: report.sections()
        ).html()
        #expect(!page.contains("<b>") && !page.unicodeScalars.contains("\u{1B}"))
        #expect(page.contains("&lt;b&gt;"))
    }
}
