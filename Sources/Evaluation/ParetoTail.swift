import HaggleMath

/// The shape k of a generalised Pareto distribution fitted to the tail of importance weights.
///
/// Sums of weights with k >= 1/2 have no variance, with k >= 1 no mean; above 0.7 an estimate made of them is unreliable at any sample size
/// that one can have (Vehtari, Simpson, Gelman, Yao & Gabry 2024, "Pareto smoothed importance sampling").
enum ParetoTail {
    /// Largest tail that is looked at; it is reached at n = 7.4 million.
    static let largestTailCount = 8191
    /// Fewer distinct weights than this cannot tell a shape.
    static let leastDistinctCount = 25

    /// k of the tail, or nil where it has too few distinct weights.
    ///
    /// The tail is the min(n / 5, 3 sqrt n) largest weights; what exceeds the largest weight outside the tail is fitted.
    /// - Parameters:
    ///   - descending: the largest weights, at least one more than the tail has (or all).
    ///   - rowCount: n.
    static func shape(descending: [Double], rowCount: Int) -> Double? {
        let wanted = min(Double(rowCount) / 5, 3 * Double(rowCount).squareRoot())
        let tailCount = min(Int(wanted.rounded(.up)), largestTailCount, descending.count - 1)
        guard tailCount >= leastDistinctCount else { return nil }
        let cutoff = descending[tailCount]
        // Ties with the cut-off exceed it by nothing and tell nothing about the tail's shape.
        let exceedances = Array(descending[..<tailCount].lazy.map { $0 - cutoff }.filter { $0 > 0 }.reversed())
        guard Set(exceedances).count >= leastDistinctCount else { return nil }
        return GeneralisedPareto.shape(ascending: exceedances)
    }
}
