package import HaggleCore
import HaggleMath

/// The log that a policy would have left in a shop: impressions drawn from it, joined with their matured rewards, without any database.
///
/// Rows are made as they are read, the same ones in every pass.
package struct SimulatedLog: InteractionSource {
    package let shop: Shop
    /// What assigned the arms.
    package let policy: any Policy
    /// One row each, in order of time.
    package let visits: Range<Int>
    package let metric: RewardConfiguration.Metric
    /// Time of visit 0.
    package let start: Timestamp
    /// Time from one visit to the next.
    package let spacingSeconds: Double

    /// - Parameters:
    ///   - start: default 2026-01-05, a Monday.
    ///   - spacingSeconds: default: 400 visits a day of the shop's calendar.
    package init(
        shop: Shop, policy: any Policy, visits: Range<Int>, metric: RewardConfiguration.Metric = .margin,
        start: Timestamp = Timestamp(seconds: 1_767_571_200), spacingSeconds: Double? = nil
    ) {
        self.shop = shop
        self.policy = policy
        self.visits = visits
        self.metric = metric
        self.start = start
        self.spacingSeconds = spacingSeconds ?? shop.configuration.secondsPerDay / 400
    }

    package var arms: [Arm] { shop.arms }

    /// When a visit happened.
    package func time(of visit: Int) -> Timestamp { start + Double(visit) * spacingSeconds }

    /// The customer of one row.
    package func customer(at visit: Int) -> SimulatedCustomer { shop.customer(at: visit, time: time(of: visit)) }

    /// One row of the log.
    package func row(at visit: Int) -> Interaction {
        let time = time(of: visit)
        let customer = shop.customer(at: visit, time: time)
        let context = customer.context
        let distribution = policy.distribution(over: Array(arms.indices), in: context)
        var draw = shop.stream(.draw, visit)
        let arm = distribution.draw(draw.uniform())
        return Interaction(
            impressionID: ImpressionID(time: time, random: (draw.next(), draw.next())), unit: customer.unit, time: time, context: context,
            arm: arm, propensity: distribution[arm], propensities: distribution.probabilities,
            reward: shop.reward(of: shop.outcome(of: customer, arm: arm), arm: arm, metric: metric),
            maturedAt: time + shop.windowSeconds)
    }

    /// All rows at once.
    package func rows() -> [Interaction] { visits.map(row(at:)) }

    /// The true value of a policy for exactly the customers of this log: what an off-policy estimate from it aims at.
    package func value(of policy: some Policy) -> Double {
        shop.value(of: policy, over: visits, metric: metric, time: { time(of: $0) })
    }

    /// The true values of the arms, of an even split and of the best arms for exactly the customers of this log.
    package func truth() -> ShopTruth { shop.truth(over: visits, metric: metric, time: { time(of: $0) }) }

    package func interactions() -> Interactions { Interactions(log: self) }

    /// The rows as an asynchronous sequence.
    package struct Interactions: AsyncSequence, Sendable {
        let log: SimulatedLog

        package struct Iterator: AsyncIteratorProtocol {
            let log: SimulatedLog
            var visit: Int

            package mutating func next() async -> Interaction? {
                guard visit < log.visits.upperBound else { return nil }
                defer { visit += 1 }
                return log.row(at: visit)
            }
        }

        package func makeAsyncIterator() -> Iterator { Iterator(log: log, visit: log.visits.lowerBound) }
    }
}
