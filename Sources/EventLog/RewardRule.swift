package import HaggleCore

/// Computes rewards from conversions by an experiment's metric.
///
/// - `conversion`: 1 if events (value >= 0) outnumber reversals (value < 0), else the default.
/// - `revenue`, `value`: the sum of the values.
/// - `margin`: the sum of each conversion's own margin where it carries one, else with discount d, margin rate m and value v
///
///       list = v / (1 - d);   margin = list (m - d)
///
///   which holds for refunds (v < 0) too. Without a margin rate only conversions that carry their margin count.
/// - Without a conversion the reward is the default.
package struct RewardRule: Hashable, Sendable {
    package let configuration: RewardConfiguration
    /// Margin of one unit of value paid, per arm.
    private let marginOfValue: [Double]

    /// - Parameter arms: the arms that `reward` is asked about, in their order.
    package init(_ configuration: RewardConfiguration, arms: [Arm]) {
        self.configuration = configuration
        marginOfValue = arms.map { arm in
            let discount = arm.discount ?? 0
            // The file is refused where d = 1 and the metric is margin.
            guard let rate = configuration.marginRate, discount < 1 else { return 0 }
            return (rate - discount) / (1 - discount)
        }
    }

    /// The reward of an impression that showed the arm at that position.
    package func reward(_ sums: RewardSums, arm: Int) -> Double {
        guard !sums.isEmpty else { return configuration.defaultReward }
        switch configuration.metric {
        case .conversion: return sums.events > sums.reversals ? 1 : configuration.defaultReward
        case .revenue, .value: return sums.value
        case .margin: return sums.givenMargin + sums.unmarginedValue * marginOfValue[arm]
        }
    }

    package func reward(_ conversions: [Conversion], arm: Int) -> Double { reward(RewardSums(conversions), arm: arm) }

    /// The reward of several impressions of one unit taken together, by the arm each of them showed.
    package func reward(_ parts: [(arm: Int, sums: RewardSums)]) -> Double {
        guard parts.contains(where: { !$0.sums.isEmpty }) else { return configuration.defaultReward }
        if configuration.metric == .conversion {
            let events = parts.reduce(0) { $0 + $1.sums.events }
            return events > parts.reduce(0) { $0 + $1.sums.reversals } ? 1 : configuration.defaultReward
        }
        return parts.reduce(0) { $1.sums.isEmpty ? $0 : $0 + reward($1.sums, arm: $1.arm) }
    }
}
