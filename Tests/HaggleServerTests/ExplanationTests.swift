import Foundation
import HaggleCore
import Testing

/// `GET /v1/impressions/{id}/explanation`.
@Suite struct ExplanationTests {
    /// The parts must add up: probabilities to one, the exploration parts to the whole of it, and the Shapley values of an arm to what separates
    /// its expected reward from the average one.
    @Test func everyDecisionCanBeExplained() async throws {
        try await RunningService.with { service in
            for body in [
                #"{"unit": "c-1", "context": {"recency": 12.5, "channel": "web", "member": true}}"#, #"{"unit": "c-2"}"#,
                #"{"unit": "c-3", "context": {"recency": 3}, "eligible_arms": ["ten"]}"#,
            ] {
                let id = try #require(try await service.assign(body).impressionID)
                let answer = try await service.client.get("/v1/impressions/\(id)/explanation")
                #expect(answer.status == 200, "\(answer.text)")
                #expect(answer.object["impression_id"] as? String == id)
                let decision = try #require(answer.object["decision"] as? [String: Any])
                let arms = try #require(decision["arms"] as? [[String: Any]])
                let probabilities = arms.compactMap { $0["probability"] as? Double }
                #expect(abs(probabilities.reduce(0, +) - 1) < 1e-12)
                let shown = try #require(arms.first { $0["arm"] as? String == answer.object["arm"] as? String })
                #expect(shown["probability"] as? Double == answer.object["propensity"] as? Double)
                let exploration = try #require(decision["exploration"] as? Double)
                let byFloor = try #require(decision["exploration_by_floor"] as? Double)
                let byRule = try #require(decision["exploration_by_rule"] as? Double)
                #expect(abs(exploration - byFloor - byRule) < 1e-12)
                for arm in arms {
                    let expected = try #require(arm["expected_reward"] as? Double)
                    let base = try #require(arm["base_reward"] as? Double)
                    let contributions = try #require(arm["contributions"] as? [[String: Any]]).compactMap { $0["shapley"] as? Double }
                    #expect(abs(contributions.reduce(base, +) - expected) < 1e-9 * max(1, abs(expected)))
                }
            }
        }
    }

    @Test func whatIsNoImpressionIsAProblem() async throws {
        try await RunningService.with { service in
            let unknown = try await service.client.get("/v1/impressions/0190a8f4-0000-7000-8000-000000000000/explanation")
            #expect(unknown.status == 404 && unknown.problem == "unknown_impression")
            let malformed = try await service.client.get("/v1/impressions/first/explanation")
            #expect(malformed.status == 400 && malformed.problem == "impression_id")
        }
    }

    /// An A/B split has no policy that decided, and says so by leaving the decision out.
    @Test func anExperimentWithoutAPolicyHasNoDecision() async throws {
        try await RunningService.with([RunningService.experiment(kind: .ab)]) { service in
            let id = try #require(try await service.assign(#"{"unit": "c-1"}"#).impressionID)
            let answer = try await service.client.get("/v1/impressions/\(id)/explanation")
            #expect(answer.status == 200 && answer.object["decision"] == nil)
            #expect(answer.object["arm"] != nil)
        }
    }
}
