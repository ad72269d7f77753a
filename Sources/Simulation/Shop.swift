package import HaggleCore

/// A shop with known truth: customers whose price sensitivity shows in their context, baskets, delays and refunds, all drawn from one seed.
///
/// The reward of a visit depends on the context and the discount alone, so whatever a policy can see is enough to be optimal. Three kinds of
/// customers blend into each other: loyal members buy anyway (every discount gives margin away), lapsing customers need a nudge of 5 to
/// 10 %, deal hunters buy only deep discounts. Equal configurations give the same shop on every platform.
package struct Shop: Hashable, Sendable {
    package struct Configuration: Hashable, Sendable {
        package var seed: UInt64
        /// Margin of a full-price sale as a share of the list price.
        package var marginRate: Double
        /// One control arm; an arm without a discount sells at list price.
        package var arms: [Arm]
        /// Whether hour and weekday move the chance of a purchase. Either way both stand in the context.
        package var isSeasonal: Bool
        /// Chance that a purchase is returned, whole and inside the attribution window of its impression.
        package var refundRates: RefundRates
        /// Attribution window.
        package var windowDays: Double
        /// Mean of the exponential delay from impression to purchase, before it is cut off at the window.
        package var meanDelayDays: Double
        /// Share of purchases that come after the window and so do not count.
        package var lateShare: Double
        /// Length of the shop's day; a demo squeezes a week into two seconds with `2.0 / 7`.
        package var secondsPerDay: Double
        /// Midnight of a Monday in the shop's calendar.
        package var epoch: Timestamp
        /// Number of customers who share all visits; nil makes every visit a new customer.
        package var population: Int?
        /// Starts the units' ids, so that two shops can visit one experiment.
        package var unitPrefix: String

        package init(
            seed: UInt64, marginRate: Double = 0.35, arms: [Arm] = Shop.discountLadder, isSeasonal: Bool = true,
            refundRates: RefundRates = RefundRates(), windowDays: Double = 7, meanDelayDays: Double = 1, lateShare: Double = 0.03,
            secondsPerDay: Double = 86_400, epoch: Timestamp = Timestamp(seconds: 4 * 86_400), population: Int? = nil,
            unitPrefix: String = "c-"
        ) {
            self.seed = seed
            self.marginRate = marginRate
            self.arms = arms
            self.isSeasonal = isSeasonal
            self.refundRates = refundRates
            self.windowDays = windowDays
            self.meanDelayDays = meanDelayDays
            self.lateShare = lateShare
            self.secondsPerDay = secondsPerDay
            self.epoch = epoch
            self.population = population
            self.unitPrefix = unitPrefix
        }
    }

    /// Chance of a return by channel.
    package struct RefundRates: Hashable, Sendable {
        package var web: Double
        package var app: Double
        package var store: Double

        package init(web: Double = 0.08, app: Double = 0.05, store: Double = 0.02) {
            self.web = web
            self.app = app
            self.store = store
        }

        package static let none = Self(web: 0, app: 0, store: 0)

        subscript(channel: SimulatedCustomer.Channel) -> Double {
            switch channel {
            case .web: web
            case .app: app
            case .store: store
            }
        }
    }

    package let configuration: Configuration

    /// - Precondition: rates in 0...1 (refunds and the late share below 1), window, day and delay above 0, discounts below 1, a population of
    ///   at least 1 where there is one.
    package init(_ configuration: Configuration) {
        precondition(!configuration.arms.isEmpty, "a shop needs arms")
        precondition(configuration.arms.allSatisfy { (0..<1).contains($0.discount ?? 0) }, "discounts must lie in 0..<1")
        precondition((0...1).contains(configuration.marginRate), "the margin rate must lie in 0...1")
        precondition((0..<1).contains(configuration.lateShare), "the late share must lie in 0..<1")
        let refunds = configuration.refundRates
        precondition([refunds.web, refunds.app, refunds.store].allSatisfy { (0..<1).contains($0) }, "refund rates must lie in 0..<1")
        precondition(
            configuration.windowDays > 0 && configuration.meanDelayDays > 0 && configuration.secondsPerDay > 0,
            "window, delay and day must be longer than 0")
        precondition(configuration.population.map { $0 > 0 } ?? true, "a population needs at least one customer")
        self.configuration = configuration
    }

    /// No discount (control), 5, 10, 15 and 20 % off.
    package static let discountLadder = [
        Arm(key: "none", discount: 0, isControl: true), Arm(key: "five", discount: 0.05), Arm(key: "ten", discount: 0.10),
        Arm(key: "fifteen", discount: 0.15), Arm(key: "twenty", discount: 0.20),
    ]

    /// The options, in configuration order.
    package var arms: [Arm] { configuration.arms }
    /// Position of the control arm.
    package var controlIndex: Int { arms.firstIndex { $0.isControl } ?? 0 }
    /// The attribution window in the seconds of the shop's day.
    package var windowSeconds: Double { configuration.windowDays * configuration.secondsPerDay }

    func discount(of arm: Int) -> Double { arms[arm].discount ?? 0 }
}
