import HaggleCore
import Testing

@testable import Simulation

@Suite struct ReturningShopTests {
    private let shop = ReturningShop(seed: 5, asOf: Timestamp(seconds: 1_780_272_000))

    /// What is played must have the mean that is stated: 40 000 mails an arm, within four standard errors of the sample itself.
    @Test(arguments: ReturningShop.arms.indices) func marginsHaveTheStatedMean(arm: Int) {
        var sum = 0.0
        var squares = 0.0
        let count = 40_000
        for number in 0..<count {
            let customer = shop.customer(number % 2000)
            let difference =
                shop.margin(of: customer, number: number % 2000, mail: number / 2000, arm: arm)
                - shop.expectedMargin(of: customer, arm: arm)
            sum += difference
            squares += difference * difference
        }
        let mean = sum / Double(count)
        let error = (squares / Double(count)).squareRoot() / Double(count).squareRoot()
        #expect(abs(mean) < 4 * error, "\(mean) +- \(error)")
    }

    /// The trend is a coin toss that neither the total nor the number of orders tells: correlations of 5 000 customers lie within 4 / sqrt(5000).
    @Test func sumsSayNothingOfTheTrend() {
        let customers = (0..<5000).map { shop.customer($0) }
        let trends = customers.map(\.trend)
        for (name, values) in [
            ("total", customers.map { $0.purchases.reduce(0) { $0 + $1.amount } }),
            ("orders", customers.map { Double($0.purchases.count) }),
            ("last time", customers.map { $0.purchases.last?.time.seconds ?? 0 }),
        ] {
            let correlation = Self.correlation(values, trends)
            #expect(abs(correlation) < 0.057, "\(name): \(correlation)")
        }
        let growing = customers.count { $0.trend > 0 }
        #expect((2350...2650).contains(growing))
    }

    @Test func growersPayBestWithoutADiscountAndShrinkersWithTheDeepest() {
        for number in 0..<500 {
            let customer = shop.customer(number)
            let margins = ReturningShop.arms.indices.map { shop.expectedMargin(of: customer, arm: $0) }
            if customer.trend > 0.5 { #expect(margins[0] == margins.max()) }
            if customer.trend < -0.5 { #expect(margins[2] == margins.max()) }
        }
    }

    @Test func everyCustomerHasEightPurchasesAtTheEnd() {
        for number in 0..<500 {
            let last = shop.customer(number).purchases.suffix(ReturningShop.fewestOrders)
            #expect(last.count == ReturningShop.fewestOrders && last.allSatisfy { $0.amount > 0 && $0.time < shop.asOf })
        }
    }

    private static func correlation(_ x: [Double], _ y: [Double]) -> Double {
        let (meanX, meanY) = (x.reduce(0, +) / Double(x.count), y.reduce(0, +) / Double(y.count))
        let cross = zip(x, y).reduce(0) { $0 + ($1.0 - meanX) * ($1.1 - meanY) }
        let squareX = x.reduce(0) { $0 + ($1 - meanX) * ($1 - meanX) }
        let squareY = y.reduce(0) { $0 + ($1 - meanY) * ($1 - meanY) }
        return cross / (squareX * squareY).squareRoot()
    }
}
