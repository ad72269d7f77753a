/// AIPW, StableVar and MinVar: DR for logs whose policy learned while it logged, with rows of noisy snapshots weighed down.
///
/// ```
/// V = sum of h G / sum of h,   G = q^pi + w (r - q),   q fitted on earlier rows only
/// SE = sqrt(sum of h^2 (G - V)^2) / sum of h
/// AIPW: h = 1      StableVar: h = V_k^-1/2      MinVar: h = V_k^-1
/// V_k = mean over the contexts logged before snapshot k was published of sum over a of pi(a)^2 / p_k(a)
/// ```
/// Given the past every G has the policy's value as its mean, so each is unbiased where h is a function of the past; h is the same for all
/// rows of a snapshot, because a row's own variance would weigh contexts and so estimate another population. With h = 1 the sum's variance may
/// never settle when an arm's propensity falls; StableVar gives all snapshots about the same say, MinVar the least variance and more bias from
/// dependence in small logs. One snapshot makes all three equal. V_k = infinity gives h = 0; sum of h = 0 gives NaN.
///
/// Hadad, Hirshberg, Zhan, Wager & Athey 2021, "Confidence intervals for policy evaluation in adaptive experiments"; Zhan, Hadad, Hirshberg &
/// Athey 2021, "Off-policy evaluation via adaptive weighting with data from contextual bandits".
package struct AdaptivelyWeightedDoublyRobust: Estimator {
    package let weighting: AdaptiveWeighting

    package init(weighting: AdaptiveWeighting = .uniform) { self.weighting = weighting }

    package var name: String {
        switch weighting {
        case .uniform: "AIPW"
        case .stableVariance: "StableVar"
        case .minimumVariance: "MinVar"
        }
    }
    package var terms: [Term] { [.adaptiveWeight(weighting), .adaptiveScore(weighting)] }
    package var scalesVarianceForMean: Bool { false }
    package var assumptions: String {
        "the logged propensities are right, also where the policy learned from earlier rows; the reward model and the weights of snapshots were "
            + "made from earlier rows only"
    }

    package func value(of sums: TermSums) -> Double { sums[.adaptiveScore(weighting)] / sums[.adaptiveWeight(weighting)] }

    package func derivatives(at sums: TermSums) -> EstimatorDerivatives {
        let weight = sums[.adaptiveWeight(weighting)]
        return EstimatorDerivatives(count: 0, terms: [-value(of: sums) / weight, 1 / weight])
    }
}
