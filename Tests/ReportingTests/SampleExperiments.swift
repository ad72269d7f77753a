import Foundation
import HaggleCore

@testable import Reporting

/// Made-up experiments for the pages' tests.
enum SampleExperiments {
    static let now = Timestamp(seconds: 1_793_737_267)

    static func estimate(_ value: Double, _ spread: Double) -> IntervalEstimate {
        IntervalEstimate(value: value, lower: value - spread, upper: value + spread, method: "normal, clustered by unit")
    }

    /// A bandit that has shifted its traffic towards the deep discounts over two days.
    static func checkout(
        key: String = "checkout-discount", description: String = "Which discount at checkout earns the most margin?",
        arms: [String] = ["none", "five", "ten", "fifteen", "twenty"]
    ) -> ExperimentSummary {
        let start = now - 48 * 3600
        let buckets = (0..<48).map { hour in
            let progress = Double(hour) / 47
            return AllocationChart.Bucket(
                start: start + Double(hour) * 3600,
                counts: arms.indices.map { Int(200 * (1 - progress) + 400 * progress * (($0 * 7 + 3) % 5 == 0 ? 1.4 : 0.3 * Double($0))) })
        }
        return ExperimentSummary(
            key: ExperimentKey(key), description: description, owner: "pricing", kind: .bandit, status: .running, version: 3,
            currency: "EUR", metric: .margin,
            arms: arms.enumerated().map { index, arm in
                ExperimentSummary.ArmSummary(
                    key: ArmKey(arm), discount: 0.05 * Double(index), isControl: index == 0,
                    impressions: buckets.reduce(0) { $0 + $1.counts[index] }, conversions: 900 + 350 * index,
                    reward: estimate(6.8 + [0, 0.7, 0.4, -0.1, -0.8][index % 5], 0.21 + 0.04 * Double(index)))
            }, impressions: buckets.reduce(0) { $0 + $1.total }, conversions: 8_412,
            excluded: ["HOLDOUT": 2_310, "NOT_IN_TRAFFIC": 118], allocation: buckets, bucketSeconds: 3600,
            rewardOverTime: (0..<24).map {
                .init(time: start + Double($0) * 7200, estimate: estimate(6.8 + 0.07 * Double($0) + 0.3 * sin(Double($0)), 0.6))
            },
            liftOverTime: (1..<24).map {
                .init(time: start + Double($0) * 7200, estimate: estimate(0.19 - 0.2 / Double($0), 0.45 / Double($0).squareRoot()))
            },
            lift: .init(
                policy: estimate(8.02, 0.12), holdout: estimate(6.84, 0.4), difference: estimate(1.18, 0.42),
                relative: estimate(0.1725, 0.065), policyUnits: 40_211, holdoutUnits: 2_108),
            snapshot: .init(version: 41, ageSeconds: 34))
    }

    /// An A/B test that has just begun, paused by hand.
    static func young() -> ExperimentSummary {
        ExperimentSummary(
            key: "member-promotion", description: "Does a member price in the newsletter pay?", kind: .ab, status: .running,
            isPaused: true, version: 1, metric: .conversion,
            arms: [
                .init(key: "control", discount: nil, isControl: true, impressions: 0, conversions: 0),
                .init(key: "member-price", discount: nil, isControl: false, impressions: 0, conversions: 0),
            ], impressions: 0, conversions: 0)
    }

    static func dashboard() -> DashboardModel { DashboardModel(generatedAt: now, experiments: [checkout(), young()]) }
}
