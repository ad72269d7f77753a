import RealModule

/// The regularised incomplete gamma functions.
///
/// ```
/// P(a, x) = 1 / Gamma(a) * integral from 0 to x of t^(a-1) e^-t dt      Q(a, x) = 1 - P(a, x)
/// ```
package enum IncompleteGamma {
    /// P(a, x); full relative accuracy where it is small (x < a + 1).
    /// - Precondition: a > 0, x >= 0.
    package static func lower(a: Double, x: Double) -> Double {
        check(a, x)
        if x == 0 { return 0 }
        return x < a + 1 ? series(a, x) : 1 - continuedFraction(a, x)
    }

    /// Q(a, x); full relative accuracy where it is small (x >= a + 1).
    /// - Precondition: a > 0, x >= 0.
    package static func upper(a: Double, x: Double) -> Double {
        check(a, x)
        if x == 0 { return 1 }
        return x < a + 1 ? 1 - series(a, x) : continuedFraction(a, x)
    }

    private static func check(_ a: Double, _ x: Double) {
        precondition(a > 0 && x >= 0, "the incomplete gamma function needs a > 0 and x >= 0")
    }

    /// x^a e^-x / Gamma(a).
    private static func front(_ a: Double, _ x: Double) -> Double {
        Double.exp(a * Double.log(x) - x - GammaFunctions.logGamma(a))
    }

    /// Abramowitz & Stegun 6.5.29.
    private static func series(_ a: Double, _ x: Double) -> Double {
        var term = 1 / a
        var sum = term
        var n = a
        for _ in 0..<100_000 {
            n += 1
            term *= x / n
            sum += term
            if term < sum * 1e-17 { break }
        }
        return sum * front(a, x)
    }

    /// Abramowitz & Stegun 6.5.31 by Lentz's method.
    private static func continuedFraction(_ a: Double, _ x: Double) -> Double {
        let tiny = 1e-300
        var b = x + 1 - a
        var c = 1 / tiny
        var d = 1 / b
        var result = d
        for step in 1...100_000 {
            let i = Double(step)
            let coefficient = -i * (i - a)
            b += 2
            d = coefficient * d + b
            d = 1 / (abs(d) < tiny ? tiny : d)
            c = b + coefficient / c
            if abs(c) < tiny { c = tiny }
            let factor = d * c
            result *= factor
            if abs(factor - 1) < 1e-16 { break }
        }
        return result * front(a, x)
    }
}
