import HaggleMath

/// MLE: the value of the likeliest distribution in which weights have mean 1.
///
/// ```
/// beta solves sum of (w - 1) / ((w - 1) beta + n) = 0 on
///   [max(n / (1 - w_max), max over w > 1 of (n - 1) / (1 - w)),   min(n, min over w < 1 of (n - 1) / (1 - w))]
/// (first bound 0 for w_max infinite; without a change of sign: the end nearer the root)
/// Q = 1 / ((w - 1) beta + n),   V = sum of Q w r + max(0, 1 - sum of Q w) mean r
/// ```
/// The mean weight is known to be 1; where the sample's is not, rows are reweighted by Q to mend that, which takes out of IPS the noise that it
/// shares with the weights. It needs the distribution of the weights beside sums (`WeightDistribution`), so bootstrap replicates, which keep
/// sums only, have no value. w_max is `EvaluationOptions.weightBound`, infinity where nobody declared one.
///
/// The standard error is that of the estimator with the same first-order expansion, which is one of sums and so clusters by unit:
///
/// ```
/// inside:     psi = [w r - c w] / n + constant,   c = cov(w r, w) / var(w)
/// beta = 0:   psi = [w r - (mean r) w + (1 - mean w) r] / n + constant    (exact)
/// beta = n:   psi = r / n + constant                                      (exact: V is the mean reward)
/// ```
/// Sum of w = 0 gives the log's mean reward; n = 0 gives NaN. O(cells) per step of a bisection.
///
/// Karampatziakis, Langford & Mineiro 2020, "Empirical likelihood for contextual bandits".
package struct MaximumLikelihood: Estimator {
    /// w_max; infinity where none is declared.
    package let weightBound: Double

    /// - Precondition: `weightBound` is above 1, because weights have mean 1.
    package init(weightBound: Double = .infinity) {
        precondition(weightBound > 1, "a bound on weights must be above 1")
        self.weightBound = weightBound
    }

    package var name: String { "MLE" }
    package var terms: [Term] { [.weight(.plain), .weight(.squared), .reward(.plain), .reward(.squared), .reward(.one)] }
    package var scalesVarianceForMean: Bool { true }
    package var needsWeightDistribution: Bool { true }
    package var assumptions: String { "as IPS, so that the mean weight is truly 1; biased by order 1/n" }

    package func configured(for options: EvaluationOptions, armCount: Int) throws -> any Estimator {
        try Self(weightBound: weightBound(in: options))
    }

    package func value(of sums: TermSums) -> Double {
        guard let distribution = sums.distribution, sums.count > 0 else { return .nan }
        let weights = distribution.ascending
        let beta = multiplier(weights, count: sums.count)
        var earned = CompensatedSum()
        var mass = CompensatedSum()
        for row in weights {
            let share = 1 / ((row.weight - 1) * beta + sums.count)
            earned += share * row.reward
            mass += share * row.weight * row.count
        }
        return earned.value + max(0, 1 - mass.value) * sums[.reward(.one)] / sums.count
    }

    package func derivatives(at sums: TermSums) -> EstimatorDerivatives {
        let n = sums.count
        let weight = sums[.weight(.plain)] / n
        let earned = sums[.reward(.plain)] / n
        let mean = sums[.reward(.one)] / n
        let beta = sums.distribution.map { multiplier($0.ascending, count: n) } ?? 0
        if beta == 0 && weight <= 1 {
            return EstimatorDerivatives(
                count: -(earned + mean - 2 * weight * mean) / n, terms: [-mean / n, 0, 1 / n, 0, (1 - weight) / n])
        }
        if beta == n { return EstimatorDerivatives(count: -mean / n, terms: [0, 0, 0, 0, 1 / n]) }
        let spread = sums[.weight(.squared)] / n - weight * weight
        let slope = spread > 0 ? (sums[.reward(.squared)] / n - earned * weight) / spread : 0
        return EstimatorDerivatives(count: -(earned - slope * weight) / n, terms: [-slope / n, 0, 1 / n, 0, 0])
    }

    /// beta.
    private func multiplier(_ weights: [(weight: Double, count: Double, reward: Double)], count n: Double) -> Double {
        var lower = weightBound.isFinite ? n / (1 - weightBound) : 0
        var upper = n
        for row in weights {
            if row.weight > 1 { lower = max(lower, (n - 1) / (1 - row.weight)) }
            if row.weight < 1 { upper = min(upper, (n - 1) / (1 - row.weight)) }
        }
        func slope(_ beta: Double) -> Double {
            var total = CompensatedSum()
            for row in weights { total += row.count * (row.weight - 1) / ((row.weight - 1) * beta + n) }
            return total.value
        }
        // The sum falls as beta rises.
        guard slope(lower) > 0 else { return lower }
        guard slope(upper) < 0 else { return upper }
        while upper - lower > 1e-15 * n {
            let middle = 0.5 * (lower + upper)
            guard middle > lower, middle < upper else { break }
            if slope(middle) > 0 { lower = middle } else { upper = middle }
        }
        return 0.5 * (lower + upper)
    }
}
