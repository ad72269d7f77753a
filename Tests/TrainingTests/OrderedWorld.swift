import HaggleCore
import HaggleMath

/// A log of customers with four past orders each, whose response to a discount is known. Amounts are drawn alike in every place, so the total says
/// nothing; the third order stands above the second for half of the customers.
enum OrderedWorld {
    enum Truth: CaseIterable {
        /// Whoever spent more on the third order than on the second pays for the discount, who spent less does not: only the order of the orders
        /// tells, and neither the total nor the latest order.
        case order
        /// Whoever spent much in all pays for the discount: the total tells it, which the plain features hold.
        case total
    }

    static let arms = [Arm(key: "none", isControl: true), Arm(key: "ten")]
    static let noise = 0.3

    static let schema = FeatureSchema(features: [
        Feature(name: "total", kind: .number(missing: .mean, clip: .none, transform: .identity, scale: .standard)),
        Feature(name: "history", kind: .sequence(fields: [.init(name: "amount", kind: .number)], length: 4)),
    ])

    static func log(_ truth: Truth, count: Int, seed: UInt64 = 1) -> [Interaction] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { row in
            let amounts = (0..<4).map { _ in 10 + 20 * generator.uniform() }
            let total = amounts.reduce(0, +)
            let isKeen =
                switch truth {
                case .order: amounts[2] > amounts[1]
                case .total: total > 80
                }
            let arm = generator.uniform() < 0.5 ? 0 : 1
            let expected = arm == 0 ? 0 : isKeen ? 1.0 : -1
            return Interaction(
                unit: UnitID("u\(row)"), time: Timestamp(seconds: Double(row)),
                context: ["total": .number(total), "history": .events(amounts.map { ["amount": .number($0)] })],
                arm: arm, propensity: 0.5, reward: expected + noise * generator.normal())
        }
    }
}
