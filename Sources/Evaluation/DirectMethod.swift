/// DM: the mean of what the reward model expects under the target policy.
///
/// ```
/// V = (1/n) sum of q^pi,   q^pi = sum over arms of pi(b|x) q(x, b)
/// SE = sd(q^pi) / sqrt(n), ddof 1
/// ```
/// No weights, so little variance, and no correction, so all of the reward model's bias. The error takes the model as given: it describes
/// the choice of contexts only, not the model's own uncertainty. n = 0 gives NaN.
///
/// Dudik, Langford & Li 2011, section 2.
package struct DirectMethod: MeanEstimator {
    package init() {}

    package var name: String { "DM" }
    package var terms: [Term] { [.modelValue] }
    package var assumptions: String { "the reward model is right; its own error is not in the interval" }
}
