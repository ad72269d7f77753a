import RealModule

/// The standard normal distribution.
package enum NormalDistribution {
    /// Density at `x`.
    package static func density(_ x: Double) -> Double { 0.398_942_280_401_432_7 * Double.exp(-0.5 * x * x) }

    /// P(Z <= x), with full relative accuracy in the left tail.
    package static func cumulative(_ x: Double) -> Double { 0.5 * Double.erfc(-x * 0.707_106_781_186_547_6) }

    /// The x with P(Z <= x) = p.
    ///
    /// Starts from Abramowitz & Stegun 26.2.23 (error 4.5e-4) and takes three Halley steps on `cumulative`, enough for full precision.
    /// - Precondition: `0 < p < 1`.
    package static func quantile(_ p: Double) -> Double {
        precondition(p > 0 && p < 1, "a quantile needs a probability strictly between 0 and 1")
        if p > 0.5 { return -lowerQuantile(1 - p) }
        return lowerQuantile(p)
    }

    private static func lowerQuantile(_ p: Double) -> Double {
        let t = (-2 * Double.log(p)).squareRoot()
        let numerator = 2.515517 + t * (0.802853 + t * 0.010328)
        let denominator = 1 + t * (1.432788 + t * (0.189269 + t * 0.001308))
        var x = numerator / denominator - t
        for _ in 0..<3 {
            let step = (cumulative(x) - p) / density(x)
            x -= step / (1 + 0.5 * x * step)
        }
        return x
    }
}
