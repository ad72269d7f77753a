/// DR: the direct method, corrected by the weighted residuals of the reward model.
///
/// ```
/// V = (1/n) sum of [q^pi + w (r - q)]
/// SE = sd(q^pi + w (r - q)) / sqrt(n), ddof 1
/// ```
/// Unbiased when the propensities are right, whatever the model, and when the model is right, whatever the propensities. The model must not
/// have seen the row that it corrects (`CrossFitting`). A poor model on a small log makes it noisier than IPS. It may leave the range of
/// rewards. n = 0 gives NaN.
///
/// Dudik, Langford & Li 2011.
package struct DoublyRobust: MeanEstimator {
    package init() {}

    package var name: String { "DR" }
    package var terms: [Term] { [.modelValue, .correction(.plain)] }
    package var assumptions: String {
        "the logged propensities or the reward model are right, and no row corrects a model that it helped to fit"
    }
}
