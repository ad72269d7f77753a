/// IPS: the mean reward, weighted by how much likelier the target policy gives the logged arm.
///
/// ```
/// V = (1/n) sum of w r,   w = pi(a|x) / p
/// SE = sd(w r) / sqrt(n), ddof 1; clustered by unit where units recur
/// ```
/// Unbiased when the logged propensities are right and p > 0 wherever pi > 0; its error grows with the weights. No weight need be near 1:
/// the value may lie outside the range of rewards. n = 0 gives NaN.
///
/// Horvitz & Thompson 1952; Strehl, Langford, Li & Kakade 2010.
package struct InversePropensityScore: MeanEstimator {
    package init() {}

    package var name: String { "IPS" }
    package var terms: [Term] { [.reward(.plain)] }
    package var assumptions: String { "the logged propensities are right, and every arm that the policy may give was possible" }
}
