import Evaluation
import HaggleCore
import Reporting

/// The machine form of an analysis; the words of the HTTP interface, full double precision.
struct AnalysisDocument: Encodable {
    struct Arm: Encodable {
        var arm: ArmKey
        var discount: Double?
        var control: Bool
        var impressions: Int
        var conversions: Int
        var reward: IntervalEstimate?
        /// Of the propensity-weighted estimate of a bandit's arm.
        var verdict: Verdict?
        var reasons: [String]
    }

    struct Snapshot: Encodable {
        var version: SnapshotVersion
        var ageSeconds: Double
        var pinned: Bool

        enum CodingKeys: String, CodingKey {
            case version
            case ageSeconds = "age_seconds"
            case pinned
        }
    }

    struct Bucket: Encodable {
        var start: Timestamp
        var impressions: [String: Int]
    }

    struct TimedEstimate: Encodable {
        var start: Timestamp
        var reward: IntervalEstimate
    }

    var experiment: ExperimentKey
    var version: ExperimentVersion
    var type: Experiment.Kind
    var status: Experiment.Status
    var paused: Bool
    var metric: RewardConfiguration.Metric
    var currency: String?
    var generatedAt: Timestamp
    var arms: [Arm]
    var impressions: Int
    var conversions: Int
    var excluded: [String: Int]
    var waitingUnits: Int
    var bucketSeconds: Double
    var allocation: [Bucket]
    var rewardOverTime: [TimedEstimate]
    var lift: LiftReport?
    var comparison: ABReport?
    var snapshot: Snapshot?

    enum CodingKeys: String, CodingKey {
        case experiment, version, type, status, paused, metric, currency
        case generatedAt = "generated_at"
        case arms, impressions, conversions, excluded
        case waitingUnits = "waiting_units"
        case bucketSeconds = "bucket_seconds"
        case allocation
        case rewardOverTime = "reward_over_time"
        case lift
        case comparison = "ab"
        case snapshot
    }

    init(_ analysis: ExperimentAnalysis) {
        let summary = analysis.summary
        experiment = summary.key
        version = summary.version
        type = summary.kind
        status = summary.status
        paused = summary.isPaused
        metric = summary.metric
        currency = summary.currency
        generatedAt = analysis.generatedAt
        arms = summary.arms.map { arm in
            let evaluation = analysis.armEvaluations.first { $0.policy == arm.key.rawValue }
            return Arm(
                arm: arm.key, discount: arm.discount, control: arm.isControl, impressions: arm.impressions, conversions: arm.conversions,
                reward: arm.reward, verdict: evaluation?.verdict, reasons: evaluation?.reasons ?? [])
        }
        impressions = summary.impressions
        conversions = summary.conversions
        excluded = summary.excluded
        waitingUnits = analysis.waitingUnits
        bucketSeconds = summary.bucketSeconds
        let names = summary.arms.map(\.key.rawValue)
        allocation = summary.allocation.map { bucket in
            Bucket(start: bucket.start, impressions: Dictionary(zip(names, bucket.counts)) { first, _ in first })
        }
        rewardOverTime = summary.rewardOverTime.map { TimedEstimate(start: $0.time, reward: $0.estimate) }
        lift = analysis.lift
        comparison = analysis.comparison
        snapshot = summary.snapshot.map { Snapshot(version: $0.version, ageSeconds: $0.ageSeconds, pinned: $0.isPinned) }
    }
}
