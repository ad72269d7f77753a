import Foundation
package import HaggleCore
import HaggleMath

extension Shop {
    /// P(purchase, at whatever time | customer, discount).
    ///
    /// ```
    /// logit = base + nudge (1 - e^(-d/s)) + deep (d/0.2)^1.5
    /// ```
    /// `nudge` saturates after `s` = 3 to 12 % and acts on customers who are not loyal, most on lapsing ones; `deep` grows faster than the
    /// discount and acts on deal hunters; `base` is high for the loyal, low for the lapsing and the hunters.
    package func purchaseProbability(of customer: SimulatedCustomer, discount: Double) -> Double {
        let loyal = logistic(
            1.2 * (log1p(customer.ordersIn90Days) - 1.35) + (customer.isMember ? 1.3 : 0) - 0.6 + 0.25 * (log(customer.tenureDays) - 5.6))
        let lapsing = logistic(1.5 * (log1p(customer.recencyDays) - 3.2))
        let hunter = logistic(9 * (customer.dealShare - 0.58))
        var logit = -0.9 + 2 * loyal - 0.7 * lapsing - 2.8 * hunter - 0.2 * log(customer.averageBasket / 60) + season(of: customer)
        switch customer.channel {
        case .web: break
        case .app: logit += 0.15
        case .store: logit -= 0.1
        }
        if discount > 0 {
            let attention = customer.channel == .store ? 0.7 : 1.0
            let nudge = 1.75 * attention * (1 - loyal) * (0.4 + 0.6 * lapsing) * (1 - 0.8 * hunter)
            logit += nudge * (1 - exp(-discount / (0.03 + 0.09 * customer.dealShare)))
            logit += 4.8 * hunter * (1 - 0.7 * loyal) * pow(discount / 0.2, 1.5)
        }
        return logistic(logit)
    }

    /// Mean list price of a purchase: discounts fill the basket a little.
    package func meanListPrice(of customer: SimulatedCustomer, discount: Double) -> Double {
        customer.averageBasket * (1 + 0.4 * discount)
    }

    /// Evenings and weekends buy more.
    private func season(of customer: SimulatedCustomer) -> Double {
        guard configuration.isSeasonal else { return 0 }
        let weekend = customer.weekday == .saturday || customer.weekday == .sunday
        return 0.25 * cos(2 * .pi * Double(customer.hour - 20) / 24) + (weekend ? 0.2 : -0.05)
    }

    /// E[reward | customer, arm] in closed form, with 0 for no purchase.
    ///
    /// ```
    /// margin     = P (1 - late) (1 - refund) L (m - d)
    /// revenue    = P (1 - late) (1 - refund) L (1 - d)
    /// conversion = P (1 - late) (1 - refund)
    /// ```
    /// P: purchase probability, L: mean list price, m: margin rate, d: discount, `late`: share of purchases after the window, `refund`: rate of
    /// the channel. The product is exact because purchase, delay, basket and refund are drawn independently given customer and discount, a
    /// refund is for the whole amount, and the refund of a purchase inside the window lies inside the window too. Rounding amounts to cents
    /// is not in it: its mean is 0 to many digits, for baskets far above a cent.
    package func expectedReward(
        of customer: SimulatedCustomer, arm: Int, metric: RewardConfiguration.Metric = .margin
    ) -> Double {
        let discount = discount(of: arm)
        let kept =
            purchaseProbability(of: customer, discount: discount) * (1 - configuration.lateShare)
            * (1 - configuration.refundRates[customer.channel])
        switch metric {
        case .conversion: return kept
        case .revenue, .value: return kept * meanListPrice(of: customer, discount: discount) * (1 - discount)
        case .margin: return kept * meanListPrice(of: customer, discount: discount) * (configuration.marginRate - discount)
        }
    }

    /// `expectedReward` of every arm.
    package func expectedRewards(of customer: SimulatedCustomer, metric: RewardConfiguration.Metric = .margin) -> [Double] {
        arms.indices.map { expectedReward(of: customer, arm: $0, metric: metric) }
    }

    /// The true value of a policy: the mean over the visits of the expected reward under its distribution, all arms eligible. Exact for these
    /// visits; nothing is drawn.
    /// - Parameter time: moment of each visit; by default each visit's own moment of the week.
    package func value(
        of policy: some Policy, over visits: Range<Int>, metric: RewardConfiguration.Metric = .margin,
        time: (Int) -> Timestamp? = { _ in nil }
    ) -> Double {
        precondition(!visits.isEmpty, "a value needs visits")
        let eligible = Array(arms.indices)
        var sum = CompensatedSum()
        for visit in visits {
            let customer = customer(at: visit, time: time(visit))
            let distribution = policy.distribution(over: eligible, in: customer.context)
            for arm in eligible where distribution[arm] > 0 {
                sum.add(distribution[arm] * expectedReward(of: customer, arm: arm, metric: metric))
            }
        }
        return sum.value / Double(visits.count)
    }

    /// True values that every policy is held against.
    package func truth(
        over visits: Range<Int>, metric: RewardConfiguration.Metric = .margin, time: (Int) -> Timestamp? = { _ in nil }
    ) -> ShopTruth {
        precondition(!visits.isEmpty, "a truth needs visits")
        var best = CompensatedSum()
        var sums = [CompensatedSum](repeating: CompensatedSum(), count: arms.count)
        var wins = [Int](repeating: 0, count: arms.count)
        for visit in visits {
            let rewards = expectedRewards(of: customer(at: visit, time: time(visit)), metric: metric)
            var winner = 0
            for (arm, reward) in rewards.enumerated() {
                sums[arm].add(reward)
                if reward > rewards[winner] { winner = arm }
            }
            best.add(rewards[winner])
            wins[winner] += 1
        }
        let count = Double(visits.count)
        return ShopTruth(
            arms: sums.map { $0.value / count }, bestShares: wins.map { Double($0) / count }, best: best.value / count,
            controlIndex: controlIndex)
    }
}
