import EventLog
import Foundation
import HaggleCore
import Postgres
import Testing

/// `POST /v1/experiments/{key}/assignments` and its neighbours, on a real server and a real database.
@Suite struct AssignmentTests {
    @Test func theRowEqualsTheAnswer() async throws {
        try await RunningService.with { service in
            let answer = try await service.assign(
                #"{"unit": "c-17", "context": {"recency": 12.5, "channel": "web", "member": true, "unheard_of": 3}}"#)
            #expect(answer.status == 200)
            #expect(answer.headers["content-type"] == "application/json")
            let told = answer.object
            let id = try #require(answer.impressionID.flatMap { ImpressionID($0) })
            let row = try #require(try await EventLogReader(pool: service.pool).impression(id))
            #expect(told["experiment"] as? String == "checkout")
            #expect(told["version"] as? Int == row.experimentVersion.rawValue)
            #expect(told["variant"] as? String == "policy" && row.variant == .policy)
            #expect(told["arm"] as? String == row.arm.rawValue)
            #expect(told["discount"] as? Double == (row.arm == "ten" ? 0.1 : 0))
            #expect((told["payload"] as? [String: String])?["banner"] == (row.arm == "ten" ? "10 % off" : nil))
            #expect(told["propensity"] as? Double == row.propensity)
            #expect(told["snapshot"] as? Int == 1 && row.snapshot == 1)
            #expect(told["reason"] as? String == "POLICY" && row.reason == .policy)
            #expect(row.unit == "c-17" && row.eligibleArms == ["none", "ten"])
            #expect(row.context["recency"] == .number(12.5) && row.context["member"] == .boolean(true))
            #expect(row.propensities?.count == 2 && abs((row.propensities ?? []).reduce(0, +) - 1) < 1e-12)

            let read = try await service.client.get("/v1/impressions/\(id)")
            #expect(read.status == 200)
            #expect(read.object["arm"] as? String == row.arm.rawValue && read.object["propensities"] as? [Double] == row.propensities)
        }
    }

    /// A history as `features build` writes it is taken; a field of another type names its event.
    @Test func aHistoryIsReadAndCheckedFieldByField() async throws {
        var experiment = RunningService.experiment()
        experiment.context.features.append(
            Feature(
                name: "history",
                kind: .sequence(
                    fields: [.init(name: "amount", kind: .number), .init(name: "item", kind: .hashedCategory(buckets: 8))], length: 4)))
        try await RunningService.with([experiment]) { service in
            let good = try await service.assign(
                #"{"unit": "c", "context": {"history": [{"amount": 3.5, "item": "tea", "shelf": 4}, {"amount": null}, {}]}}"#)
            #expect(good.status == 200, "\(good.text)")
            let id = try #require(good.impressionID.flatMap { ImpressionID($0) })
            let row = try #require(try await EventLogReader(pool: service.pool).impression(id))
            guard case .events(let events)? = row.context["history"] else { return #expect(Bool(false), "\(row.context)") }
            #expect(events.count == 3 && events[0]["amount"] == .number(3.5) && events[0]["item"] == .text("tea"))
            for (history, detail) in [
                (#"[{"amount": 1}, {"amount": "x"}]"#, "context.history[1].amount: expected a number, found a string"),
                (#"[{"item": 7}]"#, "context.history[0].item: expected a string, found a number"),
                ("3", "context.history: expected a list of events, found a number"),
            ] {
                let answer = try await service.assign(#"{"unit": "c", "context": {"history": \#(history)}}"#)
                #expect(answer.status == 400 && answer.problem == "context_type", "\(answer.text)")
                #expect((answer.object["detail"] as? String)?.contains(detail) == true, "\(answer.text)")
            }
        }
    }

    @Test func aRepeatedRequestGivesTheSameAnswerAndCountsOnce() async throws {
        try await RunningService.with { service in
            let body = #"{"unit": "c-1", "context": {"recency": 1}, "request_id": "r-1"}"#
            let first = try await service.assign(body)
            #expect(first.status == 200)
            for _ in 0..<3 { #expect(try await service.assign(body).text == first.text) }
            // At once, too.
            let answers = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<16 { group.addTask { try await service.assign(#"{"unit": "c-2", "request_id": "r-2"}"#).text } }
                return try await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
            #expect(answers.count == 1)
            #expect(try await service.count("SELECT count(*) FROM counted_impressions") == 2)
        }
    }

    @Test func eligibleArmsAreRespected() async throws {
        try await RunningService.with { service in
            for _ in 0..<10 {
                let answer = try await service.assign(#"{"unit": "c", "eligible_arms": ["ten"]}"#)
                #expect(answer.object["arm"] as? String == "ten" && answer.object["propensity"] as? Double == 1)
            }
            let none = try await service.assign(#"{"unit": "c", "eligible_arms": []}"#)
            #expect(none.status == 400 && none.problem == "eligible_arms")
            let unknown = try await service.assign(#"{"unit": "c", "eligible_arms": ["none", "fifty"]}"#)
            #expect(unknown.status == 400 && unknown.problem == "unknown_arm")
            #expect((unknown.object["detail"] as? String)?.contains("'fifty'") == true)
            #expect(try await service.count("SELECT count(*) FROM impressions") == 10)
        }
    }

    /// What is sent, the stable code, and a part of the detail.
    private static let badBodies: [(body: String, code: String, detail: String)] = [
        (#"{"unit": "c", "context": {"recency": "soon"}}"#, "context_type", "context.recency: expected a number, found a string"),
        (#"{"unit": "c", "context": {"channel": 3}}"#, "context_type", "context.channel: expected a string, found a number"),
        (#"{"unit": "c", "context": {"member": "yes"}}"#, "context_type", "context.member: expected true or false"),
        (#"{"unit": "c", "context": {"recency": [1]}}"#, "invalid_body", "context.recency"),
        (#"{"unit": "c", "context": {"recency": NaN}}"#, "invalid_body", "context.recency"),
        (#"{"unit": "c", "context": {"recency": Infinity}}"#, "invalid_body", "context.recency"),
        (#"{"unit": "c", "context": {"recency": 1e400}}"#, "invalid_body", "beyond the range"),
        (#"{"unit": "c\u0000"}"#, "invalid_body", "\\u0000"),
        (#"{"unit": "\ud800"}"#, "invalid_body", "surrogate"),
        (#"{"unit": "c", "units": 1}"#, "invalid_body", "unknown field"),
        (#"{"unit": "c", "context": {}, "context": {}}"#, "invalid_body", "twice"),
        (#"{"context": {}}"#, "invalid_body", "\"unit\" is missing"),
        (#"{"unit": ""}"#, "invalid_body", "1 to 512"),
        (#"{"unit": 17}"#, "invalid_body", "unit (byte"),
        (#"{"unit": "c", "defer": "yes"}"#, "invalid_body", "defer"),
        (#"{"unit": "c"} trailing"#, "invalid_body", "unexpected text"),
        (#"[]"#, "invalid_body", "expected an object"),
        ("", "invalid_body", "unexpected end"),
        ("not JSON", "invalid_body", "expected an object"),
    ]

    @Test func badBodiesAreRefusedWithThePlaceAndLogNothing() async throws {
        try await RunningService.with { service in
            for (body, code, detail) in Self.badBodies {
                let answer = try await service.assign(body)
                #expect(answer.status == 400 && answer.problem == code, "\(body): \(answer.text)")
                #expect((answer.object["detail"] as? String)?.contains(detail) == true, "\(body): \(answer.text)")
            }
            let long = try await service.assign(#"{"unit": "\#(String(repeating: "u", count: 513))"}"#)
            #expect(long.status == 400)
            let unknown = try await service.assign(#"{"unit": "c"}"#, to: "nowhere")
            #expect(unknown.status == 404 && unknown.problem == "unknown_experiment")
            #expect(try await service.count("SELECT count(*) FROM impressions") == 0)
            #expect(try await service.assign(#"{"unit": "c"}"#).status == 200)
        }
    }

    @Test func aBodyOfTenMegabytesIsTooLarge() async throws {
        try await RunningService.with { service in
            let padding = [UInt8](repeating: 0x20, count: 10 << 20)
            let declared = try await service.client.send("POST", "/v1/experiments/checkout/assignments", padding)
            #expect(declared.status == 413 && declared.problem == "body_too_large")
            // Without a declared length the bytes are counted as they come.
            let chunks = Array("100000\r\n".utf8) + [UInt8](repeating: 0x20, count: 1 << 20) + Array("\r\n1\r\n \r\n0\r\n\r\n".utf8)
            let streamed = try await service.client.send("POST", "/v1/conversions", chunks, headers: "Transfer-Encoding: chunked\r\n")
            #expect(streamed.status == 413 && streamed.problem == "body_too_large")
            #expect(try await service.assign(#"{"unit": "c"}"#).status == 200)
        }
    }

    @Test func aDeferredAssignmentCountsOnceItIsActivated() async throws {
        try await RunningService.with { service in
            let id = try #require(try await service.assign(#"{"unit": "c", "defer": true}"#).impressionID)
            #expect(try await service.count("SELECT count(*) FROM counted_impressions") == 0)
            for _ in 0..<2 { #expect(try await service.client.post("/v1/impressions/\(id)/activate").status == 204) }
            #expect(try await service.count("SELECT count(*) FROM counted_impressions") == 1)
            #expect(try await service.client.post("/v1/impressions/no-uuid/activate").problem == "impression_id")
            let unknown = try await service.client.post("/v1/impressions/00000000-0000-7000-8000-000000000000/activate")
            #expect(unknown.status == 404 && unknown.problem == "unknown_impression")
        }
    }

    @Test func manyExperimentsInOneCall() async throws {
        try await RunningService.with([RunningService.experiment(), RunningService.experiment("fees")]) { service in
            let answer = try await service.client.post("/v1/assignments", #"{"unit": "c", "experiments": ["fees", "checkout"]}"#)
            let list = try JSONSerialization.jsonObject(with: Data(answer.body)) as? [[String: Any]] ?? []
            #expect(list.map { $0["experiment"] as? String } == ["fees", "checkout"])
            let unknown = try await service.client.post("/v1/assignments", #"{"unit": "c", "experiments": ["checkout", "nowhere"]}"#)
            #expect(unknown.status == 404 && unknown.problem == "unknown_experiment")
            // Nothing of a refused call is logged.
            #expect(try await service.count("SELECT count(*) FROM impressions") == 2)
        }
    }

    @Test func aUnitOfAnABExperimentKeepsItsArm() async throws {
        try await RunningService.with([RunningService.experiment(kind: .ab)]) { service in
            var arms: Set<String> = []
            for unit in 0..<12 {
                let first = try await service.assign(#"{"unit": "c-\#(unit)"}"#).object["arm"] as? String
                let second = try await service.assign(#"{"unit": "c-\#(unit)"}"#).object["arm"] as? String
                #expect(first != nil && first == second)
                arms.insert(first ?? "")
            }
            #expect(arms == ["none", "ten"])
            #expect(try await service.count("SELECT count(*) FROM counted_impressions") == 12)
        }
    }
}
