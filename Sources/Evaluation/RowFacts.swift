/// What is left of a row for one policy once the distributions have been used. What no estimator asked for keeps its default.
struct RowFacts {
    /// w; 1 for the logging policy.
    var weight = 1.0
    /// r.
    var reward = 0.0
    /// pi(a|x) of the logged arm; 1 for the logging policy, of which the log is a draw.
    var targetProbability = 1.0
    /// q^pi; 0 without a reward model.
    var modelValue = 0.0
    /// q of the logged arm; 0 without a reward model.
    var modelEstimate = 0.0
    /// q^pi and q of the estimates that were fitted for this policy.
    var robustValue = 0.0
    var robustEstimate = 0.0
    /// q^pi and q of the estimates that were fitted on the past.
    var pastValue = 0.0
    var pastEstimate = 0.0
    /// V of the row's snapshot.
    var snapshotVariance = 1.0
    /// pi(a|x) / mixture propensity.
    var balancedWeight = 1.0
    /// pi(category|x) / p(category).
    var categoryWeight = 1.0
    /// In 0..<1, a function of the seed and the unit or row alone.
    var uniform = 0.0

    /// Whether rejection sampling keeps the row: u < w / bound, or u < pi(a|x) without a bound.
    @inline(__always)
    func isAccepted(bound: Double?) -> Bool {
        guard let bound else { return uniform < targetProbability }
        return uniform * bound < weight
    }
}
