package import HaggleCore

/// One line of a purchase, or of a return: what was paid for an item, or for a whole basket where nothing finer is known.
package struct PurchaseEvent: Hashable, Sendable {
    package var time: Timestamp
    /// What tells one order from the next; nil where lines with the same time are one order.
    package var order: String?
    /// Money received for the line, after the discount; negative for a return. Finite.
    package var amount: Double
    /// Share of the list price that was taken off, 0...1.
    package var discount: Double
    /// What was bought, as coarsely as it is known.
    package var category: String?
    /// Pieces in the line; nil where nobody counted.
    package var units: Double?

    package init(
        time: Timestamp, order: String? = nil, amount: Double, discount: Double = 0, category: String? = nil, units: Double? = nil
    ) {
        self.time = time
        self.order = order
        self.amount = amount
        self.discount = discount
        self.category = category
        self.units = units
    }

    /// Whether money went back.
    package var isReturn: Bool { amount < 0 }

    /// The share of the list price that `money` off is, where `amount` was paid: `money / (amount + money)`; 0 for a return.
    package static func share(of money: Double, on amount: Double) -> Double {
        guard money > 0, amount >= 0 else { return 0 }
        let share = money / (amount + money)
        return share.isFinite ? min(1, share) : 0
    }
}

extension PurchaseEvent: Comparable {
    /// Oldest first. Every field takes part, so that the order of a set of events does not depend on how it was stored.
    package static func < (left: Self, right: Self) -> Bool {
        if left.time != right.time { return left.time < right.time }
        if left.order != right.order { return (left.order ?? "") < (right.order ?? "") || (left.order == nil && right.order == "") }
        if left.amount != right.amount { return left.amount < right.amount }
        if left.discount != right.discount { return left.discount < right.discount }
        if left.category != right.category {
            return (left.category ?? "") < (right.category ?? "") || (left.category == nil && right.category == "")
        }
        return (left.units ?? -.infinity) < (right.units ?? -.infinity)
    }
}
