/// Spreads a policy's probabilities over neighbouring discounts.
///
/// ```
/// pi_h(b) = sum over a of pi(a) k((d_b - d_a) / h) / sum over eligible c of k((d_c - d_a) / h)
/// k(u) = max(0, 1 - u^2)    (Epanechnikov; its constant cancels)
/// ```
/// The arms are few and discrete, so pi_h is a mass: it sums to 1 over the eligible arms.
struct DiscountKernel: Sendable {
    let bandwidth: Double
    let armCount: Int
    /// Row-major, `armCount * armCount`: `kernel[b * armCount + a]` = k((d_b - d_a) / h).
    private let kernel: [Double]
    /// The same, divided by its sum over all c.
    private let normalised: [Double]

    /// - Precondition: `bandwidth` is above 0, `discounts` are finite.
    init(bandwidth: Double, discounts: [Double]) {
        precondition(bandwidth > 0, "a kernel needs a bandwidth above 0")
        self.bandwidth = bandwidth
        let count = discounts.count
        armCount = count
        var kernel = [Double](repeating: 0, count: count * count)
        for b in 0..<count {
            for a in 0..<count {
                let u = (discounts[b] - discounts[a]) / bandwidth
                kernel[b * count + a] = max(0, 1 - u * u)
            }
        }
        var normalised = kernel
        for a in 0..<count {
            var total = 0.0
            for c in 0..<count { total += kernel[c * count + a] }
            // Arm a itself counts 1, so the sum is at least 1.
            for b in 0..<count { normalised[b * count + a] /= total }
        }
        self.kernel = kernel
        self.normalised = normalised
    }

    /// pi_h of one arm. O(arms); O(arms^2) where only some are eligible.
    /// - Parameter eligible: nil means all.
    func probability(of arm: Int, target: Span<Double>, eligible: [Int]?) -> Double {
        var total = 0.0
        guard let eligible else {
            for a in 0..<armCount { total += target[a] * normalised[arm * armCount + a] }
            return total
        }
        for a in eligible where target[a] > 0 {
            var scale = 0.0
            for c in eligible { scale += kernel[c * armCount + a] }
            total += target[a] * kernel[arm * armCount + a] / scale
        }
        return total
    }
}
