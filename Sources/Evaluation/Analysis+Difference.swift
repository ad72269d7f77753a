import HaggleMath

extension Analysis {
    /// One policy minus another by one estimator, from scores that are paired row by row.
    /// - Parameter effectiveConversions: effective rows with a reward, of the policy that has fewer.
    func difference(
        _ policy: Int, minus baseline: Int, estimator index: Int, isWithheld: Bool, effectiveConversions: Double
    ) -> PolicyDifference {
        let estimator = evaluator.estimators[index]
        var result = PolicyDifference(
            policy: evaluator.policies[policy].name, baseline: evaluator.policies[baseline].name, estimator: estimator.name,
            parameters: estimator.parameters, value: nil, standardError: nil, intervals: [], probabilityBetter: nil,
            isWithheld: isWithheld)
        guard !isWithheld else { return result }
        let (one, other) = (resolved[policy][index], resolved[baseline][index])
        result.parameters = one.parameters == other.parameters ? one.parameters : [:]
        result.value = (one.value.value(of: sums[policy]) - other.value.value(of: sums[baseline])).ifFinite
        guard !estimator.isPointOnly else { return result }
        let ours = influence(one.error, policy)
        let theirs = influence(other.error, baseline).map { (column: $0.column, coefficient: -$0.coefficient) }
        let score = Score(
            value: one.error.value(of: sums[policy]) - other.error.value(of: sums[baseline]),
            standardError: standardError(of: ours + theirs, scaled: estimator.scalesVarianceForMean))
        result.standardError = score.standardError
        result.intervals =
            intervalMaker.intervals(
                of: subject(score, policy: policy, minus: baseline, estimator: index, effectiveConversions: effectiveConversions)
            ).intervals
        // Policies that are alike differ by rounding only, and rounding has no probability.
        let size = abs(one.value.value(of: sums[policy])) + abs(other.value.value(of: sums[baseline]))
        if let value = result.value, let error = score.standardError, error > 1e-12 * size {
            result.probabilityBetter = NormalDistribution.cumulative(value / error)
            result.rowsToDecide = Self.rowsToDecide(
                value: value, standardError: error, rowCount: evaluator.rowCount, level: evaluator.options.level)
        }
        return result
    }

    /// How many more rows would let a normal interval just exclude 0, if the difference stays what it is and the error keeps falling with
    /// the root of the rows:
    ///
    /// ```
    /// n (z SE / |d|)^2 - n,   z the quantile of the level
    /// ```
    /// The next interval is as likely to fall short as to succeed then (a power of one half); for a power of 80 %, z + 0.84 in place of z,
    /// about twice the rows are needed. With clustered errors rows are counted too, in the mixture of units that the log has.
    /// - Returns: 0 where 0 is excluded already; nil for d = 0 and beyond 10^15 rows.
    static func rowsToDecide(value: Double, standardError: Double, rowCount: Int, level: Double) -> Int? {
        let ratio = NormalDistribution.quantile((1 + level) / 2) * standardError / abs(value)
        let needed = Double(rowCount) * (ratio * ratio - 1)
        guard needed.isFinite, needed < 1e15 else { return nil }
        return needed <= 0 ? 0 : Int(needed.rounded(.up))
    }
}
