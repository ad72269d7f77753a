import HaggleCore
import HaggleMath
import Testing

@testable import Simulation

private struct Even: Policy {
    let armCount: Int
    func distribution(over eligible: [Int], in context: Context) -> ArmDistribution { .even(over: eligible, of: armCount) }
}

private struct Always: Policy {
    let armCount: Int
    let arm: Int
    func distribution(over eligible: [Int], in context: Context) -> ArmDistribution { .certain(arm, of: armCount) }
}

@Suite struct ShopTests {
    @Test func equalSeedsGiveEqualShops() {
        let one = Shop(.init(seed: 7))
        let two = Shop(.init(seed: 7))
        let other = Shop(.init(seed: 8))
        var differing = 0
        for visit in 0..<200 {
            let customer = one.customer(at: visit)
            #expect(customer == two.customer(at: visit))
            if customer.context != other.customer(at: visit).context { differing += 1 }
            for arm in one.arms.indices { #expect(one.outcome(of: customer, arm: arm) == two.outcome(of: customer, arm: arm)) }
        }
        #expect(differing == 200)
    }

    /// Written down from the first run: a change of any stream or formula shows here before it surprises a stored number.
    @Test func theFirstCustomersStayWhoTheyAre() {
        let shop = Shop(.init(seed: 1))
        let described = (0..<3).map { visit in
            let c = shop.customer(at: visit)
            return "\(c.unit) \(c.tenureDays) \(c.recencyDays) \(c.ordersIn90Days) \(c.averageBasket) \(c.dealShare) \(c.channel) "
                + "\(c.isMember) \(c.hour) \(c.weekday)"
        }
        #expect(described == ShopTests.firstCustomers)
    }

    static let firstCustomers = [
        "c-0 137.0 35.0 0.0 62.16 0.02 app true 23 friday", "c-1 71.0 205.0 0.0 32.51 0.97 app false 20 wednesday",
        "c-2 368.0 19.0 6.0 48.23 0.12 store true 14 thursday",
    ]

    /// 120 000 draws an arm over the same customers; tolerance 4.5 standard errors of the paired difference (chance of a false alarm 7e-6 an arm).
    @Test(arguments: [RewardConfiguration.Metric.margin, .revenue, .conversion])
    func simulatedRewardsAverageToTheClosedForm(metric: RewardConfiguration.Metric) {
        let shop = Shop(.init(seed: 3))
        for arm in shop.arms.indices {
            var sum = 0.0
            var squares = 0.0
            let count = 120_000
            for visit in 0..<count {
                let customer = shop.customer(at: visit)
                let difference =
                    shop.reward(of: shop.outcome(of: customer, arm: arm), arm: arm, metric: metric)
                    - shop.expectedReward(of: customer, arm: arm, metric: metric)
                sum += difference
                squares += difference * difference
            }
            let mean = sum / Double(count)
            let standardError = (squares / Double(count) - mean * mean).squareRoot() / Double(count).squareRoot()
            #expect(abs(mean) < 4.5 * standardError, "arm \(arm): off by \(mean / standardError) standard errors")
        }
    }

    @Test(arguments: [true, false]) func thePersonalPolicyBeatsEverySingleArm(isSeasonal: Bool) {
        let shop = Shop(.init(seed: 11, isSeasonal: isSeasonal))
        let truth = shop.truth(over: 0..<20_000)
        #expect(truth.best > 1.1 * truth.bestSingleArm)
        #expect(truth.best > 1.2 * truth.control && truth.best < 1.35 * truth.control)
        #expect(truth.best > 1.2 * truth.uniform)
        #expect(truth.bestShares[0] > 0.15, "customers for whom every discount wastes margin")
        #expect(truth.bestShares[1] + truth.bestShares[2] > 0.3, "customers who need a nudge")
        #expect(truth.bestShares[4] > 0.2, "customers who buy only deep discounts")
    }

    @Test func loyalMembersLoseMarginByDiscountsAndHuntersNeedThem() {
        let shop = Shop(.init(seed: 1))
        var customer = shop.customer(at: 0)
        customer.isMember = true
        customer.tenureDays = 2000
        customer.ordersIn90Days = 12
        customer.recencyDays = 4
        customer.dealShare = 0.05
        let loyal = shop.expectedRewards(of: customer)
        #expect(loyal == loyal.sorted(by: >))
        customer.isMember = false
        customer.tenureDays = 60
        customer.ordersIn90Days = 1
        customer.recencyDays = 30
        customer.dealShare = 0.95
        let hunter = shop.expectedRewards(of: customer)
        #expect(hunter.firstIndex(of: hunter.max() ?? 0) == 4)
        #expect(hunter[4] > 2 * hunter[0])
    }

    @Test func theValueOfAPolicyIsAnEnumeration() {
        let shop = Shop(.init(seed: 5))
        let truth = shop.truth(over: 100..<1100)
        // Same sums in another order: a few ulps.
        #expect(abs(shop.value(of: Even(armCount: 5), over: 100..<1100) - truth.uniform) < 1e-12 * truth.uniform)
        #expect(abs(shop.value(of: Always(armCount: 5, arm: 3), over: 100..<1100) - truth.arms[3]) < 1e-12 * truth.uniform)
    }

    @Test func purchasesAndRefundsKeepTheirDistanceFromTheWindow() {
        let shop = Shop(.init(seed: 9, refundRates: .init(web: 0.5, app: 0.5, store: 0.5), lateShare: 0.2))
        var purchases = 0
        var late = 0
        var refunds = 0
        for visit in 0..<20_000 {
            let events = shop.outcome(of: shop.customer(at: visit), arm: 2)
            guard let purchase = events.first else { continue }
            purchases += 1
            #expect(purchase.kind == .purchase && purchase.value > 0 && purchase.delayDays >= 0)
            let isLate = purchase.delayDays > 7
            #expect(isLate ? purchase.delayDays >= 7 * 1.05 : purchase.delayDays <= 7 * 0.95)
            if isLate { late += 1 }
            if events.count == 2 {
                refunds += 1
                #expect(events[1].kind == .refund && events[1].value == -purchase.value && events[1].delayDays > purchase.delayDays)
                #expect((events[1].delayDays > 7) == isLate)
                #expect(shop.reward(of: events, arm: 2) == 0)
            }
        }
        // About 8 000 purchases: shares within 0.02 are more than 3.5 standard errors.
        #expect(abs(Double(late) / Double(purchases) - 0.2) < 0.02)
        #expect(abs(Double(refunds) / Double(purchases) - 0.5) < 0.02)
    }

    @Test func aWeekOfTheCalendarFitsIntoTwoSeconds() {
        let epoch = Timestamp(seconds: 1_000_000)
        let shop = Shop(.init(seed: 1, secondsPerDay: 2.0 / 7, epoch: epoch))
        #expect(shop.customer(at: 0, time: epoch).weekday == .monday)
        #expect(shop.customer(at: 0, time: epoch).hour == 0)
        #expect(shop.customer(at: 0, time: epoch + 1.999).weekday == .sunday)
        #expect(shop.customer(at: 0, time: epoch + 1.999).hour == 23)
        #expect(shop.customer(at: 0, time: epoch + 2.001).weekday == .monday)
        #expect(shop.customer(at: 0, time: epoch - 0.001).weekday == .sunday)
        #expect(shop.customer(at: 0, time: epoch + 0.143).hour == 12)
        #expect(abs(shop.windowSeconds - 2) < 1e-12)
    }

    @Test func theDefaultEpochIsAMonday() {
        let shop = Shop(.init(seed: 1))
        let time = Timestamp("2026-11-06T15:30:00Z")
        #expect(shop.customer(at: 0, time: time).weekday == .friday)
        #expect(shop.customer(at: 0, time: time).hour == 15)
    }

    @Test func seasonalityMovesTheTruthOnlyWhereItIsOn() {
        for isSeasonal in [true, false] {
            let shop = Shop(.init(seed: 2, isSeasonal: isSeasonal))
            let night = shop.customer(at: 4, time: Timestamp("2026-11-03T05:00:00Z"))
            let evening = shop.customer(at: 4, time: Timestamp("2026-11-07T20:00:00Z"))
            #expect(night.unit == evening.unit && night.dealShare == evening.dealShare)
            if isSeasonal {
                #expect(shop.expectedReward(of: evening, arm: 0) > 1.05 * shop.expectedReward(of: night, arm: 0))
            } else {
                #expect(shop.expectedReward(of: evening, arm: 0) == shop.expectedReward(of: night, arm: 0))
            }
        }
    }

    @Test func aPopulationReturns() {
        let shop = Shop(.init(seed: 4, population: 50))
        var visits: [UnitID: Int] = [:]
        var dealShares: [UnitID: Set<Double>] = [:]
        for visit in 0..<2000 {
            let customer = shop.customer(at: visit)
            visits[customer.unit, default: 0] += 1
            dealShares[customer.unit, default: []].insert(customer.dealShare)
        }
        #expect(visits.count == 50)
        #expect(dealShares.values.allSatisfy { $0.count == 1 })
        // 40 visits a unit on average; 15 and 75 are about four standard deviations away.
        #expect(visits.values.allSatisfy { (15...75).contains($0) })
        let two = (0..<2000).filter { shop.customer(at: $0).unit == shop.customer(at: 0).unit }.prefix(12)
        let outcomes = Set(two.map { shop.outcome(of: shop.customer(at: $0), arm: 4) })
        #expect(outcomes.count > 1, "every visit has its own outcome")
    }

    @Test func theContextFitsTheSchema() {
        let shop = Shop(.init(seed: 1))
        let context = shop.customer(at: 12).context
        #expect(Set(context.values.keys) == Set(Shop.featureSchema.features.map(\.name)))
        let experiment = shop.experiment(key: "simulated", policy: PolicyConfiguration(algorithm: .uniform))
        #expect(experiment.arms.map(\.key) == ["none", "five", "ten", "fifteen", "twenty"])
        #expect(experiment.controlIndex == 0 && experiment.reward.windowSeconds == 7 * 86_400)
    }
}
