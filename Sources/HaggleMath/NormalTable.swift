/// The standard normal's cumulative probability and density together, four at a time, from a table, for sums of many of them.
///
/// Around the nearest table point x0, 1/64 apart, t = x - x0:
///
///     phi(x) = phi(x0) sum_{k=0..3} (-1)^k He_k(x0) t^k / k!      Phi(x) = Phi(x0) + phi(x0) sum_{k=0..3} (-1)^k He_k(x0) t^(k+1) / (k+1)!
///
/// He = Hermite's polynomials. Absolute error below 1e-12 for Phi and 3e-10 for phi; what lies beyond +-8.5 is taken as +-8.5. A fraction of
/// the time of `erfc` and `exp`. Lanes do not touch one another, so that a value's bits do not depend on its neighbours.
package struct NormalTable: Sendable {
    /// Phi and phi at -8.5, -8.5 + 1/64, ..., 8.5.
    @usableFromInline let entries: [SIMD2<Double>]

    /// The one table.
    package static let standard = NormalTable()

    private init() {
        entries = (0...Int(2 * Self.reach * Self.perUnit)).map { index in
            let x = Double(index) / Self.perUnit - Self.reach
            return SIMD2(NormalDistribution.cumulative(x), NormalDistribution.density(x))
        }
    }

    /// P(Z <= x) and the density at x, lane by lane; infinities are allowed, NaN is not.
    @inlinable
    @inline(__always)
    package func callAsFunction(_ x: SIMD4<Double>) -> (cumulative: SIMD4<Double>, density: SIMD4<Double>) {
        let top = SIMD4(repeating: Self.reach)
        var bounded = x.replacing(with: top, where: x .> top)
        bounded = bounded.replacing(with: -top, where: bounded .< -top)
        // Added to 1.5 * 2^52, a small number is rounded to a whole one, which the low bits then hold.
        let shifted = (bounded + top) * Self.perUnit + 0x1.8p52
        let x0 = (shifted - 0x1.8p52) * (1 / Self.perUnit) - top
        let (a, b, c, d) = (entry(shifted[0]), entry(shifted[1]), entry(shifted[2]), entry(shifted[3]))
        let t = bounded - x0
        let square = x0 * x0
        // Hermite's polynomials with the signs and factorials of the density's series; the first is -x0. Horner from the highest term.
        let second = square * 0.5 - 0.5
        let third = x0 * (0.5 - square * (1 / 6.0))
        var series = second + t * third
        series = t * series - x0
        series = 1 + t * series
        var integral = second * (1 / 3.0) + t * (third * 0.25)
        integral = t * integral - x0 * 0.5
        integral = t + t * t * integral
        let densities = SIMD4(a.y, b.y, c.y, d.y)
        return (SIMD4(a.x, b.x, c.x, d.x) + densities * integral, densities * series)
    }

    @inlinable
    @inline(__always)
    func entry(_ shifted: Double) -> SIMD2<Double> { entries[Int(truncatingIfNeeded: shifted.bitPattern & 0xfff)] }

    /// Where the table ends on either side.
    @inlinable static var reach: Double { 8.5 }
    @inlinable static var perUnit: Double { 64 }
}
