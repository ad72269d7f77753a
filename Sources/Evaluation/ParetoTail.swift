import RealModule

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
        return fit(ascending: exceedances)
    }

    /// Zhang & Stephens 2009: the posterior mean under their data-driven prior, computed on a grid of theta = -k / sigma; then shrunk towards
    /// 1/2 with the weight of ten observations (Vehtari et al. 2024, appendix C).
    /// - Parameter x: positive numbers, ascending, at least five.
    static func fit(ascending x: [Double]) -> Double? {
        let count = Double(x.count)
        let gridCount = 30 + Int(count.squareRoot())
        let quartile = x[Int((count / 4 + 0.5).rounded(.down)) - 1]
        guard quartile > 0, let largest = x.last, largest.isFinite else { return nil }
        var thetas: [Double] = []
        var logLikelihoods: [Double] = []
        for index in 1...gridCount {
            let theta = 1 / largest + (1 - (Double(gridCount) / (Double(index) - 0.5)).squareRoot()) / (3 * quartile)
            let k = meanLog(x, theta: theta)
            thetas.append(theta)
            logLikelihoods.append(count * (Double.log(-theta / k) - k - 1))
        }
        let finite = logLikelihoods.filter(\.isFinite)
        guard let peak = finite.max() else { return nil }
        var weightSum = 0.0
        var thetaSum = 0.0
        for (theta, logLikelihood) in zip(thetas, logLikelihoods) where logLikelihood.isFinite {
            let weight = Double.exp(logLikelihood - peak)
            weightSum += weight
            thetaSum += weight * theta
        }
        let k = meanLog(x, theta: thetaSum / weightSum)
        let shrunk = (k * count + 5) / (count + 10)
        return shrunk.isFinite ? shrunk : nil
    }

    /// mean of log(1 - theta x).
    private static func meanLog(_ x: [Double], theta: Double) -> Double {
        var total = 0.0
        for value in x { total += Double.log(onePlus: -theta * value) }
        return total / Double(x.count)
    }
}
