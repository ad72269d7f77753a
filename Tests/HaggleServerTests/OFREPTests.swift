import EventLog
import Foundation
import HaggleCore
import Postgres
import Testing

@testable import HaggleServer

/// OpenFeature remote evaluation, on a real server and a real database.
@Suite struct OFREPTests {
    private static let path = "/ofrep/v1/evaluate/flags"
    private static let context = #"{"context": {"targetingKey": "c-17", "recency": 12.5, "channel": "web", "plan": {"deep": [1]}}}"#

    /// An evaluation belongs to an hour; the last seconds of one are waited out, so that what a test compares belongs to the same.
    private static func within(_ journal: Bool, _ experiments: [Experiment], _ body: (RunningService) async throws -> Void) async throws {
        let left = Double(ImpressionID.evaluationEpochSeconds) - Timestamp.now.seconds.truncatingRemainder(dividingBy: 3600)
        if left < 10 { try await Task.sleep(for: .seconds(left + 0.1)) }
        let folder = FileManager.default.temporaryDirectory.appending(path: "haggle-ofrep-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await RunningService.with(experiments, journal: journal ? folder : nil, body)
    }

    private static func metadata(_ flag: [String: Any]) -> [String: Any] { flag["metadata"] as? [String: Any] ?? [:] }

    /// Polls and retries give the same answer and leave one row, which counts once it is activated.
    @Test(arguments: [false, true]) func anEvaluationIsADeferredImpressionOnce(journal: Bool) async throws {
        try await Self.within(journal, [RunningService.experiment()]) { service in
            let first = try await service.client.post("\(Self.path)/checkout", Self.context)
            #expect(first.status == 200 && first.headers["content-type"] == "application/json", "\(first.text)")
            let told = first.object
            #expect(told["key"] as? String == "checkout" && told["reason"] as? String == "SPLIT")
            let arm = try #require(told["variant"] as? String)
            #expect(["none", "ten"].contains(arm))
            // Typed clients read 0 as an integer and refuse it for a float.
            #expect(first.text.contains(arm == "ten" ? #""value":0.1,"# : #""value":0.0,"#))
            let id = try #require((Self.metadata(told)["impressionId"] as? String).flatMap { ImpressionID($0) })
            #expect(Self.metadata(told)["propensity"] as? Double == 0.5 && Self.metadata(told)["snapshot"] as? Int == 1)
            #expect(Self.metadata(told)["experimentVersion"] as? Int == 1)
            for _ in 0..<3 { #expect(try await service.client.post("\(Self.path)/checkout/", Self.context).text == first.text) }
            try await service.withSecond { other in
                let text = try await other.client.post("\(Self.path)/checkout", Self.context).text
                #expect(text == first.text)
            }
            #expect(try await service.eventually { try await service.count("SELECT count(*) FROM impressions") == 1 })
            #expect(try await service.count("SELECT count(*) FROM counted_impressions") == 0)
            let row = try #require(try await EventLogReader(pool: service.pool).impression(id))
            #expect(row.isDeferred && row.unit == "c-17" && row.arm.rawValue == arm && row.context["recency"] == .number(12.5))
            #expect(row.context["targetingKey"] == nil && row.context["plan"] == nil)
            let read = try await service.client.get("/v1/impressions/\(id)").text
            #expect(read.contains(#""match":"bits""#), "\(read)")
            #expect(try await service.client.post("/v1/impressions/\(id)/activate").status == 204)
            #expect(try await service.eventually { try await service.count("SELECT count(*) FROM counted_impressions") == 1 })
            // Another unit or context is another question.
            let other = try await service.client.post("\(Self.path)/checkout", Self.context.replacing("12.5", with: "13"))
            #expect(Self.metadata(other.object)["impressionId"] as? String != id.description)
        }
    }

    @Test func theBulkAnswerHasEveryFlagAndATagOfItsContent() async throws {
        var sized = RunningService.experiment("sized")
        sized.valueType = .object
        sized.arms[0].payload = .object([:])
        let experiments = [RunningService.experiment("banner", kind: .ab), sized, RunningService.experiment()]
        try await Self.within(true, experiments) { service in
            let first = try await service.client.post(Self.path, Self.context)
            #expect(first.status == 200, "\(first.text)")
            let flags = try #require(first.object["flags"] as? [[String: Any]])
            #expect(flags.map { $0["key"] as? String } == ["banner", "checkout", "sized"])
            for flag in flags { #expect(flag["reason"] as? String == "SPLIT" && flag["variant"] is String) }
            #expect(flags[2]["value"] is [String: Any])
            let tag = try #require(first.headers["etag"])
            func ask(_ condition: String, _ body: String = Self.context) async throws -> LoopbackClient.Answer {
                try await service.client.send("POST", Self.path, Array(body.utf8), headers: "If-None-Match: \(condition)\r\n")
            }
            for condition in [tag, "W/\(tag)", "\"other\", \(tag)", "*"] {
                let answer = try await ask(condition)
                #expect(answer.status == 304 && answer.body.isEmpty && answer.headers["etag"] == tag, "\(condition)")
            }
            #expect(try await ask("\"other\"").text == first.text)
            // The tag is of the evaluated answer: another unit must not be told that nothing changed.
            #expect(try await ask(tag, Self.context.replacing("c-17", with: "c-18")).status == 200)
            #expect(try await service.eventually { try await service.count("SELECT count(*) FROM impressions") == 6 })
            #expect(try await service.count("SELECT count(*) FROM counted_impressions") == 0)
        }
    }

    @Test func failuresSpeakTheProtocol() async throws {
        try await Self.within(false, [RunningService.experiment()]) { service in
            let cases: [(path: String, body: String, status: Int, code: String)] = [
                ("/checkout", "{}", 400, "TARGETING_KEY_MISSING"), ("/checkout", #"{"context": {}}"#, 400, "TARGETING_KEY_MISSING"),
                ("/checkout", #"{"context": {"targetingKey": " "}}"#, 400, "TARGETING_KEY_MISSING"),
                ("/checkout", #"{"context": null}"#, 400, "INVALID_CONTEXT"), ("/checkout", #"{"context": [1]}"#, 400, "INVALID_CONTEXT"),
                ("/checkout", #"{"context": {"targetingKey": 7}}"#, 400, "INVALID_CONTEXT"),
                ("/checkout", #"{"context": {"targetingKey": "c", "recency": "new"}}"#, 400, "INVALID_CONTEXT"),
                ("/checkout", #"{"context": {"targetingKey": "c", "recency": {"days": 1}}}"#, 400, "INVALID_CONTEXT"),
                ("/checkout", "{", 400, "PARSE_ERROR"), ("/checkout", "", 400, "PARSE_ERROR"),
                ("/nowhere", Self.context, 404, "FLAG_NOT_FOUND"), ("", "nonsense", 400, "PARSE_ERROR"),
                ("", #"{"context": 3}"#, 400, "INVALID_CONTEXT"),
            ]
            for (path, body, status, code) in cases {
                let answer = try await service.client.post(Self.path + path, body)
                #expect(answer.status == status && answer.object["errorCode"] as? String == code, "\(path) \(body): \(answer.text)")
                #expect(answer.headers["content-type"] == "application/json" && answer.object["errorDetails"] is String)
                if !path.isEmpty { #expect(answer.object["key"] as? String == String(path.dropFirst())) }
            }
            // Units are dealt by the key, so every flag says that it is missing.
            let bulk = try await service.client.post(Self.path, "{}")
            let flags = bulk.object["flags"] as? [[String: Any]]
            #expect(bulk.status == 200 && flags?.first?["errorCode"] as? String == "TARGETING_KEY_MISSING", "\(bulk.text)")
            let large = try await service.client.post(Self.path, "{\"context\": {\"a\": \"\(String(repeating: "x", count: 1 << 20))\"}}")
            #expect(large.status == 413 && large.object["errorCode"] as? String == "GENERAL")
            #expect(try await service.count("SELECT count(*) FROM impressions") == 0)
        }
    }

    @Test func aPauseIsAnotherEvaluation() async throws {
        try await Self.within(false, [RunningService.experiment()]) { service in
            let running = try await service.client.post("\(Self.path)/checkout", Self.context)
            #expect(try await service.client.post("/v1/experiments/checkout/pause").status == 204)
            let paused = try await service.client.post("\(Self.path)/checkout", Self.context)
            #expect(paused.object["reason"] as? String == "DISABLED" && paused.object["variant"] as? String == "none")
            #expect(try await service.client.post("/v1/experiments/checkout/resume").status == 204)
            #expect(try await service.client.post("\(Self.path)/checkout", Self.context).text == running.text)
            #expect(try await service.count("SELECT count(*) FROM impressions") == 2)
        }
    }

    @Test func theFileSaysWhatTheValueIsAndWhenItCounts() async throws {
        var counted = RunningService.experiment("counted")
        counted.activation = .init(activate: .onEvaluate)
        counted.valueType = .boolean
        counted.disclosure = "Automated."
        var named = RunningService.experiment("named")
        named.valueType = .string
        try await Self.within(true, [counted, named]) { service in
            // The bulk route shows nothing to anybody.
            #expect(try await service.client.post(Self.path, Self.context).status == 200)
            #expect(try await service.eventually { try await service.count("SELECT count(*) FROM impressions") == 2 })
            #expect(try await service.count("SELECT count(*) FROM counted_impressions") == 0)
            let answer = try await service.client.post("\(Self.path)/counted", Self.context).object
            #expect(answer["value"] as? Bool == (answer["variant"] as? String == "ten"))
            #expect(Self.metadata(answer)["disclosure"] as? String == "Automated.")
            let text = try await service.client.post("\(Self.path)/named", Self.context).object
            #expect(text["value"] as? String == text["variant"] as? String)
            #expect(try await service.eventually { try await service.count("SELECT count(*) FROM counted_impressions") == 1 })
        }
    }

    @Test func arrivesLateDoesNotCount() async throws {
        var (short, long) = (RunningService.experiment("short"), RunningService.experiment("long"))
        short.activation = .init(expireSeconds: 1e-6)
        long.activation = .init(expireSeconds: 3600)
        try await Self.within(false, [short, long]) { service in
            for key in ["short", "long"] {
                let id = try #require(try await service.assign(#"{"unit": "c", "defer": true}"#, to: key).impressionID)
                #expect(try await service.client.post("/v1/impressions/\(id)/activate").status == 204)
            }
            #expect(try await service.count("SELECT count(*) FROM activations") == 2)
            #expect(try await service.count("SELECT count(*) FROM counted_impressions WHERE experiment = 'long'") == 1)
            #expect(try await service.count("SELECT count(*) FROM counted_impressions") == 1)
            #expect(
                try await service.count("SELECT count(*) FROM uncounted_impressions WHERE experiment = 'short' AND why = 'ACTIVATED_LATE'")
                    == 1)
        }
    }
}
