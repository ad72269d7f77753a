import Foundation
import HaggleCore
import Testing

@testable import Experiments

/// The files that people copy from.
enum Examples {
    static let names = ["checkout-discount", "member-promotion", "fee-rate-offer", "shop-demo"]

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "experiments")

    static func text(_ name: String) throws -> String {
        try String(contentsOf: folder.appending(path: "\(name).yaml"), encoding: .utf8)
    }

    static func experiment(_ name: String) throws -> Experiment {
        let parsed = ExperimentFile.parse(text: try text(name), file: "\(name).yaml")
        #expect(parsed.problems.isEmpty, "\(parsed.problems.map(\.description).joined(separator: "\n"))")
        return try #require(parsed.experiment)
    }

    /// Every file in the folder, so that a new example cannot be forgotten here.
    static func all() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }
    }
}

struct ExampleTests {
    @Test func everyExampleIsListed() throws {
        #expect(Set(try Examples.all()) == Set(Examples.names))
    }

    @Test(arguments: Examples.names) func exampleIsValidAndNamedAfterItsFile(_ name: String) throws {
        #expect(try Examples.experiment(name).key.rawValue == name)
    }

    @Test(arguments: Examples.names) func exampleStatesHypothesisMetricAndDecisionRule(_ name: String) throws {
        let comments = try Examples.text(name).split(separator: "\n").filter { $0.hasPrefix("#") }.joined(separator: "\n")
        for word in ["Hypothesis:", "Metric:", "Decision rule:"] { #expect(comments.contains(word), "\(word)") }
    }

    @Test(arguments: Examples.names) func everyVersionOfAnExampleNeedsNothingToStayAsItIs(_ name: String) throws {
        let experiment = try Examples.experiment(name)
        #expect(ExperimentDifference(experiment, experiment).isEmpty)
    }

    @Test func demoHasWhatTheSimulatedShopSends() throws {
        let demo = try Examples.experiment("shop-demo")
        #expect(demo.arms.map(\.key) == ["none", "five", "ten", "fifteen", "twenty"])
        #expect(demo.arms.map(\.discount) == [0, 0.05, 0.10, 0.15, 0.20])
        #expect(
            demo.context.features.map(\.name) == [
                "tenure_days", "recency_days", "orders_90d", "avg_basket", "deal_share", "channel", "is_member", "hour", "weekday",
            ])
        #expect(demo.reward == RewardConfiguration(metric: .margin, marginRate: 0.35, windowSeconds: 2))
        let policy = try #require(demo.policy)
        #expect(policy.algorithm == .neuralThompson)
        #expect(policy.floor == 0.02)
        #expect(policy.publishSeconds == 1)
        #expect(policy.model.hidden == [32, 16])
        #expect(policy.retrain == .init(everySeconds: 6, minimumImpressions: 1500, windowSeconds: 3600))
        #expect(demo.holdout == 0.05)
    }

    @Test func memberPromotionSplitsTargetedMembers() throws {
        let promotion = try Examples.experiment("member-promotion")
        #expect(promotion.kind == .ab)
        #expect(promotion.policy == nil)
        #expect(promotion.slot == .init(namespace: "member-mail", lower: 0, upper: 0.5))
        let targeting = try TargetingEvaluator(try #require(promotion.targeting))
        #expect(targeting.matches(["is_member": true, "recency_days": 40, "channel": "app"]))
        #expect(!targeting.matches(["is_member": true, "recency_days": 20, "channel": "app"]))
        #expect(!targeting.matches(["is_member": true, "recency_days": 40, "channel": "store"]))
    }
}
