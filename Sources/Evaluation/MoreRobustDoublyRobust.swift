/// MRDR: DR with a reward model that was fitted to make DR's variance for this policy small.
///
/// ```
/// V = (1/n) sum of [q'^pi + w (r - q')]
/// q' minimises sum of pi (1 - p) / p^2 (r - q')^2 over a model class
/// SE = sd of the summands / sqrt(n), ddof 1
/// ```
/// The rows bring q' for every policy (`EvaluationRow.robustEstimates`); like every model it must not have seen the row that it corrects. The
/// weights are exact for deterministic policies and a surrogate for others. Unbiased as DR is. n = 0 gives NaN.
///
/// Farajtabar, Chow & Ghavamzadeh 2018, "More robust doubly robust off-policy evaluation".
package struct MoreRobustDoublyRobust: MeanEstimator {
    package init() {}

    package var name: String { "MRDR" }
    package var terms: [Term] { [.robustModelValue, .robustCorrection] }
    package var assumptions: String {
        "the logged propensities or the reward model fitted for this policy are right, and no row corrects a model that it helped to fit"
    }
}
