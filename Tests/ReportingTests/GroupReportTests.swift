import Evaluation
import Foundation
import HaggleCore
import Testing

@testable import Reporting

@Suite struct GroupReportTests {
    static func abReport(treatedShift: Double) throws -> ABReport {
        var analysis = try ABAnalysis(arms: [("control", 0.5), ("member-price", 0.5)], controlIndex: 0)
        for unit in 0..<2000 {
            let outcome = Double(unit * 7919 % 100) / 10
            try analysis.add(arm: unit % 2 == 0 ? "control" : "member-price", outcome: unit % 2 == 0 ? outcome : outcome + treatedShift)
        }
        return analysis.report()
    }

    @Test func anABReportComparesEveryArmWithControl() throws {
        let report = try Self.abReport(treatedShift: 1)
        let text = report.text(quantity: .money(currency: "EUR"), metricName: "margin")
        #expect(!text.contains("control (control)") && text.contains("member-price"))
        #expect(text.contains("Against control") && text.contains("< 0.001"))
        #expect(text.contains("The units are split as configured"))
        for line in text.split(separator: "\n") { #expect(line.displayWidth <= 100, "\(line)") }
        let comparison = try #require(ExperimentSummary.Comparison(report.comparisons[0]))
        #expect(comparison.difference.lower > 0)
        var experiment = SampleExperiments.young()
        experiment.comparisons = [comparison]
        let page = ExperimentPage(
            experiment: experiment, generatedAt: SampleExperiments.now,
            analyses: report.sections(quantity: .share, metricName: "conversion")
        ).html()
        #expect(page.contains("member-price over control") && page.contains("Split of the units"))
        #expect(try JSONDecoder().decode(ABReport.self, from: Data(report.json().utf8)) == report)
    }

    @Test func aLiftReportFeedsThePages() throws {
        var analysis = try LiftAnalysis(holdoutShare: 0.1)
        #expect(ExperimentSummary.Lift(analysis.report()) == nil)
        for unit in 0..<3000 {
            let isHoldout = unit % 10 == 0
            try analysis.add(group: isHoldout ? .holdout : .policy, outcome: Double(unit * 7919 % 100) / 10 + (isHoldout ? 0 : 1))
        }
        let report = analysis.report()
        let lift = try #require(ExperimentSummary.Lift(report))
        #expect(lift.policyUnits == 2700 && lift.holdoutUnits == 300)
        #expect(lift.difference.value == report.comparison.difference?.value)
        #expect(lift.difference.lower < lift.difference.value && lift.difference.value < lift.difference.upper)
        let text = report.text(quantity: .plain, metricName: "margin")
        #expect(text.contains("Policy against holdout") && text.contains("2,700") && text.contains("10.00%"))
        for line in text.split(separator: "\n") { #expect(line.displayWidth <= 100, "\(line)") }
    }
}
