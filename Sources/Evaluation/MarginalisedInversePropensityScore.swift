/// MIPS: IPS on categories of arms instead of arms.
///
/// ```
/// V = (1/n) sum of w_c r,   w_c = sum of pi(b|x) / sum of p(b|x), both over the arms b in the category of the logged arm
/// SE = sd(w_c r) / sqrt(n), ddof 1
/// ```
/// The weights vary less, because arms of one category share them, and an arm that the log never showed is covered by its like. Unbiased if
/// arms of one category earn the same in every context ("no direct effect" of the arm beside its category); else biased by the difference.
/// Needs every arm's propensity and `EvaluationOptions.armCategories`. n = 0 gives NaN.
///
/// Saito & Joachims 2022, "Off-policy evaluation for large action spaces via embeddings".
package struct MarginalisedInversePropensityScore: MeanEstimator {
    package init() {}

    package var name: String { "MIPS" }
    package var terms: [Term] { [.categoryReward] }
    package var isConsistent: Bool { false }
    package var assumptions: String {
        "the logged propensities are right, every category that the policy may give was possible, and arms of one category earn the same"
    }

    package func configured(for options: EvaluationOptions, armCount: Int) throws -> any Estimator {
        guard let categories = options.armCategories, categories.count == armCount else {
            throw EvaluationError.estimatorNeedsOption(name, expected: "it needs a category for each of the \(armCount) arms")
        }
        return self
    }
}
