/// Replay: the mean reward of rows at which the policy, drawing by itself, would have shown what was shown.
///
/// ```
/// V = mean of r over accepted rows
/// row t is accepted with probability w_t / M, M >= every weight: u_t M < w_t, u_t = hash(seed, unit or row) in 0..<1
/// SE = sqrt(sum over accepted rows of (r - V)^2) / number accepted
/// ```
/// The accepted rows are a sample drawn by the policy itself; about n / M of them remain. M is declared (`Replay(20)` or
/// `EvaluationOptions.weightBound`), from the logging floor: the largest weight of the sample would depend on it. Without M a row is accepted
/// with probability pi(a|x), which for a deterministic policy is plain matching; that is right only where every row has the same propensity
/// (elsewhere it finds .140 for a true .300), so rows with another propensity are refused. Rows of a unit share their u. No accepted row gives
/// NaN.
///
/// Li, Chu, Langford & Wang 2011, "Unbiased offline evaluation of contextual-bandit-based news article recommendation algorithms".
package struct Replay: Estimator {
    /// M; nil: every row has the same propensity.
    package let bound: Double?

    /// - Precondition: `bound` is nil, or finite and at least 1.
    package init(bound: Double? = nil) {
        precondition(bound.map { $0 >= 1 && $0.isFinite } ?? true, "the bound on weights must be finite and at least 1")
        self.bound = bound
    }

    package var name: String { "Replay" }
    package var parameters: [String: Double] { bound.map { ["bound": $0] } ?? [:] }
    package var terms: [Term] { [.accepted(bound: bound), .acceptedReward(bound: bound)] }
    package var scalesVarianceForMean: Bool { false }
    package var assumptions: String {
        "the logged propensities are right, every arm that the policy may give was possible, and "
            + (bound == nil ? "all rows have the same propensity" : "no weight exceeds the declared bound")
    }

    package func configured(for options: EvaluationOptions, armCount: Int) throws -> any Estimator {
        bound == nil ? Self(bound: options.weightBound) : self
    }

    package func value(of sums: TermSums) -> Double { sums[.acceptedReward(bound: bound)] / sums[.accepted(bound: bound)] }

    package func derivatives(at sums: TermSums) -> EstimatorDerivatives {
        let accepted = sums[.accepted(bound: bound)]
        return EstimatorDerivatives(count: 0, terms: [-value(of: sums) / accepted, 1 / accepted])
    }
}
