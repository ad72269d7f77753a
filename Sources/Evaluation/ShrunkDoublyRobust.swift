/// DRos(l): DR with optimistic shrinkage of the weights.
///
/// ```
/// V = (1/n) sum of [q^pi + l w / (w^2 + l) (r - q)]
/// SE = sd of the summands / sqrt(n), ddof 1
/// ```
/// The shrunken weight rises to sqrt(l) / 2 at w = sqrt(l) and falls again, so rows with huge weights count for little. l to infinity gives
/// DR, l = 0 the direct method. Biased where the model is wrong; the interval covers the shrunken mean. n = 0 gives NaN.
///
/// Su, Dimakopoulou, Krishnamurthy & Dudik 2020, "Doubly robust off-policy evaluation with shrinkage".
package struct ShrunkDoublyRobust: MeanEstimator {
    /// l.
    package let lambda: Double

    /// - Precondition: `lambda` is finite and above 0.
    package init(lambda: Double = 10) {
        precondition(lambda > 0 && lambda.isFinite, "the shrinkage must be finite and above 0")
        self.lambda = lambda
    }

    package var name: String { "DRos" }
    package var parameters: [String: Double] { ["lambda": lambda] }
    package var terms: [Term] { [.modelValue, .correction(.shrunk(lambda: lambda))] }
    package var isConsistent: Bool { false }
    package var assumptions: String {
        "as DR; the value is that of the shrunken weights, which is the policy's only where the reward model is right"
    }
}
