package import HaggleCore
import HaggleMath

extension PurchaseFeatures {
    private static let microsecondsPerDay = 86_400e6

    /// The numbers of `columns`; nil where one does not exist. All finite. O(events).
    package func values(of history: PurchaseHistory) -> [Double?] {
        let orders = history.orders
        var spent = CompensatedSum()
        var returned = CompensatedSum()
        var depth = CompensatedSum()
        var (purchases, returns, discounted) = (0, 0, 0)
        var shares = [CompensatedSum](repeating: CompensatedSum(), count: categories.count)
        for event in history.events {
            guard !event.isReturn else {
                returns += 1
                returned += -event.amount
                continue
            }
            purchases += 1
            spent += event.amount
            if event.discount > 0 {
                discounted += 1
                depth += event.discount
            }
            if let category = event.category, let place = position(of: category) { shares[place] += event.amount }
        }
        let latest = history.events.last { !$0.isReturn }?.time
        let recent = history.asOf - 90 * 86_400
        let gaps = zip(orders.dropFirst(), orders).map { Self.days(from: $1.time, to: $0.time) }
        let gapMoments = Self.moments(gaps)
        let basketMoments = Self.moments(orders.map(\.amount))
        let units = Self.moments(orders.compactMap(\.units))
        let total = spent.value
        var values: [Double?] = [
            latest.map { Self.days(from: $0, to: history.asOf) },
            Double(orders.count),
            Double(orders.count { $0.time >= recent }),
            total,
            orders.first.map { Self.days(from: $0.time, to: history.asOf) },
            gapMoments.mean, Self.median(gaps), gapMoments.deviation,
            basketMoments.mean, basketMoments.deviation,
            units.mean,
            purchases > 0 ? Double(discounted) / Double(purchases) : 0,
            discounted > 0 ? depth.value / Double(discounted) : 0,
            purchases + returns > 0 ? Double(returns) / Double(purchases + returns) : 0,
            returned.value,
        ]
        if !categories.isEmpty {
            var listed = CompensatedSum()
            for share in shares {
                listed += share.value
                values.append(total > 0 ? min(1, max(0, share.value / total)) : 0)
            }
            values.append(total > 0 ? min(1, max(0, (total - listed.value) / total)) : 0)
        }
        return values.map { $0.map { $0.isFinite ? $0 : .greatestFiniteMagnitude } }
    }

    /// The last events, newest last: `days_ago` and `discount` to six decimals, `amount` (negative for a return), `category` where known.
    package func recentEvents(of history: PurchaseHistory) -> [[String: ContextValue]] {
        history.events.suffix(eventCount).map { event in
            var fields: [String: ContextValue] = [
                "days_ago": .number(Self.days(from: event.time, to: history.asOf)), "amount": .number(event.amount),
                "discount": .number(Self.rounded(event.discount)),
            ]
            if let category = event.category { fields["category"] = .text(category) }
            return fields
        }
    }

    /// Comparing a few short texts is quicker than hashing one.
    private func position(of category: String) -> Int? { categories.firstIndex(of: category) }

    /// Days between two moments, to a millionth (0.09 s), which keeps sequences short in files.
    private static func days(from start: Timestamp, to end: Timestamp) -> Double {
        rounded(Double(end.microseconds - start.microseconds) / microsecondsPerDay)
    }

    private static func rounded(_ value: Double) -> Double { (value * 1e6).rounded() / 1e6 }

    /// Mean, missing of none, and standard deviation with n - 1, missing below two.
    private static func moments(_ values: [Double]) -> (mean: Double?, deviation: Double?) {
        var moments = RunningMoments()
        for value in values { moments.add(value) }
        return (moments.count > 0 ? moments.mean : nil, moments.variance?.squareRoot())
    }

    private static func median(_ values: [Double]) -> Double? {
        guard !values.isEmpty else { return nil }
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }
}
