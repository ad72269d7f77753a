package import HaggleCore

extension Shop {
    /// The customers' features as an experiment file would declare them.
    package static let featureSchema = FeatureSchema(features: [
        Feature(
            name: "tenure_days", kind: .number(missing: .median, clip: .fixed(lower: 0, upper: 4000), transform: .log1p, scale: .standard)),
        Feature(
            name: "recency_days", kind: .number(missing: .median, clip: .fixed(lower: 0, upper: 365), transform: .log1p, scale: .standard)),
        Feature(name: "orders_90d", kind: .number(missing: .value(0), clip: .none, transform: .log1p, scale: .standard)),
        Feature(name: "avg_basket", kind: .number(missing: .mean, clip: .percentile(99), transform: .log1p, scale: .standard)),
        Feature(
            name: "deal_share", kind: .number(missing: .mean, clip: .fixed(lower: 0, upper: 1), transform: .identity, scale: .standard)),
        Feature(name: "channel", kind: .category(values: SimulatedCustomer.Channel.allCases.map(\.rawValue), missing: nil)),
        Feature(name: "is_member", kind: .boolean(missing: false)),
        Feature(
            name: "hour", kind: .number(missing: .mean, clip: .fixed(lower: 0, upper: 23), transform: .identity, scale: .standard)),
        Feature(name: "weekday", kind: .category(values: SimulatedCustomer.Weekday.allCases.map(\.rawValue), missing: nil)),
    ])

    /// The experiment that asks this shop which discount earns the most margin.
    package func experiment(key: ExperimentKey, policy: PolicyConfiguration, holdout: Double = 0) -> Experiment {
        Experiment(
            key: key, description: "Which discount earns the most margin?", kind: .bandit, unitName: "customer_id", currency: "EUR",
            holdout: holdout, arms: arms, context: Self.featureSchema,
            reward: RewardConfiguration(metric: .margin, marginRate: configuration.marginRate, windowSeconds: windowSeconds),
            policy: policy)
    }
}
