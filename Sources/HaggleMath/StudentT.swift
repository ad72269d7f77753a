import RealModule

/// Student's t distribution.
package enum StudentT {
    /// Density at `t`.
    /// - Precondition: `degreesOfFreedom > 0`.
    package static func density(_ t: Double, degreesOfFreedom nu: Double) -> Double {
        precondition(nu > 0, "degrees of freedom must be positive")
        let logBeta = GammaFunctions.logBeta(nu / 2, 0.5)
        return Double.exp(-0.5 * (nu + 1) * Double.log(onePlus: t * t / nu) - 0.5 * Double.log(nu) - logBeta)
    }

    /// P(T <= t), with full relative accuracy in the left tail.
    ///
    /// ```
    /// P(T <= -|t|) = I_x(nu / 2, 1 / 2) / 2,   x = nu / (nu + t^2)
    /// ```
    /// - Precondition: `degreesOfFreedom > 0`, `t` is not NaN.
    package static func cumulative(_ t: Double, degreesOfFreedom nu: Double) -> Double {
        precondition(nu > 0, "degrees of freedom must be positive")
        precondition(!t.isNaN, "t must be a number")
        let tail = lowerTail(abs(t), nu)
        return t <= 0 ? tail : 1 - tail
    }

    /// P(|T| >= |t|): the p-value of a two-sided test.
    package static func twoSidedP(_ t: Double, degreesOfFreedom nu: Double) -> Double { 2 * cumulative(-abs(t), degreesOfFreedom: nu) }

    /// The t with P(T <= t) = p.
    ///
    /// Newton's method on the tail, kept inside a bracket that halves where Newton leaves it. Relative error about 1e-12.
    /// - Precondition: `0 < p < 1`, `degreesOfFreedom > 0`.
    package static func quantile(_ p: Double, degreesOfFreedom nu: Double) -> Double {
        precondition(p > 0 && p < 1, "a quantile needs a probability strictly between 0 and 1")
        precondition(nu > 0, "degrees of freedom must be positive")
        if p == 0.5 { return 0 }
        return p < 0.5 ? -upperQuantile(p, nu) : upperQuantile(1 - p, nu)
    }

    /// P(T <= -t) for t >= 0.
    private static func lowerTail(_ t: Double, _ nu: Double) -> Double {
        if t == .infinity { return 0 }
        let square = t * t
        // Both divisions, so that neither x nor 1 - x is a difference; t^2 overflows only where the tail is 0 in any case.
        if square == .infinity { return 0 }
        let x = nu / (nu + square)
        let y = square / (nu + square)
        return 0.5 * IncompleteBeta.regularised(x: x, complement: y, a: nu / 2, b: 0.5)
    }

    /// The t > 0 with P(T <= -t) = tail, tail < 1/2.
    private static func upperQuantile(_ tail: Double, _ nu: Double) -> Double {
        var low = 0.0
        var high = 1.0
        while lowerTail(high, nu) > tail && high < 1e150 {
            low = high
            high *= 2
        }
        var t = min(max(-NormalDistribution.quantile(tail), low), high)
        if t == low || t == high { t = 0.5 * (low + high) }
        for _ in 0..<200 {
            let error = lowerTail(t, nu) - tail
            if error == 0 { return t }
            if error > 0 { low = t } else { high = t }
            // d(tail)/dt = -density.
            var next = t + error / density(t, degreesOfFreedom: nu)
            if !(next > low && next < high) { next = 0.5 * (low + high) }
            if abs(next - t) <= 1e-15 * t { return next }
            t = next
        }
        return t
    }
}
