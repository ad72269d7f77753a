import Evaluation
import Foundation
import Testing

@testable import Reporting

@Suite struct EvaluationPageTests {
    private static let euro = Quantity.money(currency: "EUR")

    private static func page(_ report: EvaluationReport) -> String { report.html(quantity: euro, metric: "margin") }

    private static func body(_ page: String) throws -> MarkupReader {
        let start = try #require(page.range(of: "<body>")).lowerBound
        let end = try #require(page.range(of: "</body>")).upperBound
        return try #require(MarkupReader(String(page[start..<end])), "the body is not well-formed")
    }

    private static func headings(_ body: MarkupReader) -> [String] {
        body.elements.filter { ["h1", "h2", "h3"].contains($0.name) }.map(\.text)
    }

    @Test func thePageNeedsNothingFromTheNetwork() throws {
        let page = Self.page(SampleEvaluations.rich())
        let body = try Self.body(page)
        #expect(!page.contains("<script") && !page.contains("<link") && !page.contains("<img") && !page.contains("@import"))
        #expect(!page.contains("url(") && !page.contains("https:"))
        #expect(!page.replacingOccurrences(of: "http://www.w3.org/2000/svg", with: "").contains("http:"))
        #expect(!body.elements.contains { $0.attributes["src"] != nil || $0.attributes.keys.contains { $0.hasPrefix("on") } })
        #expect(page.contains("@media print") && page.contains("prefers-color-scheme:dark"))
    }

