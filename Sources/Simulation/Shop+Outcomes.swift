import Foundation
package import HaggleCore
import HaggleMath

extension Shop {
    /// What follows if this customer, at this visit, is shown this arm: the same potential outcome whenever it is asked for.
    package func outcome(of customer: SimulatedCustomer, arm: Int) -> [SimulatedConversion] {
        var generator = stream(.outcome, customer.visit, arm + 1)
        return outcome(of: customer, arm: arm, using: &generator)
    }

    /// What follows if this customer is shown this arm: nothing, a purchase, or a purchase and its refund, in order of time.
    ///
    /// Delays keep a distance of 2 to 5 % from the window's end on either side, so that milliseconds between a client's clock and the
    /// server's do not decide what counts.
    package func outcome(
        of customer: SimulatedCustomer, arm: Int, using generator: inout some RandomNumberGenerator
    ) -> [SimulatedConversion] {
        let discount = discount(of: arm)
        guard generator.uniform() < purchaseProbability(of: customer, discount: discount) else { return [] }
        // Mean 1 for every sigma: E[exp(sigma z)] = exp(sigma^2 / 2).
        let list = meanListPrice(of: customer, discount: discount) * exp(0.4 * generator.normal() - 0.08)
        let paid = max(0.01, (list * (1 - discount) * 100).rounded() / 100)
        let window = configuration.windowDays
        let isLate = generator.uniform() < configuration.lateShare
        let delay: Double
        if isLate {
            delay = window * min(1.05 + 0.5 * generator.exponential(), 3)
        } else {
            let reach = 1 - exp(-0.95 * window / configuration.meanDelayDays)
            delay = min(-configuration.meanDelayDays * log(1 - reach * generator.uniform()), 0.95 * window)
        }
        let purchase = SimulatedConversion(kind: .purchase, value: paid, delayDays: delay)
        guard generator.uniform() < configuration.refundRates[customer.channel] else { return [purchase] }
        let latest = isLate ? delay + window : 0.98 * window
        let refundDelay = delay + (latest - delay) * (0.1 + 0.9 * generator.uniform())
        return [purchase, SimulatedConversion(kind: .refund, value: -paid, delayDays: refundDelay)]
    }

    /// The reward of a visit from its events: those inside the window, by the platform's formula `margin = value / (1 - d) * (m - d)`.
    package func reward(
        of conversions: [SimulatedConversion], arm: Int, metric: RewardConfiguration.Metric = .margin
    ) -> Double {
        let paid = conversions.reduce(0) { $1.delayDays <= configuration.windowDays ? $0 + $1.value : $0 }
        switch metric {
        case .conversion: return paid > 0 ? 1 : 0
        case .revenue, .value: return paid
        case .margin: return paid / (1 - discount(of: arm)) * (configuration.marginRate - discount(of: arm))
        }
    }
}
