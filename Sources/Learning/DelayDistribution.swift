/// How long an arm's first conversion takes to arrive, given that it arrives inside the attribution window.
///
///     F(age) = (1 - S(age)) / (1 - S(window))    S(t) = prod over arrivals at t_i <= t of (1 - d_i / n_i)
///
/// S is the estimator of Kaplan & Meier (1958) with n_i impressions still waited for just before t_i and d_i arrivals at t_i. An open impression
/// without a conversion is censored at its age, a closed one at the window; most never convert, and the division leaves those out. F is a step
/// function that rises from 0 to 1 at the close.
///
/// Only where the whole window has been watched: before the first impressions have closed, the part of F that nobody has seen would be missing
/// from the denominator, a slow arm's F would be too large, and so its estimates too small.
package struct DelayDistribution: Hashable, Sendable {
    /// Arrivals that an estimate needs: with 20 the standard error of F is at most .11.
    package static let leastArrivals = 20
    /// Closed impressions that an estimate needs.
    package static let leastClosed = 20

    /// Seconds from the impression to the close.
    package let windowSeconds: Double
    /// Ascending, and F at and after each.
    private let delays: [Double]
    private let shares: [Double]

    /// - Parameters:
    ///   - arrivals: seconds from impression to the arrival of its first conversion, of open and closed impressions; those outside
    ///     `0..<windowSeconds` count at its ends.
    ///   - closedCount: impressions without a conversion whose window has closed, followed to the end.
    ///   - openAges: ages in seconds of the impressions without a conversion whose window is open.
    ///   - hasClosed: how many impressions, with a conversion or not, have been followed to the end.
    /// - Returns: nil where there are fewer arrivals or closed impressions than an estimate needs. O(n log n).
    package init?(arrivals: [Double], closedCount: Int, openAges: [Double], hasClosed: Int, windowSeconds: Double) {
        guard windowSeconds > 0, arrivals.count >= Self.leastArrivals, hasClosed >= Self.leastClosed else { return nil }
        let arrived = arrivals.map { min(max(0, $0), windowSeconds) }.sorted()
        let ages = openAges.map { min(max(0, $0), windowSeconds) }.sorted()
        var waiting = arrived.count + closedCount + ages.count
        var censored = 0
        var survival = 1.0
        var delays: [Double] = []
        var deaths: [Double] = []
        var index = 0
        while index < arrived.count {
            let delay = arrived[index]
            // Who was censored before; at the same time an arrival comes first.
            while censored < ages.count, ages[censored] < delay {
                censored += 1
                waiting -= 1
            }
            var count = 0
            while index < arrived.count, arrived[index] == delay {
                count += 1
                index += 1
            }
            survival *= 1 - Double(count) / Double(waiting)
            waiting -= count
            delays.append(delay)
            deaths.append(1 - survival)
        }
        guard let total = deaths.last, total > 0 else { return nil }
        self.windowSeconds = windowSeconds
        self.delays = delays
        shares = deaths.map { $0 / total }
    }

    /// F at an age in seconds: 0 before the first arrival, 1 from the close on. O(log n).
    package func share(arrivedBy age: Double) -> Double {
        guard age < windowSeconds else { return 1 }
        var (low, high) = (0, delays.count)
        while low < high {
            let middle = (low + high) / 2
            if delays[middle] <= age { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? 0 : shares[low - 1]
    }
}
