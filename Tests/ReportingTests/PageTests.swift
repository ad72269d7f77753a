import Foundation
import HaggleCore
import Testing

@testable import Reporting

@Suite struct PageTests {
    /// Markup, a template's own syntax, and quotes and brackets that a combining accent makes into other characters, but not into other
    /// scalars.
    static let hostile = "<img src=x onerror=alert(1)>\"'&{{title}}</script><script>\"\u{301} onfocus=alert(2) x=\"\u{301}<\u{301}b>"

    /// The page's body as XML: our templates close every element, so it must parse; only the head has void elements.
    private static func body(_ page: String) throws -> MarkupReader {
        let start = try #require(page.range(of: "<body>")).lowerBound
        let end = try #require(page.range(of: "</body>")).upperBound
        return try #require(MarkupReader(String(page[start..<end])), "the body is not well-formed")
    }

    private static func allPages(of experiment: ExperimentSummary, notice: String? = nil) -> [String] {
        [
            DashboardPage(model: DashboardModel(generatedAt: SampleExperiments.now, notice: notice, experiments: [experiment])).html(),
            ExperimentPage(experiment: experiment, generatedAt: SampleExperiments.now, notice: notice).html(),
            ExperimentReportPage(
                experiment: experiment, generatedAt: SampleExperiments.now,
                analyses: [
                    ReportSection(title: hostile, paragraphs: [hostile], tables: [TextTable(columns: [.text(hostile)], rows: [[hostile]])])
                ]
            ).html(),
        ]
    }

    @Test func pagesAreWellFormedAndNeedNothingElse() throws {
        for page in Self.allPages(of: SampleExperiments.checkout()) {
            let body = try Self.body(page)
            #expect(page.hasPrefix("<!doctype html>"))
            #expect(body.all("h1").count == 1)
            #expect(body.all("svg").count >= 2)
            #expect(body.all("main").count == 1 && body.all("header").count == 1 && body.all("footer").count == 1)
            #expect(body.all("svg").allSatisfy { $0.attributes["role"] == "img" && $0.attributes["aria-labelledby"] != nil })
            #expect(body.all("caption").count == body.all("table").count && body.all("caption").allSatisfy { !$0.text.isEmpty })
            #expect(body.all("th").allSatisfy { ["col", "row"].contains($0.attributes["scope"]) })
            #expect(!page.contains("<script") && !page.contains("<link") && !page.contains("<img") && !page.contains("@import"))
            #expect(!page.contains("url(") && !page.contains("https:"))
            #expect(!body.elements.contains { $0.attributes["src"] != nil || $0.attributes["xlink:href"] != nil })
            // The name of the SVG language is the only address, and nothing fetches it.
            #expect(page.replacingOccurrences(of: "http://www.w3.org/2000/svg", with: "").contains("http:") == false)
            let ids = body.elements.compactMap { $0.attributes["id"] }
            #expect(Set(ids).count == ids.count, "ids are unique on a page")
        }
    }

    @Test func hostileNamesStayText() throws {
        var experiment = SampleExperiments.checkout(key: Self.hostile, description: Self.hostile, arms: [Self.hostile, "b"])
        experiment.owner = Self.hostile + "\u{1B}[31m\u{0}"
        experiment.description += "\u{1B}\u{7}"
        experiment.excluded = [Self.hostile: 3]
        for page in Self.allPages(of: experiment, notice: Self.hostile) {
            let body = try Self.body(page)
            #expect(!page.contains("<img") && !page.contains("<script"))
            #expect(!page.unicodeScalars.contains("\u{1B}"))
            #expect(!body.elements.contains { $0.attributes.keys.contains { $0.hasPrefix("on") } })
            #expect(body.elements.contains { $0.text.contains(Self.hostile) }, "shown as it was written")
        }
        let dashboard = Self.allPages(of: experiment)[0]
        #expect(
            dashboard.contains("href=\"/experiments/%3Cimg%20src%3Dx%20onerror%3Dalert%281%29%3E%22%27%26%7B%7Btitle%7D%7D%3C%2Fscript"))
    }

    @Test func numbersStandWithTheirIntervals() throws {
        for page in Self.allPages(of: SampleExperiments.checkout()) {
            let text = try Self.body(page).all("dd").map(\.text)
            let lift = try #require(text.firstIndex(of: "+17.2%"))
            #expect(text[lift + 1] == "+10.7% to +23.8% (95%)")
            let difference = try #require(text.firstIndex(of: "+€1.18"))
            #expect(text[difference + 1] == "+€0.76 to +€1.60 (95%)")
            #expect(page.contains("The policy earns more margin per unit than the holdout."))
        }
    }

    @Test func theVerdictFollowsTheIntervalNotTheValue() {
        var experiment = SampleExperiments.checkout()
        experiment.lift?.difference = SampleExperiments.estimate(1.18, 1.3)
        #expect(
            ExperimentPage(experiment: experiment, generatedAt: SampleExperiments.now).html().contains(
                "cannot be told from the holdout yet"))
        experiment.lift?.difference = SampleExperiments.estimate(-2, 1.3)
        #expect(ExperimentPage(experiment: experiment, generatedAt: SampleExperiments.now).html().contains("earns less margin"))
    }

    @Test func anExperimentWithoutDataSaysSo() throws {
        for page in Self.allPages(of: SampleExperiments.young()) {
            let body = try Self.body(page)
            #expect(body.all("svg").isEmpty)
            #expect(page.contains("paused: everybody gets control"))
            #expect(!page.contains("n/a"))
        }
        #expect(DashboardPage(model: DashboardModel(generatedAt: SampleExperiments.now, experiments: [])).html().contains("haggle apply"))
    }

    @Test func theDashboardRefreshesOnlyWhenAsked() {
        let model = SampleExperiments.dashboard()
        #expect(DashboardPage(model: model, refreshSeconds: 10).html().contains("<meta http-equiv=\"refresh\" content=\"10\">"))
        #expect(!DashboardPage(model: model).html().contains("refresh"))
        #expect(DashboardPage(model: model).html().contains("snapshot 41, published 34 s ago"))
        #expect(DashboardPage(model: model).html().contains("2026-11-03 20:21:07 UTC"))
    }

    @Test func theTerminalReportFitsItsWidth() {
        var experiment = SampleExperiments.checkout()
        experiment.description = String(repeating: "A long description of what this is about. ", count: 8)
        let text = ExperimentReportPage(experiment: experiment, generatedAt: SampleExperiments.now).text()
        for line in text.split(separator: "\n") { #expect(line.displayWidth <= 100, "\(line)") }
        #expect(text.contains("Lift over holdout: +17.2%, +10.7% to +23.8% (95%)"))
        #expect(text.contains("none (control)"))
        #expect(!text.contains("\u{1B}"))
    }
}