    /// Landmarks once, headings without gaps, ids unique, every reference to an id answered.
    @Test func thePageIsBuiltForScreenReaders() throws {
        let body = try Self.body(Self.page(SampleEvaluations.rich()))
        for landmark in ["header", "nav", "main", "footer", "h1"] { #expect(body.all(landmark).count == 1, "\(landmark)") }
        let levels = body.elements.compactMap { ["h1": 1, "h2": 2, "h3": 3][$0.name] }
        #expect(levels.first == 1)
        for (one, next) in zip(levels, levels.dropFirst()) { #expect(next <= one + 1) }
        let ids = body.elements.compactMap { $0.attributes["id"] }
        #expect(Set(ids).count == ids.count)
        for element in body.elements {
            for id in (element.attributes["aria-labelledby"] ?? "").split(separator: " ") { #expect(ids.contains(String(id))) }
            if let target = element.attributes["href"], target.count > 1 { #expect(ids.contains(String(target.dropFirst()))) }
        }
        for section in body.all("section") {
            #expect(section.attributes["aria-label"] != nil || section.attributes["aria-labelledby"] != nil)
        }
    }

    @Test func everyChartAndTableHasAName() throws {
        let body = try Self.body(Self.page(SampleEvaluations.rich()))
        let charts = body.all("svg")
        // Policies, differences, segments, calibration; estimates of 4 policies; weights, overlap and course of 4 policies.
        #expect(charts.count == 4 + 4 + 3 * 4)
        for chart in charts {
            #expect(chart.attributes["role"] == "img")
            let names = try #require(chart.attributes["aria-labelledby"]).split(separator: " ").map(String.init)
            #expect(names.count == 2)
            for name in names {
                let element = try #require(body.elements.first { $0.attributes["id"] == name })
                #expect(["title", "desc"].contains(element.name) && !element.text.isEmpty)
            }
        }
        #expect(body.all("caption").count == body.all("table").count)
        #expect(body.all("caption").allSatisfy { !$0.text.isEmpty })
        #expect(body.all("th").allSatisfy { ["col", "row"].contains($0.attributes["scope"]) })
        let scrolling = body.all("div", class: "scroll")
        #expect(scrolling.count == body.all("table").count && scrolling.allSatisfy { $0.attributes["aria-label"]?.isEmpty == false })
    }

    @Test func everyPartOfTheReportIsOnThePage() throws {
        let page = Self.page(SampleEvaluations.rich())
        let headings = Self.headings(try Self.body(page))
        #expect(
            headings.filter { !["Weights", "Overlap with the log", "Over time"].contains($0) } == [
                "Off-policy evaluation", "Warnings", "Policies", "Differences", "Policy logged", "Policy snapshot:41",
                "Policy policies/neural-thompson-deep.yaml", "Policy arm:none", "Policy arm:twenty", "By channel", "Reward model",
                "What the intervals rest on", "Rows left out", "What was done", "Glossary",
            ])
        #expect(page.contains("cannot be told apart: their difference in mean margin per impression is between \u{2212}€0.06 and +€0.22"))
        #expect(page.contains("sha256 9f86d081") && page.contains("haggle evaluate checkout-discount") && page.contains("(missing)"))
        #expect(page.contains("<details open=\"open\"><summary>What the words mean"))
        #expect(page.contains("2026-11-03 20:21:07 UTC"))
    }

    @Test func whatIsMissingIsLeftOut() throws {
        let small = SampleEvaluations.report([SampleEvaluations.policy("a", .supported, [SampleEvaluations.estimate("SNIPS", 7, 0.1)])])
        let page = Self.page(small)
        let body = try Self.body(page)
        #expect(
            Self.headings(body) == ["Off-policy evaluation", "Policy a", "Weights", "What the intervals rest on", "Glossary"])
        #expect(body.all("svg").count == 1 && body.all("nav").isEmpty)
        #expect(!page.contains("Reward model") && !page.contains("left out") && !page.contains("remarks"))
        #expect(!page.contains("<dt>DR</dt>") && page.contains("<dt>SNIPS</dt>"), "the glossary holds what the report uses")
        _ = try Self.body(Self.page(SampleEvaluations.report([])))
    }

    /// Withheld means: wherever the report still holds the number, no page, text or chart shows it.
    @Test func withheldNumbersNeverAppear() {
        var secret = SampleEvaluations.estimate("DR", 98_765, 4_321)
        secret.isWithheld = true
        var policy = SampleEvaluations.policy("b", .unsupported, [secret])
        policy.course = [CoursePoint(from: nil, to: nil, rowCount: 10, estimator: "DR", value: 98_765, lower: 98_765, upper: 98_765)]
        var difference = SampleEvaluations.difference("b", "a", "DR", 98_765, 4_321, better: 0.98765, rows: 98_765)
        difference.isWithheld = true
        var report = SampleEvaluations.report(
            [SampleEvaluations.policy("a", .supported, [SampleEvaluations.estimate("DR", 7, 0.1)]), policy], [difference])
        report.segments = [
            SegmentEvaluation(by: "channel", value: "web", rowCount: 12, policies: report.policies, differences: [difference])
        ]
        for text in [Self.page(report), report.text(quantity: Self.euro)] {
            #expect(text.contains("withheld"))
            #expect(!text.contains("98,765") && !text.contains("94,444") && !text.contains("0.988"))
        }
    }

    /// Forced numbers carry their mark in the notice, on the section, in tables, on charts and in differences.
    @Test func forcedNumbersAreMarkedEverywhere() throws {
        let report = SampleEvaluations.rich(isForced: true)
        let page = Self.page(report)
        let body = try Self.body(page)
        #expect(page.contains("This page shows numbers that the log cannot support, because that was forced."))
        #expect(body.all("span", class: "mark").contains { $0.text == "unsupported, forced" })
        #expect(page.contains("Estimates of its mean margin per impression (unsupported, forced)"))
        let titles = body.all("title").map(\.text)
        #expect(titles.contains("arm:twenty: mean margin per impression · unsupported, forced"))
        for row in titles where row.hasPrefix("arm:twenty less") { #expect(row.contains("(forced)")) }
        let doubtful = body.all("line", class: "doubtful").count
        // arm:none and arm:twenty among the policies, their 7 differences, their 6 estimates each, a weak segment.
        #expect(doubtful == 2 + 7 + 2 * 6 + 1)
        let text = report.text(quantity: Self.euro, metric: "margin")
        #expect(text.contains("Policy arm:twenty [unsupported, forced]") && text.contains("(forced)"))
        #expect(!Self.page(SampleEvaluations.rich()).contains("This page shows numbers"))
    }

    @Test func estimatedPropensitiesAreMarkedOnEveryChartAndSectionOfEstimates() throws {
        let body = try Self.body(Self.page(SampleEvaluations.rich(propensities: .estimated)))
        // Page, policies, differences, 5 policies, segments.
        #expect(body.all("span", class: "mark").filter { $0.text == "estimated propensities" }.count == 9)
        let titles = body.all("svg").compactMap { chart in
            chart.attributes["aria-labelledby"]?.split(separator: " ").first.flatMap { id in
                body.elements.first { $0.attributes["id"] == String(id) }?.text
            }
        }
        let unmarked = titles.filter { !$0.contains("estimated propensities") }
        #expect(unmarked.allSatisfy { $0.hasPrefix("Weights") || $0.hasPrefix("Arms") || $0.hasPrefix("Predicted") }, "\(unmarked)")
    }

    @Test func hostileNamesStayText() throws {
        let hostile = PageTests.hostile
        var policy = SampleEvaluations.policy(
            hostile, .weak, [SampleEvaluations.estimate(hostile, 7, 0.1, remarks: [hostile])], reasons: [hostile])
        policy.overlap = [
            ArmOverlap(
                arm: hostile, loggedShare: 1, meanPropensity: 1, smallestPropensity: 1, targetShare: 1, effectiveSampleSize: 9)
        ]
        var report = SampleEvaluations.report([policy, SampleEvaluations.policy("b", .supported, policy.estimates)])
        report.differences = [SampleEvaluations.difference(hostile, "b", hostile, 1, 2)]
        report.segments = [SegmentEvaluation(by: hostile, value: hostile, rowCount: 3, policies: [policy], differences: [])]
        report.warnings = [hostile]
        report.excluded = [hostile: 2]
        report.clusteredBy = hostile
        report.provenance = Provenance(
            program: hostile, command: ["haggle", hostile, "\u{1B}[31m"], madeAt: hostile, data: [hostile], policies: [hostile: hostile],
            choices: [hostile: hostile])
        let page = Self.page(report)
        let body = try Self.body(page)
        #expect(!page.contains("<img") && !page.contains("<script") && !page.unicodeScalars.contains("\u{1B}"))
        #expect(!body.elements.contains { $0.attributes.keys.contains { $0.hasPrefix("on") } })
        #expect(body.elements.contains { $0.text.contains(hostile) }, "shown as it was written")
        #expect(!report.text().unicodeScalars.contains("\u{1B}"))
    }

    @Test func numbersThatDoNotExistNeverAppear() throws {
        let none = Double.nan
        let broken = Interval(method: .normal, level: 0.95, lower: none, upper: none, assumptions: "")
        let diagnostics = Diagnostics(
            effectiveSampleSize: none, effectiveSampleShare: none, rewardedEffectiveSampleSize: none, rewardedRowCount: 0, meanWeight: none,
            meanWeightZ: none, maximumWeight: .infinity, maximumWeightShare: none, topPercentWeightShare: none, paretoK: none,
            targetMassOnRareArms: none, targetMassOnImpossibleArms: none, estimatorDisagreement: none, armFrequencies: nil)
        var policy = PolicyEvaluation(
            policy: "a", verdict: .weak, reasons: [], diagnostics: diagnostics,
            estimates: [
                Estimate(estimator: "IPS", parameters: [:], value: none, standardError: none, intervals: [broken]),
                Estimate(estimator: "DR", parameters: [:], value: 1, standardError: none, intervals: [broken]),
                Estimate(
                    estimator: "SNIPS", parameters: [:], value: 1, standardError: .infinity,
                    intervals: [Interval(method: .hoeffding, level: 0.95, lower: -.infinity, upper: 3, assumptions: "")]),
            ])
        policy.overlap = [
            ArmOverlap(
                arm: "x", loggedShare: none, meanPropensity: none, smallestPropensity: none, targetShare: none, effectiveSampleSize: none)
        ]
        policy.weightTail = [WeightTailPoint(weight: none, shareOfRows: none, shareOfWeight: none)]
        policy.course = [CoursePoint(from: "?", to: "?", rowCount: 0, estimator: "DR", value: none, lower: none, upper: none)]
        var difference = SampleEvaluations.difference("b", "a", "DR", none, none, better: none)
        difference.intervals = [broken]
        var report = SampleEvaluations.report([policy], [difference])
        report.calibration = [CalibrationBin(rowCount: 0, meanPrediction: none, meanReward: none, lower: none, upper: none)]
        for text in [Self.page(report), report.text(quantity: Self.euro)] {
            #expect(text.firstMatch(of: #/(?i)\b(nan|inf|infinity)\b/#) == nil)
        }
        _ = try Self.body(Self.page(report))
    }

    /// The words of the interface, no others.
    @Test func theJSONHasExactlyTheDocumentedKeys() throws {
        let text = try SampleEvaluations.rich().json()
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(
            Set(object.keys) == [
                "n", "arms", "arm_names", "excluded", "clustered_by", "reward_model", "propensities", "warnings", "policies", "differences",
                "segments", "replays", "calibration", "provenance",
            ])
        let policies = try #require(object["policies"] as? [[String: Any]])
        #expect(
            policies.allSatisfy { Set($0.keys).isSuperset(of: ["policy", "verdict", "reasons", "diagnostics", "estimates"]) })
        let diagnostics = try #require(policies[0]["diagnostics"] as? [String: Any])
        #expect(Set(diagnostics.keys).isSuperset(of: ["effective_sample_size", "mean_weight", "max_weight"]))
        let estimate = try #require((policies[0]["estimates"] as? [[String: Any]])?.first)
        #expect(Set(estimate.keys) == ["estimator", "parameters", "value", "standard_error", "intervals"])
        let interval = try #require((estimate["intervals"] as? [[String: Any]])?.first)
        #expect(Set(interval.keys).isSuperset(of: ["method", "level", "lower", "upper"]))
    }
}
