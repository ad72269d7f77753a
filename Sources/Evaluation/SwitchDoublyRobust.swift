/// SwitchDR(l): DR that trusts the reward model alone where the weight exceeds l.
///
/// ```
/// V = (1/n) sum of [q^pi + w 1{w <= l} (r - q)]
/// SE = sd of the summands / sqrt(n), ddof 1
/// ```
/// l >= every weight gives DR, l = 0 the direct method on all rows with a weight. Biased where the model is wrong on the rows with large
/// weights; the interval covers the switched mean. n = 0 gives NaN.
///
/// Wang, Agarwal & Dudik 2017, "Optimal and adaptive off-policy evaluation in contextual bandits".
package struct SwitchDoublyRobust: MeanEstimator {
    /// l.
    package let limit: Double

    /// - Precondition: `limit` is finite and at least 0.
    package init(limit: Double = 10) {
        precondition(limit >= 0 && limit.isFinite, "the switching limit must be finite and at least 0")
        self.limit = limit
    }

    package var name: String { "SwitchDR" }
    package var parameters: [String: Double] { ["lambda": limit] }
    package var terms: [Term] { [.modelValue, .correction(.switched(limit: limit))] }
    package var isConsistent: Bool { false }
    package var assumptions: String {
        "as DR where weights do not exceed the limit; where they do, the reward model is right"
    }
}
