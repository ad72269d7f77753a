/// CIPS(l): IPS whose weights are clipped at l.
///
/// ```
/// V = (1/n) sum of min(w, l) r
/// SE = sd(min(w, l) r) / sqrt(n), ddof 1
/// ```
/// For rewards >= 0 it is biased downwards by what the clipped weights lose, and has less variance in return. With l >= every weight it
/// equals IPS. The interval covers the clipped mean, not the policy's value. n = 0 gives NaN.
///
/// Bottou et al. 2013, section 4.2; Strehl et al. 2010.
package struct ClippedInversePropensityScore: MeanEstimator {
    /// l.
    package let limit: Double

    /// - Precondition: `limit` is finite and above 0.
    package init(limit: Double = 10) {
        precondition(limit > 0 && limit.isFinite, "the clipping limit must be finite and above 0")
        self.limit = limit
    }

    package var name: String { "CIPS" }
    package var parameters: [String: Double] { ["lambda": limit] }
    package var terms: [Term] { [.reward(.clipped(limit: limit))] }
    package var isConsistent: Bool { false }
    package var assumptions: String {
        "as IPS; the value is that of the clipped weights, which is not the policy's where weights exceed the limit"
    }
}
