import RealModule

/// Logarithms of the gamma and beta functions that keep their digits where their naive differences lose them.
package enum GammaFunctions {
    /// ln Gamma(x) for x > 0.
    package static func logGamma(_ x: Double) -> Double {
        precondition(x > 0, "the logarithm of gamma is taken of positive numbers only")
        if x < 10 { return Double.logGamma(x) }
        return (x - 0.5) * Double.log(x) - x + halfLogTwoPi + stirlingRemainder(x)
    }

    /// ln B(a, b) = ln Gamma(a) + ln Gamma(b) - ln Gamma(a + b), for a, b > 0.
    ///
    /// With a large argument the three terms are far larger than their sum; then only Stirling's remainders are subtracted (Didonato & Morris
    /// 1992, section 3), so the absolute error stays near 1e-15 times the result's own size.
    package static func logBeta(_ a: Double, _ b: Double) -> Double {
        precondition(a > 0 && b > 0, "beta is taken of positive numbers only")
        let small = min(a, b)
        let large = max(a, b)
        if small >= 10 {
            let remainder = stirlingRemainder(small) + stirlingRemainder(large) - stirlingRemainder(small + large)
            return -0.5 * Double.log(large) + halfLogTwoPi + remainder + (small - 0.5) * Double.log(small / (small + large))
                + large * Double.log(onePlus: -small / (small + large))
        }
        if large >= 10 {
            let remainder = stirlingRemainder(large) - stirlingRemainder(small + large)
            return Double.logGamma(small) + remainder + small - small * Double.log(small + large)
                + (large - 0.5) * Double.log(onePlus: -small / (small + large))
        }
        return Double.logGamma(small) + (Double.logGamma(large) - Double.logGamma(small + large))
    }

    /// ln Gamma(x) - [(x - 1/2) ln x - x + ln(2 pi) / 2] for x >= 10: Stirling's series (Abramowitz & Stegun 6.1.40), error below 1e-15.
    static func stirlingRemainder(_ x: Double) -> Double {
        let y = 1 / (x * x)
        var sum = -691.0 / 360_360
        sum = sum * y + 1.0 / 1188
        sum = sum * y - 1.0 / 1680
        sum = sum * y + 1.0 / 1260
        sum = sum * y - 1.0 / 360
        sum = sum * y + 1.0 / 12
        return sum / x
    }

    static let halfLogTwoPi = 0.918_938_533_204_672_7
}
