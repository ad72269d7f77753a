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
}
