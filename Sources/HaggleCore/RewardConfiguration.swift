/// How the reward of an impression is computed from its conversions.
package struct RewardConfiguration: Hashable, Sendable, Codable {
    package enum Metric: String, Hashable, Sendable, Codable, CaseIterable {
        /// 1 when the impression has a conversion that was not reversed, else the default.
        case conversion
        /// The sum of the amounts paid.
        case revenue
        /// The sum of each conversion's margin: list price times (margin rate - discount).
        case margin
        /// The sum of the values as sent.
        case value
    }

    /// When an impression's reward enters the posterior.
    package enum LearningMode: String, Hashable, Sendable, Codable, CaseIterable {
        /// Once its attribution window has closed.
        case matured
        /// At once, corrected as conversions arrive.
        case early
    }

    package var metric: Metric
    /// Margin of a full-price sale as a share of the list price; needed by `margin` unless every conversion carries its own.
    package var marginRate: Double?
    /// Attribution window in seconds, above 0.
    package var windowSeconds: Double
    /// The reward of an impression without a conversion.
    package var defaultReward: Double
    /// Declared bounds of the reward, for intervals that need them.
    package var range: ClosedRange<Double>?
    package var learn: LearningMode

    package init(
        metric: Metric, marginRate: Double? = nil, windowSeconds: Double, defaultReward: Double = 0, range: ClosedRange<Double>? = nil,
        learn: LearningMode = .matured
    ) {
        self.metric = metric
        self.marginRate = marginRate
        self.windowSeconds = windowSeconds
        self.defaultReward = defaultReward
        self.range = range
        self.learn = learn
    }
}
