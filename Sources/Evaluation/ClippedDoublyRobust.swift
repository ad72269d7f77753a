/// CDR(l): DR whose weights are clipped at l.
///
/// ```
/// V = (1/n) sum of [q^pi + min(w, l) (r - q)]
/// SE = sd of the summands / sqrt(n), ddof 1
/// ```
/// Rows with large weights correct the model less than they should: bias where the model is wrong there, less variance in return. With l >=
/// every weight it equals DR, with a right model it has no bias at any l. The interval covers the clipped mean. n = 0 gives NaN.
///
/// Dudik, Langford & Li 2011; clipping as in Su et al. 2020, section 4 ("pessimistic shrinkage").
package struct ClippedDoublyRobust: MeanEstimator {
    /// l.
    package let limit: Double

    /// - Precondition: `limit` is finite and above 0.
    package init(limit: Double = 10) {
        precondition(limit > 0 && limit.isFinite, "the clipping limit must be finite and above 0")
        self.limit = limit
    }

    package var name: String { "CDR" }
    package var parameters: [String: Double] { ["lambda": limit] }
    package var terms: [Term] { [.modelValue, .correction(.clipped(limit: limit))] }
    package var isConsistent: Bool { false }
    package var assumptions: String {
        "as DR; the value is that of the clipped weights, which is the policy's only where the reward model is right or no weight exceeds "
            + "the limit"
    }
}
