import HaggleMath

/// Intervals for the mean of independent numbers that lie in a known range; they hold at every n, without any approximation.
///
/// The range must be *known*, not seen: with the sample's own extremes in its place the promise is empty, because the largest number of a
/// heavy-tailed sample says little about the largest that can come.
package enum ConcentrationBounds {
    /// Hoeffding 1963, theorem 2:
    ///
    /// ```
    /// mean +- (upper - lower) sqrt(ln(2 / alpha) / (2 n)),   alpha = 1 - level
    /// ```
    /// - Parameters:
    ///   - count: n.
    ///   - range: bounds of every single number.
    /// - Returns: nil without numbers.
    package static func hoeffding(
        mean: Double, count: Int, range: ClosedRange<Double>, level: Double
    ) -> (lower: Double, upper: Double)? {
        guard count > 0, mean.isFinite else { return nil }
        let half = (range.upperBound - range.lowerBound) * (ElementaryFunctions.log(2 / (1 - level)) / (2 * Double(count))).squareRoot()
        return (mean - half, mean + half)
    }

    /// Maurer & Pontil 2009, theorem 4, on both sides with alpha / 2 each:
    ///
    /// ```
    /// mean +- [sqrt(2 v ln(4 / alpha) / n) + (upper - lower) 7 ln(4 / alpha) / (3 (n - 1))]
    /// ```
    /// The first part shrinks with the spread that the sample has; the second, for not knowing the spread, soon with n.
    /// - Parameters:
    ///   - variance: v, with ddof 1.
    ///   - count: n.
    ///   - range: bounds of every single number.
    /// - Returns: nil with fewer than two numbers.
    package static func empiricalBernstein(
        mean: Double, variance: Double, count: Int, range: ClosedRange<Double>, level: Double
    ) -> (lower: Double, upper: Double)? {
        guard count > 1, mean.isFinite, variance.isFinite else { return nil }
        let log = ElementaryFunctions.log(4 / (1 - level))
        let width = range.upperBound - range.lowerBound
        let half = (2 * variance * log / Double(count)).squareRoot() + 7 * width * log / (3 * Double(count - 1))
        return (mean - half, mean + half)
    }
}
