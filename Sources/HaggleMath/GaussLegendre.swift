import RealModule

/// A Gauss-Legendre rule on [-1, 1]: exact for polynomials of degree up to `2 n - 1`.
package struct GaussLegendre: Sendable {
    /// Ascending and symmetric about 0.
    package let nodes: [Double]
    /// Positive; they sum to 2.
    package let weights: [Double]

    /// The rule with `count` nodes: Newton's method on the Legendre polynomial from the asymptotic `cos(pi (i - 1/4) / (n + 1/2))`
    /// (Abramowitz & Stegun 22.16.6), weights `2 / ((1 - x^2) P'(x)^2)` (25.4.29).
    /// - Precondition: `count >= 1`.
    package init(count: Int) {
        precondition(count >= 1, "a rule needs at least one node")
        var nodes = [Double](repeating: 0, count: count)
        var weights = nodes
        for i in 0..<(count + 1) / 2 {
            var x = Double.cos(Double.pi * (Double(i) + 0.75) / (Double(count) + 0.5))
            var slope = 1.0
            for _ in 0..<10 {
                let (value, derivative) = Self.legendre(count, at: x)
                slope = derivative
                let step = value / derivative
                x -= step
                if abs(step) < 1e-16 { break }
            }
            if 2 * i + 1 == count { x = 0 }
            slope = Self.legendre(count, at: x).derivative
            nodes[i] = -x
            nodes[count - 1 - i] = x
            weights[i] = 2 / ((1 - x * x) * slope * slope)
            weights[count - 1 - i] = weights[i]
        }
        self.nodes = nodes
        self.weights = weights
    }

    /// The rules that P(best) uses.
    package static let eight = GaussLegendre(count: 8)
    package static let twelve = GaussLegendre(count: 12)

    /// P_n(x) by the three-term recurrence, and its derivative; `|x| < 1`.
    private static func legendre(_ degree: Int, at x: Double) -> (value: Double, derivative: Double) {
        var previous = 1.0
        var current = x
        if degree == 0 { return (1, 0) }
        for k in 1..<max(1, degree) {
            let next = (Double(2 * k + 1) * x * current - Double(k) * previous) / Double(k + 1)
            previous = current
            current = next
        }
        return (current, Double(degree) * (x * current - previous) / (x * x - 1))
    }
}
