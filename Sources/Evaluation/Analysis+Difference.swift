import HaggleMath

extension Analysis {
    /// One policy minus another by one estimator, from scores that are paired row by row.
    func difference(_ policy: Int, minus baseline: Int, estimator index: Int, isWithheld: Bool) -> PolicyDifference {
        let estimator = evaluator.estimators[index]
        var result = PolicyDifference(
            policy: evaluator.policies[policy].name, baseline: evaluator.policies[baseline].name, estimator: estimator.name,
            parameters: estimator.parameters, value: nil, standardError: nil, intervals: [], probabilityBetter: nil,
            isWithheld: isWithheld)
        guard !isWithheld else { return result }
        let ours = influence(estimator, policy)
        let theirs = influence(estimator, baseline).map { (column: $0.column, coefficient: -$0.coefficient) }
        let score = Score(
            value: estimator.value(of: sums[policy]) - estimator.value(of: sums[baseline]),
            standardError: standardError(of: ours + theirs, scaled: estimator.scalesVarianceForMean))
        var paired: [Double]?
        if !replicates.isEmpty { paired = zip(replicates[policy][index], replicates[baseline][index]).map { $0 - $1 } }
        result.value = score.value.ifFinite
        result.standardError = score.standardError
        result.intervals = intervalMaker.intervals(
            score, replicates: paired, assumptions: "\(estimator.assumptions); both policies scored on the same rows")
        if let value = result.value, let error = score.standardError, error > 0 {
            result.probabilityBetter = NormalDistribution.cumulative(value / error)
        }
        return result
    }
}
