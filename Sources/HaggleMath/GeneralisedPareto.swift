import RealModule

/// The generalised Pareto distribution, which the excesses over a high threshold follow whatever the distribution they come from.
package enum GeneralisedPareto {
    /// Estimates the shape k: 0 for exponential tails, 1/2 where the variance ends, 1 where the mean ends.
    ///
    /// Zhang & Stephens 2009: the posterior mean under their data-driven prior, computed on a grid of theta = -k / sigma; then shrunk towards
    /// 1/2 with the weight of ten observations (Vehtari et al. 2024, appendix C).
    /// - Parameter x: positive numbers, ascending, at least five.
    /// - Returns: nil where the likelihood is degenerate (all of the lower quarter 0, or no finite point of the grid).
    package static func shape(ascending x: [Double]) -> Double? {
        precondition(x.count >= 5, "a tail needs at least five numbers")
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
