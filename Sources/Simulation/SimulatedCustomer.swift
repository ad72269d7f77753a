package import HaggleCore

/// A customer at one visit: what the shop knows, and so everything that the truth depends on.
package struct SimulatedCustomer: Hashable, Sendable {
    package enum Channel: String, Hashable, Sendable, CaseIterable { case web, app, store }
    package enum Weekday: String, Hashable, Sendable, CaseIterable {
        case monday = "mon"
        case tuesday = "tue"
        case wednesday = "wed"
        case thursday = "thu"
        case friday = "fri"
        case saturday = "sat"
        case sunday = "sun"
    }

    /// Index of the visit.
    package var visit: Int
    package var unit: UnitID
    package var tenureDays: Double
    package var recencyDays: Double
    package var ordersIn90Days: Double
    package var averageBasket: Double
    /// Share of past purchases that were on offer, 0...1: what price sensitivity leaves in the books.
    package var dealShare: Double
    package var channel: Channel
    package var isMember: Bool
    /// 0...23.
    package var hour: Int
    package var weekday: Weekday

    /// The features as a client sends them.
    package var context: Context {
        [
            "tenure_days": .number(tenureDays), "recency_days": .number(recencyDays), "orders_90d": .number(ordersIn90Days),
            "avg_basket": .number(averageBasket), "deal_share": .number(dealShare), "channel": .text(channel.rawValue),
            "is_member": .boolean(isMember), "hour": .number(Double(hour)), "weekday": .text(weekday.rawValue),
        ]
    }
}
