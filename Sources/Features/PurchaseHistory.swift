package import HaggleCore
import HaggleMath

/// What one customer bought before a moment: the events in order, put together to orders.
///
/// Nothing at or after `asOf` is in it, however the events were given. Equal sets of events give equal histories, bit by bit: the events are
/// sorted by all their fields first. O(n log n).
package struct PurchaseHistory: Hashable, Sendable {
    /// A visit to the till.
    package struct Order: Hashable, Sendable {
        /// Of its first line.
        package var time: Timestamp
        /// What was paid, without returns.
        package var amount: Double
        /// Pieces in the lines that say so; nil where none does.
        package var units: Double?
    }

    package let asOf: Timestamp
    /// Purchases and returns, oldest first; the amounts of purchases limited to the bounds.
    package let events: [PurchaseEvent]
    /// Oldest first.
    package let orders: [Order]
    /// How many amounts lay outside the bounds.
    package let limitedCount: Int

    /// - Parameter bounds: where the amounts of purchases are cut off (winsorised); returns stay as they are.
    package init(_ events: some Sequence<PurchaseEvent>, asOf: Timestamp, bounds: ClosedRange<Double>? = nil) {
        var known = events.filter { $0.time < asOf }
        known.sort()
        var limited = 0
        if let bounds {
            for index in known.indices where !known[index].isReturn && !bounds.contains(known[index].amount) {
                known[index].amount = min(max(known[index].amount, bounds.lowerBound), bounds.upperBound)
                limited += 1
            }
        }
        self.asOf = asOf
        self.events = known
        limitedCount = limited
        orders = Self.orders(of: known)
    }

    /// Purchases only.
    package var purchases: some Sequence<PurchaseEvent> { events.lazy.filter { !$0.isReturn } }

    private static func orders(of events: [PurchaseEvent]) -> [Order] {
        var sums: [(time: Timestamp, amount: CompensatedSum, units: Double?)] = []
        var named: [String: Int] = [:]
        var last: (time: Timestamp, index: Int)?
        for event in events where !event.isReturn {
            let known: Int? =
                if let name = event.order { named[name] } else if let last, last.time == event.time { last.index } else { nil }
            let index = known ?? sums.count
            if known == nil { sums.append((event.time, CompensatedSum(), nil)) }
            if let name = event.order { named[name] = index } else { last = (event.time, index) }
            sums[index].amount += event.amount
            if let units = event.units { sums[index].units = (sums[index].units ?? 0) + units }
        }
        return sums.map { Order(time: $0.time, amount: $0.amount.value, units: $0.units) }
    }
}
