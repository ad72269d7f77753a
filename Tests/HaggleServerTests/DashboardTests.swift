import Foundation
import HaggleCore
import Testing

#if canImport(FoundationXML)
import FoundationXML
#endif

/// The pages, and the report as JSON.
@Suite struct DashboardTests {
    /// Nil where the page is well-formed XML, else where it is not.
    private func flaw(_ page: LoopbackClient.Answer) -> String? {
        let parser = XMLParser(data: Data(page.text.replacingOccurrences(of: "<!doctype html>", with: "", options: .caseInsensitive).utf8))
        return parser.parse() ? nil : "line \(parser.lineNumber): \(String(describing: parser.parserError))"
    }

    @Test func pagesShowWhatIsLogged() async throws {
        try await RunningService.with([RunningService.experiment(), RunningService.experiment("fees")]) { service in
            for number in 0..<30 {
                let id = try #require(try await service.assign(#"{"unit": "c-\#(number)"}"#).impressionID)
                if number % 3 == 0 {
                    _ = try await service.client.post(
                        "/v1/conversions", #"{"conversion_id": "k\#(number)", "impression_id": "\#(id)", "kind": "purchase", "value": 50}"#)
                }
            }
            for path in ["/", "/experiments/checkout", "/experiments/fees"] {
                let page = try await service.client.get(path)
                #expect(page.status == 200 && page.headers["content-type"] == "text/html; charset=utf-8")
                #expect(flaw(page) == nil)
                #expect(page.headers["content-security-policy"]?.contains("default-src 'none'") == true)
                #expect(!page.text.contains("<script"))
            }
            let dashboard = try await service.client.get("/").text
            #expect(dashboard.contains("/experiments/checkout") && dashboard.contains("/experiments/fees") && dashboard.contains("<svg"))
            #expect(try await service.client.get("/experiments/fees").text.contains("No impressions yet"))

            let report = try await service.client.get("/v1/experiments/checkout/report").object
            #expect(report["impressions"] as? Int == 30 && report["conversions"] as? Int == 10)
            #expect((report["arms"] as? [[String: Any]])?.compactMap { $0["impressions"] as? Int }.reduce(0, +) == 30)
            #expect((report["snapshot"] as? [String: Any])?["version"] as? Int == 1)
        }
    }

    @Test func hostileNamesAreText() async throws {
        let hostile = #"<script>alert("1")</script> & 'x' {{y}} </svg>"#
        let experiment = RunningService.experiment(
            "checkout", description: hostile, owner: hostile,
            arms: [Arm(key: ArmKey(hostile), discount: 0, isControl: true), Arm(key: "a\"><img src=x>", discount: 0.1)])
        try await RunningService.with([experiment]) { service in
            for number in 0..<5 { #expect(try await service.assign(#"{"unit": "<b>\#(number)</b>"}"#).status == 200) }
            for path in ["/", "/experiments/checkout"] {
                let page = try await service.client.get(path)
                #expect(page.status == 200)
                #expect(flaw(page) == nil)
                #expect(!page.text.contains("<script") && !page.text.contains("<img"))
                #expect(page.text.contains("&lt;script&gt;"))
            }
            let unknown = try await service.client.get("/experiments/%3Cscript%3E")
            #expect(unknown.status == 404 && unknown.problem == "unknown_experiment")
        }
    }

    @Test func theKillSwitchIsShownAtOnce() async throws {
        try await RunningService.with { service in
            let before = try await service.client.get("/").text
            #expect(!before.contains("paused: everybody gets control"))
            _ = try await service.client.post("/v1/experiments/checkout/pause")
            #expect(try await service.client.get("/").text.contains("paused: everybody gets control"))
        }
    }

    @Test func manyReadersCostOneReading() async throws {
        try await RunningService.with { service in
            _ = try await service.assign(#"{"unit": "c"}"#)
            let texts = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<20 { group.addTask { try await service.client.get("/v1/experiments/checkout/report").text } }
                return try await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
            // All carry the moment of the same reading.
            #expect(texts.count == 1)
        }
    }
}
