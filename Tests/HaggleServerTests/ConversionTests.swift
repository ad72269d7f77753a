import Foundation
import HaggleCore
import HaggleServer
import Postgres
import Testing

/// `POST /v1/conversions`.
@Suite struct ConversionTests {
    private func counts(_ answer: LoopbackClient.Answer) -> [Int] {
        ["accepted", "duplicates"].map { answer.object[$0] as? Int ?? -1 } + [(answer.object["rejected"] as? [Any])?.count ?? -1]
    }

    @Test func oneManyAndTheSameAgain() async throws {
        try await RunningService.with { service in
            let id = try #require(try await service.assign(#"{"unit": "c", "eligible_arms": ["ten"]}"#).impressionID)
            let single = #"{"conversion_id": "k1", "impression_id": "\#(id)", "kind": "purchase", "value": 90}"#
            let first = try await service.client.post("/v1/conversions", single)
            #expect(first.status == 200 && counts(first) == [1, 0, 0])
            #expect(counts(try await service.client.post("/v1/conversions", single)) == [0, 1, 0])
            let many = try await service.client.post(
                "/v1/conversions",
                """
                [\(single), {"conversion_id": "k2", "impression_id": "\(id)", "kind": "refund", "value": -18},
                 {"conversion_id": "k3", "experiment": "checkout", "unit": "c", "kind": "purchase", "value": 9, "margin": 1.5},
                 {"conversion_id": "k2", "impression_id": "\(id)", "kind": "refund", "value": -18}]
                """)
            #expect(counts(many) == [2, 2, 0])
            // List price 100, margin 35 % less the discount of 10 %: 25; a fifth of it back: -5; and one that carries its own.
            let reward = try await service.pool.withConnection {
                try await $0.query("SELECT reward FROM impression_rewards")[0].decode("reward", as: Double.self)
            }
            #expect(abs(reward - 21.5) < 1e-9)
        }
    }

    @Test func senselessOnesAreRejectedAlone() async throws {
        try await RunningService.with { service in
            let ahead = Timestamp.now + 360
            let within = Timestamp.now + 200
            let unknown = "00000000-0000-7000-8000-000000000000"
            let answer = try await service.client.post(
                "/v1/conversions",
                """
                [{"conversion_id": "a", "kind": "purchase", "value": 1},
                 {"conversion_id": "b", "experiment": "checkout", "kind": "purchase", "value": 1},
                 {"conversion_id": "c", "experiment": "nowhere", "unit": "u", "kind": "purchase", "value": 1},
                 {"conversion_id": "d", "experiment": "checkout", "unit": "u", "kind": "purchase", "value": 1, "occurred_at": "\(ahead)"},
                 {"conversion_id": "e", "experiment": "checkout", "unit": "u", "kind": "purchase", "value": 1, "occurred_at": "yesterday"},
                 {"conversion_id": "f", "impression_id": "17", "kind": "purchase", "value": 1},
                 {"conversion_id": "", "impression_id": "\(unknown)", "kind": "purchase", "value": 1},
                 {"conversion_id": "g", "impression_id": "\(unknown)", "kind": "purchase"},
                 {"conversion_id": "h", "impression_id": "\(unknown)", "value": 2},
                 {"conversion_id": "i", "experiment": "checkout", "unit": "u", "kind": "purchase", "value": 1, "occurred_at": "\(within)"},
                 {"conversion_id": "j", "impression_id": "\(unknown)", "kind": "purchase", "value": 1}]
                """)
            #expect(answer.status == 200)
            let rejected = (answer.object["rejected"] as? [[String: Any]] ?? []).map { "\($0["index"] ?? "") \($0["code"] ?? "")" }
            #expect(
                rejected == [
                    "0 subject", "1 subject", "2 unknown_experiment", "3 future", "4 occurred_at", "5 impression_id", "6 conversion_id",
                    "7 value", "8 kind",
                ])
            // Close to now, and an impression that is not known (yet): kept.
            #expect(answer.object["accepted"] as? Int == 2)
            #expect(try await service.count("SELECT count(*) FROM conversions") == 2)
        }
    }

    @Test func badSyntaxFailsAsAWhole() async throws {
        try await RunningService.with { service in
            for body in [
                #"{"conversion_id": "a", "experiment": "checkout", "unit": "u", "kind": "purchase", "value": 1e999}"#,
                #"{"conversion_id": "a", "experiment": "checkout", "unit": "u", "kind": "purchase", "value": "1"}"#,
                #"{"conversion_id": "a", "experiment": "checkout", "unit": "u", "kind": "purchase", "value": 1, "price": 2}"#,
                #"[{"conversion_id": "a", "experiment": "checkout", "unit": "\u0000", "kind": "purchase", "value": 1}]"#, "[1]", "[{]",
            ] {
                let answer = try await service.client.post("/v1/conversions", body)
                #expect(answer.status == 400 && answer.problem == "invalid_body", "\(body): \(answer.text)")
            }
            #expect(try await service.count("SELECT count(*) FROM conversions") == 0)
            #expect(counts(try await service.client.post("/v1/conversions", "[]")) == [0, 0, 0])
        }
    }
}
