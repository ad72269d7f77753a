/// The standard normal's cumulative probability and density together, from a table, for sums of many of them.
///
/// Around the nearest table point x0, 1/32 apart, t = x - x0:
///
///     Phi(x) = Phi(x0) + phi(x0) sum_{k=1..6} (-1)^(k-1) He_{k-1}(x0) t^k / k!      and phi(x) = its derivative,
///
/// He = Hermite's polynomials. Absolute error below 1e-12 for Phi and 1e-10 for phi; beyond +-8.5 they are taken as 0 and 1, and 0.
/// A quarter of the time of `erfc` and `exp`. Measured against `NormalDistribution` by the tests.
package struct NormalTable: Sendable {
    /// Phi and phi at -8.5, -8.5 + 1/32, ..., 8.5.
    private let entries: [SIMD2<Double>]

    /// The one table.
    package static let standard = NormalTable()

    private init() {
        entries = (0...Int(2 * Self.reach * Self.perUnit)).map { index in
            let x = Double(index) / Self.perUnit - Self.reach
            return SIMD2(NormalDistribution.cumulative(x), NormalDistribution.density(x))
        }
    }

    /// P(Z <= x) and the density at x; `x` is not NaN.
    @inline(__always)
    package func callAsFunction(_ x: Double) -> (cumulative: Double, density: Double) {
        guard x > -Self.reach else { return (0, 0) }
        guard x < Self.reach else { return (1, 0) }
        let index = Int((x + Self.reach) * Self.perUnit + 0.5)
        let entry = entries[index]
        let x0 = Double(index) * (1 / Self.perUnit) - Self.reach
        let t = x - x0
        let square = x0 * x0
        // Hermite's polynomials with their signs and the factorials of the density's series.
        let h1 = -x0
        let h2 = 0.5 * (square - 1)
        let h3 = x0 * (3 - square) * (1 / 6.0)
        let h4 = (square * (square - 6) + 3) * (1 / 24.0)
        let h5 = x0 * (square * (10 - square) - 15) * (1 / 120.0)
        let density = 1 + t * (h1 + t * (h2 + t * (h3 + t * (h4 + t * h5))))
        let integral = t * (1 + t * (h1 * 0.5 + t * (h2 * (1 / 3.0) + t * (h3 * 0.25 + t * (h4 * 0.2 + t * (h5 * (1 / 6.0)))))))
        return (entry.x + entry.y * integral, entry.y * density)
    }

    private static let reach = 8.5
    private static let perUnit = 32.0
}
