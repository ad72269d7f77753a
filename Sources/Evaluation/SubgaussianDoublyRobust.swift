/// SG-DR(l): DR whose weights are bent towards 1 as in SG-IPS.
///
/// ```
/// V = (1/n) sum of [q^pi + w / (1 - l + l w) (r - q)],   0 <= l < 1
/// SE = sd of the summands / sqrt(n), ddof 1
/// ```
/// l = 0 gives DR. Biased where the model is wrong and weights are far from 1; the interval covers the bent mean. n = 0 gives NaN.
///
/// Metelli, Russo & Restelli 2021.
package struct SubgaussianDoublyRobust: MeanEstimator {
    /// l.
    package let lambda: Double

    /// - Precondition: `0 <= lambda < 1`.
    package init(lambda: Double = 0.1) {
        precondition(lambda >= 0 && lambda < 1, "lambda must lie in 0..<1")
        self.lambda = lambda
    }

    package var name: String { "SG-DR" }
    package var parameters: [String: Double] { ["lambda": lambda] }
    package var terms: [Term] { [.modelValue, .correction(.subgaussian(lambda: lambda))] }
    package var isConsistent: Bool { false }
    package var assumptions: String {
        "as DR; the value is that of weights bent towards 1, which is the policy's only where the reward model is right"
    }
}
