/// A number that every row has for every policy, and whose sums estimators are made of.
///
/// Symbols: w = pi(a|x) / p the importance weight of the logged arm a, t a transform of it, r the reward, q the reward model's estimate for
/// the logged arm, q^pi = sum over arms of pi(b|x) q(x, b).
package enum Term: Hashable, Sendable {
    /// t(w).
    case weight(WeightTransform)
    /// t(w) r.
    case reward(WeightTransform)
    /// q^pi.
    case modelValue
    /// t(w) (r - q).
    case correction(WeightTransform)
    /// q^pi with the estimates that were fitted for this policy (`EvaluationRow.robustEstimates`).
    case robustModelValue
    /// w (r - q) with those estimates.
    case robustCorrection
    /// pi(a|x) / (mixture propensity) r (`EvaluationRow.balancedPropensity`).
    case balancedReward
    /// h, from the variance of the row's snapshot (`EvaluationRow.snapshotVariances`).
    case adaptiveWeight(AdaptiveWeighting)
    /// h (q^pi + w (r - q)) with estimates fitted on the past only (`EvaluationRow.pastEstimates`).
    case adaptiveScore(AdaptiveWeighting)
    /// pi(category of a|x) / p(category of a) r.
    case categoryReward
    /// pi_h(a|x) / p r, where pi_h is the target smoothed over discounts with this bandwidth.
    case kernelReward(bandwidth: Double)
    /// 1 for rows that a rejection sampler with this bound accepts, else 0; without a bound: accepted with probability pi(a|x).
    case accepted(bound: Double?)
    /// r of the accepted rows, else 0.
    case acceptedReward(bound: Double?)

    /// What rows must carry for the term to be defined, beside arm, propensity, reward and target.
    package var input: RowInput? {
        switch self {
        case .weight, .reward, .kernelReward, .accepted, .acceptedReward: nil
        case .modelValue, .correction: .estimates
        case .robustModelValue, .robustCorrection: .robustEstimates
        case .balancedReward: .balancedPropensity
        case .adaptiveWeight(.uniform): nil
        case .adaptiveWeight: .snapshotVariances
        case .adaptiveScore: .pastEstimates
        case .categoryReward: .propensities
        }
    }

    /// The term of one row, but for kernels, whose weights `TermPlan` gets beside the facts.
    func value(of facts: RowFacts) -> Double {
        switch self {
        case .weight(let transform): transform(facts.weight)
        case .reward(let transform): transform(facts.weight) * facts.reward
        case .modelValue: facts.modelValue
        case .correction(let transform): transform(facts.weight) * (facts.reward - facts.modelEstimate)
        case .robustModelValue: facts.robustValue
        case .robustCorrection: facts.weight * (facts.reward - facts.robustEstimate)
        case .balancedReward: facts.balancedWeight * facts.reward
        case .adaptiveWeight(let weighting): weighting.weight(variance: facts.snapshotVariance)
        case .adaptiveScore(let weighting):
            weighting.weight(variance: facts.snapshotVariance)
                * (facts.pastValue + facts.weight * (facts.reward - facts.pastEstimate))
        case .categoryReward: facts.categoryWeight * facts.reward
        case .kernelReward: preconditionFailure("kernel weights are not among the facts")
        case .accepted(let bound): facts.isAccepted(bound: bound) ? 1 : 0
        case .acceptedReward(let bound): facts.isAccepted(bound: bound) ? facts.reward : 0
        }
    }
}

/// What only some estimators need of a row.
package enum RowInput: String, Hashable, Sendable, CaseIterable {
    /// The reward model's estimates, one per arm.
    case estimates
    /// Estimates fitted for each policy by weighted least squares.
    case robustEstimates
    /// The chosen arm's mean propensity over the snapshots that made the log.
    case balancedPropensity
    /// Estimates of a model fitted on earlier rows only.
    case pastEstimates
    /// For each policy the variance proxy of the row's snapshot.
    case snapshotVariances
    /// Every arm's propensity.
    case propensities
}

/// How rows of an adaptive log are weighed against each other; V is the variance proxy of the row's snapshot for the policy.
package enum AdaptiveWeighting: String, Hashable, Sendable, CaseIterable {
    /// h = 1.
    case uniform
    /// h = 1 / sqrt(V): every snapshot adds about the same variance (Hadad et al. 2021).
    case stableVariance
    /// h = 1 / V: least variance (Zhan et al. 2021).
    case minimumVariance

    /// h. An infinite variance (a snapshot that could not show what the policy wants) gives 0.
    @inline(__always)
    func weight(variance: Double) -> Double {
        switch self {
        case .uniform: 1
        case .stableVariance: 1 / variance.squareRoot()
        case .minimumVariance: 1 / variance
        }
    }
}
