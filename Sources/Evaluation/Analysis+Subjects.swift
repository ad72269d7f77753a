import HaggleMath

// What intervals need to know of the numbers in a report.
extension Analysis {
    /// One policy by one estimator.
    /// - Parameter effectiveConversions: effective rows with a reward.
    func subject(
        _ score: Score, policy: Int, estimator index: Int, effectiveConversions: Double
    ) -> IntervalSubject {
        let estimator = resolved[policy][index].error
        var subject = IntervalSubject(score: score, assumptions: evaluator.estimators[index].assumptions)
        if !replicates.isEmpty { subject.replicates = replicates[policy][index] }
        subject.scoreRange = scoreRange(estimator, policy)
        if estimator.isConsistent { subject.truthRange = evaluator.options.rewardRange }
        subject.share = share(estimator, policy)
        subject.likelihood = likelihood(estimator, policy)
        if let isModel = sequenceUsesModel(estimator) {
            subject.sequence = evaluator.sequences?.value(of: policy, withModel: isModel)
        }
        subject.effectiveConversions = effectiveConversions
        return subject
    }

    /// One policy minus an earlier one by one estimator, from paired scores.
    func subject(
        _ score: Score, policy: Int, minus baseline: Int, estimator index: Int, effectiveConversions: Double
    ) -> IntervalSubject {
        let (estimator, other) = (resolved[policy][index].error, resolved[baseline][index].error)
        var subject = IntervalSubject(
            score: score, assumptions: "\(evaluator.estimators[index].assumptions); both policies scored on the same rows")
        if !replicates.isEmpty { subject.replicates = zip(replicates[policy][index], replicates[baseline][index]).map { $0 - $1 } }
        if let ours = scoreRange(estimator, policy), let theirs = scoreRange(other, baseline) {
            subject.scoreRange = ours.lowerBound - theirs.upperBound...ours.upperBound - theirs.lowerBound
        }
        if estimator.isConsistent, other.isConsistent, let range = evaluator.options.rewardRange {
            let width = range.upperBound - range.lowerBound
            subject.truthRange = -width...width
        }
        if let isModel = sequenceUsesModel(estimator), sequenceUsesModel(other) == isModel {
            subject.sequence = evaluator.sequences?.difference(policy, minus: baseline, withModel: isModel)
        }
        subject.effectiveConversions = effectiveConversions
        return subject
    }

    /// Bounds of one row's score; nil where the estimator is no mean of bounded scores, or nothing was declared.
    private func scoreRange(_ estimator: any Estimator, _ policy: Int) -> ClosedRange<Double>? {
        guard let mean = estimator as? any MeanEstimator, let rewards = evaluator.options.rewardRange else { return nil }
        if estimator.needsRewardModel && evaluator.log.calibration.outsideCount > 0 { return nil }
        let largest = evaluator.policies[policy].isLogged ? 1 : evaluator.options.weightBound ?? .infinity
        return mean.scoreRange(rewards: rewards, largestWeight: largest)
    }

    /// The value as a share of successes: rewards of 0 and 1, and weights that are all the same or 0, so that SNIPS is a plain mean.
    private func share(_ estimator: any Estimator, _ policy: Int) -> (successes: Int, trials: Int)? {
        guard evaluator.bounds.rewardsAreBinary else { return nil }
        if estimator.terms.contains(where: { if case .acceptedReward = $0 { true } else { false } }) {
            return acceptedShare(estimator, policy)
        }
        let isSelfNormalised = estimator.terms == [.weight(.plain), .reward(.plain)]
        let isPlainMean = evaluator.policies[policy].isLogged && estimator.terms == [.reward(.plain)]
        guard isSelfNormalised || isPlainMean else { return nil }
        let weights = evaluator.weights[policy]
        let largest = weights.heaviest.weight
        // w <= max, so sum w^2 <= max sum w, with equality only where every weight is 0 or the largest.
        guard largest > 0, weights.sumOfSquares.value >= (1 - 1e-9) * largest * weights.sum.value else { return nil }
        let trials = Int((weights.sum.value / largest).rounded())
        let successes = Int((sums[policy][.reward(.plain)] / largest).rounded())
        return trials > 0 && (0...trials).contains(successes) ? (successes, trials) : nil
    }

    /// The accepted rows of a rejection sampler, which are plain draws.
    private func acceptedShare(_ estimator: any Estimator, _ policy: Int) -> (successes: Int, trials: Int)? {
        var trials = 0
        var successes = 0
        for term in estimator.terms {
            switch term {
            case .accepted: trials = Int(sums[policy][term].rounded())
            case .acceptedReward: successes = Int(sums[policy][term].rounded())
            default: return nil
            }
        }
        return trials > 0 && (0...trials).contains(successes) ? (successes, trials) : nil
    }

    /// The sums of an empirical likelihood, for estimators of a value by weights that have mean 1. Squares come from the co-moments of rows,
    /// so nothing further has to be collected.
    private func likelihood(
        _ estimator: any Estimator, _ policy: Int
    ) -> (sums: CressieReadInterval.Sums, largestWeight: Double)? {
        guard !isClustered, estimator.isConsistent, estimator.terms.contains(.reward(.plain)), !estimator.needsRewardModel,
            estimator.terms.contains(.weight(.plain)), let reward = evaluator.terms.firstIndex(of: .reward(.plain)),
            let weight = evaluator.terms.firstIndex(of: .weight(.plain))
        else { return nil }
        let first = 1 + policy * evaluator.terms.count
        let n = Double(observations.rowCount)
        func sumOfProducts(_ i: Int, _ j: Int) -> Double {
            observations.product(first + i, first + j) + n * observations.means[first + i] * observations.means[first + j]
        }
        var result = CressieReadInterval.Sums()
        result.count = n
        result.weight = sums[policy][.weight(.plain)]
        result.weightReward = sums[policy][.reward(.plain)]
        result.weightSquared = sumOfProducts(weight, weight)
        result.weightSquaredReward = sumOfProducts(weight, reward)
        result.weightRewardSquared = sumOfProducts(reward, reward)
        let bound = evaluator.options.weightBound ?? .infinity
        return (result, bound > 1 ? bound : .infinity)
    }

    /// Which confidence sequence belongs to an estimator: IPS has the one with the mean of the past, AIPW and DR the one with the model of the
    /// past; nil: none.
    private func sequenceUsesModel(_ estimator: any Estimator) -> Bool? {
        switch estimator.terms {
        case [.reward(.plain)]: false
        case [.modelValue, .correction(.plain)]: evaluator.options.fitting == .pastOnly ? true : nil
        case [.adaptiveWeight(.uniform), .adaptiveScore(.uniform)], [.adaptiveScore(.uniform)]: true
        default: nil
        }
    }
}
