import Foundation
import HaggleCore
import HaggleServer
import Testing

/// Health, metrics, documents, and what every answer has in common.
@Suite struct OperationsTests {
    @Test func healthReadinessAndMetrics() async throws {
        try await RunningService.with { service in
            let health = try await service.client.get("/healthz")
            #expect(health.status == 200 && health.text == "ok\n" && health.headers["content-type"]?.hasPrefix("text/plain") == true)
            let ready = try await service.client.get("/readyz")
            #expect(ready.status == 200 && ready.object["ready"] as? Bool == true && (ready.object["reasons"] as? [String]) == [])
            _ = try await service.assign(#"{"unit": "c", "eligible_arms": ["ten"]}"#)
            _ = try await service.assign("nonsense")
            let metrics = try await service.client.get("/metrics").text
            #expect(metrics.contains(#"haggle_assignments_total{experiment="checkout",arm="ten",reason="POLICY"} 1"#))
            #expect(metrics.contains(#"haggle_request_failures_total{route="assign",code="invalid_body"} 1"#))
            #expect(metrics.contains("haggle_snapshot_age_seconds{experiment=\"checkout\"}"))
        }
    }

    @Test func aServerWithoutExperimentsIsReady() async throws {
        try await RunningService.with([]) { service in
            let ready = try await service.client.get("/readyz")
            #expect(ready.status == 200)
            #expect(try await service.client.get("/").status == 200)
            #expect(try await service.client.get("/v1/experiments").text == "[]")
        }
    }

    @Test func theDocumentNamesEveryRouteAndNoOther() async throws {
        try await RunningService.with { service in
            let document = try await service.client.get("/openapi.json").object
            #expect((document["openapi"] as? String)?.hasPrefix("3.1") == true)
            let paths = try #require(document["paths"] as? [String: [String: Any]])
            let documented = paths.flatMap { path, operations in operations.keys.map { "\($0.uppercased()) \(path)" } }.sorted()
            #expect(documented == HaggleService.routes(target: service.target, logger: service.log.logger))
            #expect(documented.count > 10)
            let schemas = try #require((document["components"] as? [String: Any])?["schemas"] as? [String: Any])
            let text = String(
                decoding: try JSONSerialization.data(withJSONObject: document, options: .withoutEscapingSlashes), as: UTF8.self)
            for reference in text.matches(of: /#\/components\/schemas\/(\w+)/) { #expect(schemas[String(reference.1)] != nil) }
        }
    }

    @Test func whatIsNotThereIsAProblem() async throws {
        try await RunningService.with { service in
            let missing = [
                ("GET", "/nowhere"), ("GET", "/v1/experiments/checkout/arms"), ("POST", "/healthz"), ("DELETE", "/v1/experiments"),
            ]
            for (method, path) in missing {
                let answer = try await service.client.send(method, path)
                #expect(answer.status == 404 && answer.problem == "not_found", "\(method) \(path): \(answer.status) \(answer.text)")
            }
            #expect(try await service.client.send("HEAD", "/nowhere").status == 404)
            for path in ["/v1/experiments/nowhere", "/v1/experiments/nowhere/report", "/experiments/nowhere"] {
                #expect(try await service.client.get(path).problem == "unknown_experiment")
            }
            for action in ["pause", "resume"] {
                #expect(try await service.client.post("/v1/experiments/nowhere/\(action)").problem == "unknown_experiment")
            }
            #expect(try await service.client.get("/v1/impressions/17").problem == "impression_id")
            #expect(try await service.client.get("/healthz").headers["x-content-type-options"] == "nosniff")
            #expect(try await service.client.get("/nowhere").headers["x-content-type-options"] == "nosniff")
        }
    }

    @Test func oneExperimentAndItsState() async throws {
        try await RunningService.with { service in
            let one = try await service.client.get("/v1/experiments/checkout").object
            #expect(one["type"] as? String == "bandit" && one["version"] as? Int == 1 && one["snapshot"] as? Int == 1)
            #expect(one["paused"] as? Bool == false && (one["arms"] as? [Any])?.count == 2)
        }
    }
}
