/// BalancedIPS: IPS that holds the chosen arm against the mixture of all snapshots that made the log.
///
/// ```
/// V = (1/n) sum of pi(a|x) / pbar(a|x) r,   pbar = sum over snapshots k of rho_k p_k(a|x),   rho_k = snapshot k's share of the rows
/// ```
/// A row that one snapshot showed by luck and another shows often no longer gets a huge weight. But a snapshot that was trained on rows which
/// it now weighs makes the weights depend on their own rewards: the value is biased, and no standard error is honest. So it is a point value
/// only. The rows bring pbar (`EvaluationRow.balancedPropensity`). n = 0 gives NaN.
///
/// Agarwal, Basu, Schnabel & Joachims 2017, "Effective evaluation using logged bandit feedback from multiple loggers".
package struct BalancedInversePropensityScore: MeanEstimator {
    package init() {}

    package var name: String { "BalancedIPS" }
    package var terms: [Term] { [.balancedReward] }
    package var isConsistent: Bool { false }
    package var isPointOnly: Bool { true }
    package var remarks: [String] { ["point value only: biased where snapshots were trained on the rows that they weigh"] }
    package var assumptions: String { "as IPS, and the snapshots that made the log were not trained on it" }
}
