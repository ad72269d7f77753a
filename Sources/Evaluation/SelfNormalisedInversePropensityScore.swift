/// SNIPS: IPS divided by the mean weight.
///
/// ```
/// V = sum of w r / sum of w
/// SE = sqrt(sum of w^2 (r - V)^2) / sum of w
/// ```
/// The error is the delta method for a ratio: holding the denominator fixed instead (as some libraries do) gives another, wrong number. The
/// value always lies within the range of rewards and moves with them when a constant is added; its bias is of order 1/n. Sum of w = 0 (the
/// policy never gives a logged arm) gives NaN.
///
/// Swaminathan & Joachims 2015.
package struct SelfNormalisedInversePropensityScore: Estimator {
    package init() {}

    package var name: String { "SNIPS" }
    package var terms: [Term] { [.weight(.plain), .reward(.plain)] }
    package var scalesVarianceForMean: Bool { false }
    package var assumptions: String { "as IPS; biased by order 1/n" }

    package func value(of sums: TermSums) -> Double { sums[.reward(.plain)] / sums[.weight(.plain)] }

    package func derivatives(at sums: TermSums) -> EstimatorDerivatives {
        let weight = sums[.weight(.plain)]
        return EstimatorDerivatives(count: 0, terms: [-value(of: sums) / weight, 1 / weight])
    }
}
