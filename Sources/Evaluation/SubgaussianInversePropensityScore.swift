/// SG-IPS(l): IPS whose weights are bent towards 1 so that errors have light tails.
///
/// ```
/// V = (1/n) sum of w / (1 - l + l w) r,   0 <= l < 1
/// SE = sd of the summands / sqrt(n), ddof 1
/// ```
/// The bent weight is at most 1 / l, smooth, and nearer 1 than w on both sides; l = 0 gives IPS. Biased towards the mean reward of the log;
/// the interval covers the bent mean. n = 0 gives NaN.
///
/// Metelli, Russo & Restelli 2021, "Subgaussian and differentiable importance sampling for off-policy evaluation and learning" (s = -1).
package struct SubgaussianInversePropensityScore: MeanEstimator {
    /// l.
    package let lambda: Double

    /// - Precondition: `0 <= lambda < 1`.
    package init(lambda: Double = 0.1) {
        precondition(lambda >= 0 && lambda < 1, "lambda must lie in 0..<1")
        self.lambda = lambda
    }

    package var name: String { "SG-IPS" }
    package var parameters: [String: Double] { ["lambda": lambda] }
    package var terms: [Term] { [.reward(.subgaussian(lambda: lambda))] }
    package var isConsistent: Bool { false }
    package var assumptions: String {
        "as IPS; the value is that of weights bent towards 1, which is not the policy's where weights are far from 1"
    }
}
