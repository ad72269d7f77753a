package import HaggleCore

/// Everything the dashboard shows, as plain values.
package struct DashboardModel: Hashable, Sendable {
    package var generatedAt: Timestamp
    /// A sentence above everything else, such as "The database is away; numbers are from 10:41".
    package var notice: String?
    package var experiments: [ExperimentSummary]

    package init(generatedAt: Timestamp, notice: String? = nil, experiments: [ExperimentSummary]) {
        self.generatedAt = generatedAt
        self.notice = notice
        self.experiments = experiments
    }
}

/// One experiment: what it is, where it stands and what it has earned.
package struct ExperimentSummary: Hashable, Sendable {
    package struct ArmSummary: Hashable, Sendable {
        package var key: ArmKey
        /// Share of the list price taken off; nil for an arm that is no discount.
        package var discount: Double?
        package var isControl: Bool
        /// Impressions of the arm that count.
        package var impressions: Int
        package var conversions: Int
        /// Reward per impression (per unit in an A/B experiment), weighted by propensity where a bandit assigned; nil where the log does not
        /// support one yet.
        package var reward: IntervalEstimate?

        package init(
            key: ArmKey, discount: Double?, isControl: Bool, impressions: Int, conversions: Int, reward: IntervalEstimate? = nil
        ) {
            self.key = key
            self.discount = discount
            self.isControl = isControl
            self.impressions = impressions
            self.conversions = conversions
            self.reward = reward
        }
    }

    /// The policy's units against the holdout's.
    package struct Lift: Hashable, Sendable {
        /// Mean reward per unit under the policy.
        package var policy: IntervalEstimate
        /// Mean reward per unit of the holdout.
        package var holdout: IntervalEstimate
        /// Policy less holdout, per unit.
        package var difference: IntervalEstimate
        /// The difference as a share of the holdout's mean; nil where that is not above 0.
        package var relative: IntervalEstimate?
        package var policyUnits: Int
        package var holdoutUnits: Int

        package init(
            policy: IntervalEstimate, holdout: IntervalEstimate, difference: IntervalEstimate, relative: IntervalEstimate?,
            policyUnits: Int, holdoutUnits: Int
        ) {
            self.policy = policy
            self.holdout = holdout
            self.difference = difference
            self.relative = relative
            self.policyUnits = policyUnits
            self.holdoutUnits = holdoutUnits
        }
    }

    /// One arm of an A/B experiment against control, per unit.
    package struct Comparison: Hashable, Sendable {
        package var arm: String
        package var control: String
        package var difference: IntervalEstimate
        /// The difference as a share of control's mean; nil where that is too near 0.
        package var relative: IntervalEstimate?

        package init(arm: String, control: String, difference: IntervalEstimate, relative: IntervalEstimate?) {
            self.arm = arm
            self.control = control
            self.difference = difference
            self.relative = relative
        }
    }

    /// The gate's decision about one candidate for the network's place.
    package struct GateDecision: Hashable, Sendable {
        package var candidate: Int
        /// One word: `worse`, `not_worse`, ...
        package var decision: String
        /// The snapshot that carried it into service; nil while it is kept back.
        package var published: SnapshotVersion?

        package init(candidate: Int, decision: String, published: SnapshotVersion?) {
            self.candidate = candidate
            self.decision = decision
            self.published = published
        }
    }

    package struct Snapshot: Hashable, Sendable {
        package var version: SnapshotVersion
        /// Since it was published.
        package var ageSeconds: Double
        /// Whether publishing is held until `haggle model unpin`.
        package var isPinned: Bool
        /// What the gate decided last; nil before it first looked.
        package var gate: GateDecision?

        package init(version: SnapshotVersion, ageSeconds: Double, isPinned: Bool = false, gate: GateDecision? = nil) {
            self.version = version
            self.ageSeconds = ageSeconds
            self.isPinned = isPinned
            self.gate = gate
        }
    }

    /// An estimate of a moment or a stretch of time.
    package struct TimedEstimate: Hashable, Sendable {
        package var time: Timestamp
        package var estimate: IntervalEstimate

        package init(time: Timestamp, estimate: IntervalEstimate) {
            self.time = time
            self.estimate = estimate
        }
    }

    package var key: ExperimentKey
    package var description: String
    package var owner: String?
    package var kind: Experiment.Kind
    package var status: Experiment.Status
    /// The kill switch, which lies over the status.
    package var isPaused: Bool
    package var version: ExperimentVersion
    package var currency: String?
    package var metric: RewardConfiguration.Metric
    package var arms: [ArmSummary]
    /// Impressions that count, of all arms.
    package var impressions: Int
    package var conversions: Int
    /// Rows that do not count, by reason: `HOLDOUT`, `NOT_IN_TRAFFIC`, ...
    package var excluded: [String: Int]
    /// Impressions per arm and stretch of time, in configuration order of the arms.
    package var allocation: [AllocationChart.Bucket]
    package var bucketSeconds: Double
    /// Reward per impression over time.
    package var rewardOverTime: [TimedEstimate]
    /// Lift of the policy against the holdout over time: the relative lift after everything known so far.
    package var liftOverTime: [TimedEstimate]
    package var lift: Lift?
    /// Each arm of an A/B experiment against control; empty for a bandit.
    package var comparisons: [Comparison]
    package var snapshot: Snapshot?

    package init(
        key: ExperimentKey, description: String, owner: String? = nil, kind: Experiment.Kind, status: Experiment.Status,
        isPaused: Bool = false, version: ExperimentVersion, currency: String? = nil, metric: RewardConfiguration.Metric,
        arms: [ArmSummary], impressions: Int, conversions: Int, excluded: [String: Int] = [:],
        allocation: [AllocationChart.Bucket] = [], bucketSeconds: Double = 3600, rewardOverTime: [TimedEstimate] = [],
        liftOverTime: [TimedEstimate] = [], lift: Lift? = nil, comparisons: [Comparison] = [], snapshot: Snapshot? = nil
    ) {
        self.key = key
        self.description = description
        self.owner = owner
        self.kind = kind
        self.status = status
        self.isPaused = isPaused
        self.version = version
        self.currency = currency
        self.metric = metric
        self.arms = arms
        self.impressions = impressions
        self.conversions = conversions
        self.excluded = excluded
        self.allocation = allocation
        self.bucketSeconds = bucketSeconds
        self.rewardOverTime = rewardOverTime
        self.liftOverTime = liftOverTime
        self.lift = lift
        self.comparisons = comparisons
        self.snapshot = snapshot
    }

    /// How rewards are written.
    package var quantity: Quantity {
        switch metric {
        case .conversion: .share
        case .revenue, .margin: .money(currency: currency)
        case .value: .plain
        }
    }

    /// What the reward is called: `margin`.
    package var metricName: String { metric.rawValue }

    /// What an arm's reward is a mean over: A/B experiments are analysed by unit.
    package var rewardName: String { metricName + (kind == .ab ? " per unit" : " per impression") }
}
