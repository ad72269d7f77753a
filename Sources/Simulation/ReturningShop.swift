import Foundation
package import HaggleCore
import HaggleMath

/// A made-up shop whose customers have bought before, and in which the order of their baskets decides what a discount is worth.
///
/// A customer's baskets are drawn alike and independently, so no total, mean, spread or share tells anything about the next mail. What tells is
/// whether the last two baskets were larger than the two before: whose baskets grow buys anyway, whose baskets shrink buys when the discount is
/// deep. A model of the sequence can see that, features of sums cannot. Equal configurations give the same shop on every platform.
package struct ReturningShop: Hashable, Sendable {
    /// One line of the shop's books.
    package struct Purchase: Hashable, Sendable {
        package var time: Timestamp
        package var item: String
        /// Paid, in euros to the cent; negative for a return.
        package var amount: Double
        /// Taken off, in euros.
        package var discount: Double
    }

    /// One customer as the shop's books have them.
    package struct Customer: Hashable, Sendable {
        package var unit: UnitID
        /// Oldest first; at least `fewestOrders` purchases before the moment, and a return here and there.
        package var purchases: [Purchase]
        /// Mean list price of a basket.
        package var level: Double
        /// log((b4 + b3) / (b2 + b1)) of the last four baskets, b4 the newest: above 0 they grow.
        package var trend: Double
    }

    /// Purchases that every customer has.
    package static let fewestOrders = 8
    /// No discount (control), 10 and 20 % off.
    package static let arms = [
        Arm(key: "none", discount: 0, isControl: true), Arm(key: "ten", discount: 0.1), Arm(key: "twenty", discount: 0.2),
    ]
    /// Margin of a full-price sale as a share of the list price.
    package static let marginRate = 0.4

    package let seed: UInt64
    /// Everything bought lies in the year before it; mails go out from it on.
    package let asOf: Timestamp

    package init(seed: UInt64, asOf: Timestamp) {
        self.seed = seed
        self.asOf = asOf
    }

    private enum Purpose: UInt64 { case customer = 1, dirt, pilot, outcome }

    private func stream(_ purpose: Purpose, _ number: Int, _ detail: Int = 0) -> SeededGenerator {
        SeededGenerator(seed: seed, stream: mix64(UInt64(number) ^ mix64(purpose.rawValue << 32 | UInt64(detail))))
    }

    /// The customer with this number, counted from 0.
    package func customer(_ number: Int) -> Customer {
        precondition(number >= 0, "customers count from 0")
        var draw = stream(.customer, number)
        let level = 40 * exp(0.3 * draw.normal())
        let count = Self.fewestOrders + Int(draw.next() % 5)
        let day = 86_400.0
        let times = (0..<count).map { _ in (1 + 363 * draw.uniform()) * day }.sorted(by: >)
        var purchases: [Purchase] = []
        var baskets: [Double] = []
        for time in times {
            let list = level * exp(0.5 * draw.normal() - 0.125)
            let share = draw.uniform() < 0.3 ? 0.1 : 0
            let item = Self.items[Int(draw.next() % UInt64(Self.items.count))]
            let paid = Self.cents(list * (1 - share))
            purchases.append(Purchase(time: asOf - time.rounded(), item: item, amount: paid, discount: Self.cents(list * share)))
            baskets.append(paid)
        }
        let trend = log((baskets[count - 1] + baskets[count - 2]) / (baskets[count - 3] + baskets[count - 4]))
        // An early basket goes back now and then; late ones do not, so that the last eight lines are purchases.
        if draw.uniform() < 0.1, count > Self.fewestOrders, let first = purchases.first {
            purchases.insert(
                Purchase(time: first.time + 3600, item: first.item, amount: -first.amount, discount: 0), at: 1)
        }
        return Customer(unit: UnitID("c\(number + 1)"), purchases: purchases, level: level, trend: trend)
    }

    private static let items = ["coffee", "tea", "filter", "mug", "grinder", "syrup", "biscuits", "kettle"]

    private static func cents(_ amount: Double) -> Double { (amount * 100).rounded() / 100 }

    /// The shop's books as it would hand them over: all purchases, and with them what books contain: lines twice (2 %), lines without an amount
    /// (1 %), lines of a day that does not exist (0.5 %). Nothing of a customer's true purchases is missing.
    /// - Returns: rows of `customer,time,item,amount,discount`.
    package func books(customers: Int) -> [[String]] {
        var rows: [[String]] = []
        for number in 0..<customers {
            var draw = stream(.dirt, number)
            let customer = customer(number)
            for purchase in customer.purchases {
                let row = [
                    customer.unit.rawValue, purchase.time.description, purchase.item, String(purchase.amount), String(purchase.discount),
                ]
                rows.append(row)
                let accident = draw.uniform()
                if accident < 0.02 {
                    rows.append(row)
                } else if accident < 0.03 {
                    rows.append([row[0], row[1], row[2], "", row[4]])
                } else if accident < 0.035 {
                    rows.append([row[0], "2025-02-30T10:00:00Z", row[2], row[3], row[4]])
                }
            }
        }
        return rows
    }

    /// P(purchase after a mail | trend, discount).
    ///
    /// ```
    /// P = g grows(d) + (1 - g) shrinks(d),  g = logistic(8 trend)
    /// grows(d)   = .60 + .1 d
    /// shrinks(d) = .04 + 1.15 d + 9.5 d^2
    /// ```
    package func purchaseProbability(of customer: Customer, arm: Int) -> Double {
        let discount = Self.arms[arm].discount ?? 0
        let growing = logistic(8 * customer.trend)
        return growing * (0.6 + 0.1 * discount) + (1 - growing) * (0.04 + 1.15 * discount + 9.5 * discount * discount)
    }

    /// E[margin of a mail | customer, arm] = P L (m - d), L the customer's mean list price.
    package func expectedMargin(of customer: Customer, arm: Int) -> Double {
        purchaseProbability(of: customer, arm: arm) * customer.level * (Self.marginRate - (Self.arms[arm].discount ?? 0))
    }

    /// The margin of one mail as it happens; the same whenever it is asked for.
    package func margin(of customer: Customer, number: Int, mail: Int, arm: Int) -> Double {
        var draw = stream(.outcome, number, mail * Self.arms.count + arm)
        guard draw.uniform() < purchaseProbability(of: customer, arm: arm) else { return 0 }
        // Mean 1: E[exp(sigma z)] = exp(sigma^2 / 2).
        let list = customer.level * exp(0.2 * draw.normal() - 0.02)
        return Self.cents(list * (Self.marginRate - (Self.arms[arm].discount ?? 0)))
    }

    /// The arm of a pilot's mail, drawn evenly.
    package func pilotArm(number: Int, mail: Int) -> Int {
        var draw = stream(.pilot, number, mail)
        return Int(draw.next() % UInt64(Self.arms.count))
    }

    /// When a mail goes out: one a week, customers a second apart.
    package func time(number: Int, mail: Int) -> Timestamp { asOf + Double(mail) * 7 * 86_400 + Double(number) }

    /// The number of a customer by the name in the books; nil for another name.
    package static func number(of unit: String) -> Int? {
        guard unit.hasPrefix("c"), let number = Int(unit.dropFirst()), number >= 1, unit == "c\(number)" else { return nil }
        return number - 1
    }
}
