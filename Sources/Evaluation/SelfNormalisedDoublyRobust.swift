/// SNDR: the direct method, corrected by the weighted mean of the reward model's residuals.
///
/// ```
/// V = (1/n) sum of q^pi + A,   A = sum of w (r - q) / sum of w
/// SE = sd(psi) / sqrt(n), ddof 1,   psi = q^pi + [w (r - q) - A w] / mean w
/// ```
/// As SNIPS to IPS: the correction stays within the range of residuals, at the price of a bias of order 1/n. The error is the delta method's;
/// holding the sum of weights fixed gives another, wrong number. Sum of w = 0 gives NaN.
///
/// Thomas & Brunskill 2016, "weighted doubly robust", for one step; Dudik et al. 2011.
package struct SelfNormalisedDoublyRobust: Estimator {
    package init() {}

    package var name: String { "SNDR" }
    package var terms: [Term] { [.modelValue, .weight(.plain), .correction(.plain)] }
    package var scalesVarianceForMean: Bool { true }
    package var assumptions: String { "as DR; biased by order 1/n" }

    package func value(of sums: TermSums) -> Double {
        sums[.modelValue] / sums.count + sums[.correction(.plain)] / sums[.weight(.plain)]
    }

    package func derivatives(at sums: TermSums) -> EstimatorDerivatives {
        let weight = sums[.weight(.plain)]
        return EstimatorDerivatives(
            count: -sums[.modelValue] / sums.count / sums.count,
            terms: [1 / sums.count, -sums[.correction(.plain)] / weight / weight, 1 / weight])
    }
}
