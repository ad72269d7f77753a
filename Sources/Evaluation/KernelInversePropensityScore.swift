/// KernelIPS(h): IPS that lets neighbouring discounts answer for each other.
///
/// ```
/// V = (1/n) sum of w_h r,   w_h = pi_h(a|x) / p
/// pi_h(b) = sum over a of pi(a) k((d_b - d_a) / h) / sum over c of k((d_c - d_a) / h),   k(u) = max(0, 1 - u^2), c eligible
/// SE = sd(w_h r) / sqrt(n), ddof 1
/// ```
/// The value is that of the smoothed policy pi_h: near the policy's where rewards change little within h, with smaller weights in return.
/// Discounts are discrete, so pi_h is a mass and nothing is divided by h. With h no larger than the distance of neighbouring discounts it is
/// IPS. Needs `EvaluationOptions.discounts`. n = 0 gives NaN.
///
/// Kallus & Zhou 2018, "Policy evaluation and optimization with continuous treatments"; the kernel is Epanechnikov's.
package struct KernelInversePropensityScore: MeanEstimator {
    /// h, in the unit of discounts: 0.1 is ten points of percentage.
    package let bandwidth: Double

    /// - Precondition: `bandwidth` is finite and above 0.
    package init(bandwidth: Double = 0.1) {
        precondition(bandwidth > 0 && bandwidth.isFinite, "the bandwidth must be finite and above 0")
        self.bandwidth = bandwidth
    }

    package var name: String { "KernelIPS" }
    package var parameters: [String: Double] { ["bandwidth": bandwidth] }
    package var terms: [Term] { [.kernelReward(bandwidth: bandwidth)] }
    package var isConsistent: Bool { false }
    package var assumptions: String { "as IPS; the value is that of the policy smoothed over discounts nearer than the bandwidth" }

    package func configured(for options: EvaluationOptions, armCount: Int) throws -> any Estimator {
        guard let discounts = options.discounts, discounts.count == armCount, discounts.allSatisfy(\.isFinite) else {
            throw EvaluationError.estimatorNeedsOption(name, expected: "it needs a discount for each of the \(armCount) arms")
        }
        return self
    }
}
