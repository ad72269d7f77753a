/// The chi-square distribution.
package enum ChiSquare {
    /// P(X <= x); 0 for x <= 0.
    /// - Precondition: `degreesOfFreedom > 0`.
    package static func cumulative(_ x: Double, degreesOfFreedom k: Double) -> Double {
        precondition(k > 0, "degrees of freedom must be positive")
        return x <= 0 ? 0 : IncompleteGamma.lower(a: k / 2, x: x / 2)
    }

    /// P(X >= x), the p-value of a test, with full relative accuracy where it is small; 1 for x <= 0.
    /// - Precondition: `degreesOfFreedom > 0`.
    package static func upperTail(_ x: Double, degreesOfFreedom k: Double) -> Double {
        precondition(k > 0, "degrees of freedom must be positive")
        return x <= 0 ? 1 : IncompleteGamma.upper(a: k / 2, x: x / 2)
    }
}
