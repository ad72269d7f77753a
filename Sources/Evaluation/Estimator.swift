/// An off-policy estimator that is a smooth function of sums over rows, and of nothing else.
///
/// Let S_0 = n and S_k = the sum of term k. The value is f(S_0, S_1, ...), and f does not change when all sums are multiplied by one number.
/// Everything else follows from that, once for all estimators:
///
/// - *Streaming and merging*: sums of shards add up.
/// - *Standard error* (delta method): row t has influence psi_t = sum over k of (df/dS_k) s_tk; these add up to 0, and
///   ```
///   SE^2 = c * sum over clusters g of (sum of psi_t in g)^2
///   ```
///   where a cluster is a unit, or a row without a unit, and c = G / (G - 1) for plain means (so that without recurring units SE is exactly
///   sd / sqrt(n) with ddof 1) and 1 for ratios of sums of weights.
/// - *Differences* between policies: the difference of their influences, row by row, so the pairing is kept.
/// - *Bootstrap*: f of the resampled sums, with the sum of the resampling weights as n.
///
/// Edge cases: without rows, or where a denominator is 0, the value is NaN; reports show that as null.
package protocol Estimator: Sendable {
    /// The name that reports and the command line use: `SNIPS`.
    var name: String { get }

    /// Hyper-parameters by name; empty where there are none.
    var parameters: [String: Double] { get }

    /// The name with its hyper-parameters, as the command line takes it and `EstimatorPanel.parse` reads it: `CIPS(10.0)`, `DR(slope)`.
    var spelling: String { get }

    /// The terms whose sums the value is made of.
    var terms: [Term] { get }

    /// c: whether squared influences are scaled by G / (G - 1).
    var scalesVarianceForMean: Bool { get }

    /// What must hold for the value to be near the truth, in words for the report.
    var assumptions: String { get }

    /// Whether the value is meant to be unbiased or consistent with weights alone, so that its disagreement with another one tells of a
    /// broken log or model. False for estimators that trade bias for variance on purpose.
    var isConsistent: Bool { get }

    /// What marks the number in reports: one phrase each.
    var remarks: [String] { get }

    /// Whether the value comes without a standard error and intervals, because nobody knows an honest one.
    var isPointOnly: Bool { get }

    /// Whether the estimator reads sums fold by fold (`FoldSums`).
    var needsFolds: Bool { get }

    /// Whether `value` reads `TermSums.distribution`.
    var needsWeightDistribution: Bool { get }

    /// The estimator with what the evaluation's options say about weights, discounts and categories.
    /// - Throws: `EvaluationError.estimatorNeedsOption` where it cannot do without one.
    func configured(for options: EvaluationOptions, armCount: Int) throws -> any Estimator

    /// Which estimators the value and its error are taken from, once a policy's sums are in.
    func resolved(on statistics: TuningStatistics) -> ResolvedEstimator

    /// f(S).
    func value(of sums: TermSums) -> Double

    /// df/dS at `sums`.
    func derivatives(at sums: TermSums) -> EstimatorDerivatives
}

/// The partial derivatives of an estimator's value by the sums that it reads.
package struct EstimatorDerivatives: Sendable {
    /// By n.
    package var count: Double
    /// By the sum of each term, in the order of `Estimator.terms`.
    package var terms: [Double]

    package init(count: Double, terms: [Double]) {
        self.count = count
        self.terms = terms
    }
}

extension Estimator {
    /// Whether rows must carry the reward model's estimates.
    package var needsRewardModel: Bool { terms.contains { $0.input == .estimates } }

    package var parameters: [String: Double] { [:] }
    package var spelling: String {
        parameters.isEmpty ? name : "\(name)(\(parameters.sorted { $0.key < $1.key }.map { "\($0.value)" }.joined(separator: ",")))"
    }
    package var isConsistent: Bool { true }
    package var remarks: [String] { [] }
    package var isPointOnly: Bool { false }
    package var needsWeightDistribution: Bool { false }
    package var needsFolds: Bool { false }
    package func configured(for options: EvaluationOptions, armCount: Int) throws -> any Estimator { self }
    package func resolved(on statistics: TuningStatistics) -> ResolvedEstimator {
        ResolvedEstimator(value: self, error: self, parameters: parameters, remarks: remarks)
    }
}

/// An estimator that is the mean of a sum of terms over all rows: IPS, DM, DR and their clipped forms.
///
/// ```
/// value = (S_1 + ... + S_K) / n      d value / dS_k = 1 / n      d value / dn = -value / n
/// ```
package protocol MeanEstimator: Estimator {}

extension MeanEstimator {
    package var scalesVarianceForMean: Bool { true }

    package func value(of sums: TermSums) -> Double { total(of: sums) / sums.count }

    package func derivatives(at sums: TermSums) -> EstimatorDerivatives {
        EstimatorDerivatives(
            count: -total(of: sums) / sums.count / sums.count, terms: [Double](repeating: 1 / sums.count, count: terms.count))
    }

    private func total(of sums: TermSums) -> Double {
        var total = 0.0
        for term in terms { total += sums[term] }
        return total
    }
}
