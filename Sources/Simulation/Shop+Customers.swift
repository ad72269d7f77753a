import Foundation
package import HaggleCore
import HaggleMath

extension Shop {
    /// The customer of one visit, the same whenever it is asked for.
    ///
    /// Two hidden traits, price sensitivity and loyalty (correlation -0.35), leave their marks in the features. Features are rounded as a shop
    /// would store them, which also hides the last bits in which platforms' logarithms differ.
    /// - Parameter time: moment of the visit; nil draws a moment of the week that belongs to the visit.
    package func customer(at visit: Int, time: Timestamp? = nil) -> SimulatedCustomer {
        precondition(visit >= 0, "visits count from 0")
        let number = customerNumber(ofVisit: visit)
        var traits = stream(.customer, number)
        let sensitivity = traits.normal()
        let loyalty = -0.35 * sensitivity + 0.936_749_7 * traits.normal()
        let tenure = exp(5.6 + 0.8 * loyalty + 0.5 * traits.normal())
        let recency = exp(3.1 - 0.75 * loyalty + 0.7 * traits.normal())
        let orders = exp(0.6 + 0.8 * loyalty + 0.35 * traits.normal())
        let basket = 62 * exp(-0.2 * sensitivity + 0.35 * traits.normal())
        let dealShare = logistic(1.7 * sensitivity - 0.7 + 0.4 * traits.normal())
        let isMember = traits.uniform() < logistic(1.5 * loyalty - 0.5)
        let web = exp(0.2)
        let app = exp(0.3 + 0.4 * sensitivity)
        let store = exp(-0.6 - 0.2 * sensitivity + 0.2 * loyalty)
        let choice = traits.uniform() * (web + app + store)
        let (hour, weekday) = time.map(calendar(at:)) ?? drawnMoment(ofVisit: visit)
        return SimulatedCustomer(
            visit: visit, unit: UnitID(configuration.unitPrefix + String(number)), tenureDays: min(max(tenure.rounded(), 5), 4000),
            recencyDays: min(recency.rounded(), 365), ordersIn90Days: min(orders.rounded(.down), 40),
            averageBasket: (min(max(basket, 8), 400) * 100).rounded() / 100, dealShare: (dealShare * 100).rounded() / 100,
            channel: choice < web ? .web : choice < web + app ? .app : .store, isMember: isMember, hour: hour, weekday: weekday)
    }

    private func customerNumber(ofVisit visit: Int) -> Int {
        guard let population = configuration.population else { return visit }
        var draw = stream(.arrival, visit)
        return Int(draw.next() % UInt64(population))
    }

    /// Hour and weekday of a time in the shop's calendar, whose days are `secondsPerDay` long.
    private func calendar(at time: Timestamp) -> (hour: Int, weekday: SimulatedCustomer.Weekday) {
        let days = (time - configuration.epoch) / configuration.secondsPerDay
        let day = days.rounded(.down)
        let weekday = Int((day - 7 * (day / 7).rounded(.down)))
        return (min(23, Int((days - day) * 24)), SimulatedCustomer.Weekday.allCases[min(6, weekday)])
    }

    private func drawnMoment(ofVisit visit: Int) -> (hour: Int, weekday: SimulatedCustomer.Weekday) {
        var draw = stream(.moment, visit)
        return (Int(draw.next() % 24), SimulatedCustomer.Weekday.allCases[Int(draw.next() % 7)])
    }
}

extension Shop {
    /// What a stream of random numbers is for; streams of different purposes are independent.
    enum Purpose: UInt64 { case customer = 1, arrival, moment, outcome, draw }

    func stream(_ purpose: Purpose, _ index: Int, _ detail: Int = 0) -> SeededGenerator {
        let key = mix64(UInt64(index) ^ mix64(purpose.rawValue << 32 | UInt64(detail)))
        return SeededGenerator(seed: configuration.seed, stream: key)
    }
}

func logistic(_ x: Double) -> Double { 1 / (1 + exp(-x)) }
