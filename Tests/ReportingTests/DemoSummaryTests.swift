import Foundation
import Testing

@testable import Reporting

@Suite struct DemoSummaryTests {
    private let summary = DemoSummary(
        seed: 7, assignments: 20_000, impressionsLogged: 20_000, conversionsLogged: 6021, snapshots: 14,
        trueValue: .init(policy: 8.1234, uniform: 6.5, control: 6.7, best: 8.6),
        offPolicy: [
            .init(policy: "snapshot:14", estimator: "SNIPS", value: 8.2, lower: 7.9, upper: 8.5, truth: 8.1234),
            .init(policy: "arm:none", estimator: "DR", value: 6.2, lower: 6.0, upper: 6.4, truth: 6.7),
        ], seconds: 48.25)

    @Test func theJSONHasExactlyTheDocumentedKeys() throws {
        let text = try summary.json()
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(
            Set(object.keys) == [
                "seed", "assignments", "impressions_logged", "conversions_logged", "snapshots", "true_value", "off_policy", "seconds",
            ])
        #expect(Set((object["true_value"] as? [String: Any] ?? [:]).keys) == ["policy", "uniform", "control", "best"])
        let rows = try #require(object["off_policy"] as? [[String: Any]])
        #expect(rows.allSatisfy { Set($0.keys) == ["policy", "estimator", "value", "lower", "upper", "truth", "covered"] })
        #expect(try JSONDecoder().decode(DemoSummary.self, from: Data(text.utf8)) == summary)
    }

    @Test func coverageIsComputedNotClaimed() { #expect(summary.offPolicy.map(\.covered) == [true, false]) }

    @Test func theTextTellsWhatThePolicyEarns() {
        let text = summary.text()
        #expect(text.contains("21.2% more than no discount") && text.contains("3.0% less than no discount"))
        #expect(text.contains("1 of 2 intervals hold the truth"))
        for line in text.split(separator: "\n") { #expect(line.displayWidth <= 100) }
    }
}
