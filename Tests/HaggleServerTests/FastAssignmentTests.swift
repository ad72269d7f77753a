import EventLog
import Foundation
import HaggleCore
import HaggleServer
import Postgres
import TestSupport
import Testing

/// Assignments that are answered before a request becomes a task must be the same as those of the route.
@Suite struct FastAssignmentTests {
    private static func withService<Result>(
        _ experiments: [Experiment] = [RunningService.experiment()], _ body: (RunningService) async throws -> Result
    ) async throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appending(path: "haggle-fast-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        return try await RunningService.with(experiments, journal: folder, body)
    }

    private static func request(_ body: String, headers: String = "", experiment: String = "checkout") -> [UInt8] {
        Array(
            ("POST /v1/experiments/\(experiment)/assignments HTTP/1.1\r\nHost: localhost\r\nContent-Length: \(body.utf8.count)\r\n"
                + "\(headers)\r\n\(body)").utf8)
    }

    private static let last = Array("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8)

    /// What both ways must agree in; ids, draws and times differ.
    private static func shape(_ answer: LoopbackClient.Answer) -> [String] {
        [
            "\(answer.status)", answer.headers["content-type"] ?? "none", answer.headers["x-content-type-options"] ?? "none",
            answer.problem ?? "none",
        ]
            + answer.object.keys.sorted() + ["experiment", "variant", "propensity", "reason"].map { "\(answer.object[$0] ?? "nothing")" }
    }

    @Test(arguments: [
        #"{"unit": "c-1"}"#, #"{"unit": "c-1", "context": {}}"#,
        #"{"context": {"recency": 3, "channel": "web", "member": true}, "unit": "c"}"#,
        #" { "unit":"c-1" , "context" : { "recency" : 1e2, "channel":null , "beyond": "\u00e9\"\\ \ud83d\ude00" } } "#,
        #"{"unit": "c-1", "context": {"recency": 0.1234567890123456789}, "defer": true}"#, #"{"unit": "c-1", "eligible_arms": ["ten"]}"#,
        #"{"unit": "c-1", "request_id": "r-1"}"#, #"{"unit": ""}"#, #"{"unit": "c-1", "context": {"recency": "three"}}"#,
        #"{"unit": "c-1","#,
        #"{"unit": "c-1", "context": {"a": 1, "a": 2}}"#, #"{"unit": "c-1", "context": {"a": "\u0000"}}"#, "",
        #"{"unit": "c-1", "eligible_arms": ["no such arm"]}"#,
    ])
    func anAnswerIsThatOfTheRoute(body: String) async throws {
        try await Self.withService { service in
            let fast = try await service.client.answers(to: Self.request(body) + Self.last)
            #expect(fast.count == 2)
            // A `Connection` header makes it the route's.
            let routed = try await service.client.post("/v1/experiments/checkout/assignments", body)
            #expect(Self.shape(fast[0]) == Self.shape(routed))
            #expect(fast[0].headers["server"] == routed.headers["server"] && fast[0].headers["date"]?.hasSuffix(" GMT") == true)
            let unknown = try await service.client.answers(to: Self.request(body, experiment: "nothing") + Self.last)
            #expect(unknown[0].status >= 400)
        }
    }

    /// One connection, fast and routed requests mixed and sent at once: every answer comes, in the order of its request.
    @Test func pipelinedRequestsAreAnsweredInTheirOrder() async throws {
        try await Self.withService([RunningService.experiment(), RunningService.experiment("other")]) { service in
            var bytes: [UInt8] = []
            var expected: [String] = []
            for number in 0..<300 {
                switch number % 5 {
                case 0:
                    bytes += Array("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)
                    expected.append("200 ok\n")
                case 1:
                    bytes += Self.request(#"{"unit": 7}"#)
                    expected.append("400 invalid_body")
                default:
                    let experiment = number % 2 == 0 ? "checkout" : "other"
                    bytes += Self.request(#"{"unit": "c-\#(number)", "context": {"recency": \#(number)}}"#, experiment: experiment)
                    expected.append("200 \(experiment)")
                }
            }
            let answers = try await service.client.answers(to: bytes + Self.last)
            let found = answers.dropLast().map { answer -> String in
                "\(answer.status) " + (answer.problem ?? answer.object["experiment"] as? String ?? answer.text)
            }
            #expect(found == expected)
            #expect(
                Set(answers.compactMap(\.impressionID)).count == expected.filter { $0.hasSuffix("checkout") || $0.hasSuffix("other") }.count
            )
        }
    }

    /// What was sent is what arrives in the log, whatever the text looked like, and the row recomputes to the same bits.
    @Test func rowsArriveWithTheContextThatWasSent() async throws {
        let contexts = [
            #"{}"#, #"{ }"#, #"{"recency":-0,"member":false}"#, #"{"recency":12.5,"channel":"app","member":true,"x":null}"#,
            #"{"recency":0.1,"weird \" name":"a\tb\u00fc"}"#, #"{"recency":1.5e3}"#, #"{"recency":123456789012345678901234567890}"#,
            #"{"recency":0.000000000000000000000000000000000001}"#,
        ]
        try await Self.withService { service in
            var bytes: [UInt8] = []
            for context in contexts { bytes += Self.request(#"{"unit": "c-1", "context": \#(context)}"#) }
            let answers = try await service.client.answers(to: bytes + Self.last)
            for (context, answer) in zip(contexts, answers) {
                let id = try #require(answer.impressionID)
                let row = try await service.client.get("/v1/impressions/\(id)")
                #expect(row.status == 200)
                let sent = try #require(try JSONSerialization.jsonObject(with: Data(context.utf8)) as? [String: Any])
                var stored = try #require(row.object["context"] as? [String: Any])
                stored = stored.filter { !$0.key.hasPrefix("$") }
                for (name, value) in sent where !(value is NSNull) {
                    let found = stored[name] ?? "nothing"
                    // By their texts: Foundation holds numbers of many digits in a type whose double is not the nearest one.
                    let isSame = (found as? String).map { $0 == value as? String } ?? (Double("\(found)") == Double("\(value)"))
                    #expect(isSame, "\(name) of \(context): \(found)")
                }
                let recomputed = try #require(row.object["recomputed"] as? [String: Any])
                #expect(recomputed["match"] as? String == "bits", "\(recomputed)")
            }
            // The journal empties into the database, and there each row is once.
            try await waitUntil {
                try await service.pool.withConnection { try await $0.query("SELECT count(*) AS n FROM impressions") }
                    .first?.decode("n", as: Int.self) == contexts.count
            }
            for answer in answers.prefix(contexts.count) {
                let row = try await service.client.get("/v1/impressions/\(answer.impressionID ?? "")")
                #expect(row.object["stored_in"] as? String == "database")
                #expect((row.object["recomputed"] as? [String: Any])?["match"] as? String == "bits")
            }
        }
    }

    private func waitUntil(_ condition: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(30)
        while try await !condition() {
            guard ContinuousClock.now < deadline else {
                Issue.record("nothing came of it in 30 s")
                return
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }
}
