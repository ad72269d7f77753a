import Foundation
import HaggleCore
import Testing

struct ExperimentGateTests {
    /// A version that was applied before there was a gate had none, and must go on without one until its file is applied again.
    @Test func documentFromBeforeTheGateReadsAsOff() throws {
        let experiment = Experiment(
            key: "checkout", kind: .bandit, arms: [Arm(key: "none", isControl: true), Arm(key: "ten")],
            reward: RewardConfiguration(metric: .conversion, windowSeconds: 60), policy: PolicyConfiguration(algorithm: .uniform))
        let encoded = try JSONEncoder().encode(experiment)
        #expect(try JSONDecoder().decode(Experiment.self, from: encoded) == experiment)
        var document = try #require(JSONSerialization.jsonObject(with: encoded) as? [String: Any])
        #expect(document.removeValue(forKey: "gate") as? String == "veto")
        let old = try JSONDecoder().decode(Experiment.self, from: JSONSerialization.data(withJSONObject: document))
        #expect(old.gate == .off)
        #expect(old.arms == experiment.arms)
    }

    /// A configuration stored before a key existed has that key's default.
    @Test func configurationFromBeforeAKeyReadsWithItsDefault() throws {
        let policy = PolicyConfiguration(
            algorithm: .neuralThompson, floor: 0.02, temperature: 0.5, gamma: 3, imitate: "rule", posterior: .shared, isMonotone: true,
            forget: .init(factor: 0.9), seed: 5, model: .init(hidden: [8], batch: 7, loss: .huber, dropout: 0.1, clip: 2, units: 3))
        let encoded = try JSONEncoder().encode(policy)
        #expect(try JSONDecoder().decode(PolicyConfiguration.self, from: encoded) == policy)
        var document = try #require(JSONSerialization.jsonObject(with: encoded) as? [String: Any])
        for key in ["gamma", "beta", "imitate", "posterior", "isMonotone", "isCentred", "forget", "temperature"] { document[key] = nil }
        var model = try #require(document["model"] as? [String: Any])
        for key in ["loss", "dropout", "schedule", "clip", "layerNorm", "residual", "units", "kernel"] { model[key] = nil }
        document["model"] = model
        let old = try JSONDecoder().decode(PolicyConfiguration.self, from: JSONSerialization.data(withJSONObject: document))
        #expect(
            old == PolicyConfiguration(algorithm: .neuralThompson, floor: 0.02, seed: 5, model: .init(hidden: [8], batch: 7)))
    }
}
