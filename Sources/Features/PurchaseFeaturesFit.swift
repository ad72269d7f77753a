import HaggleMath

/// What counts as an outlier among the amounts of purchases. Outliers are limited to the bounds, never left out.
package enum PurchaseOutliers: String, Hashable, Sendable, Codable, CaseIterable {
    /// Outside 1.5 times the distance between the quartiles from the nearer one (Tukey 1977).
    case iqr
    /// Below the 1st or above the 99th percentile.
    case p99
    case none
}

/// Finds what `PurchaseFeatures` fits, from all customers' purchases before the moment of the features.
package struct PurchaseFeaturesFit {
    /// Different categories that are counted; further ones belong to the rest.
    package static let categoryLimit = 1 << 20

    private var amounts = ValueCounts()
    private var spend: [String: CompensatedSum] = [:]
    /// Purchases whose category came after `categoryLimit` others.
    package private(set) var uncountedCategories = 0

    package init() {}

    /// Adds one event; a return says nothing here.
    package mutating func add(_ event: PurchaseEvent) {
        guard !event.isReturn else { return }
        amounts.add(event.amount)
        guard let category = event.category else { return }
        if spend[category] == nil, spend.count >= Self.categoryLimit { return uncountedCategories += 1 }
        spend[category, default: CompensatedSum()] += event.amount
    }

    /// - Parameters:
    ///   - categories: how many categories get a column, by falling spend, ties by name.
    ///   - eventCount: the length of the histories.
    package func fitted(categories: Int, outliers: PurchaseOutliers, eventCount: Int) -> PurchaseFeatures {
        let ranked = spend.map { (name: $0.key, sum: $0.value.value) }.sorted { ($1.sum, $0.name) < ($0.sum, $1.name) }
        return PurchaseFeatures(
            categories: ranked.prefix(categories).map(\.name), amountBounds: bounds(outliers), eventCount: eventCount)
    }

    private func bounds(_ outliers: PurchaseOutliers) -> ClosedRange<Double>? {
        switch outliers {
        case .none: return nil
        case .p99:
            guard let ends = amounts.quantiles([0.01, 0.99]) else { return nil }
            return Self.short(ends[0])...Self.short(ends[1])
        case .iqr:
            guard let quartiles = amounts.quantiles([0.25, 0.75]) else { return nil }
            let reach = 1.5 * (quartiles[1] - quartiles[0])
            return Self.short(quartiles[0] - reach)...Self.short(quartiles[1] + reach)
        }
    }

    /// To nine decimals: interpolated quantiles of prices have digits that mean nothing, and every limited amount would show them.
    private static func short(_ value: Double) -> Double {
        guard abs(value) < 1e6 else { return value }
        return (value * 1e9).rounded() / 1e9
    }
}
