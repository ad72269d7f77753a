/// CressieRead: the value of the distribution nearest to the sample in which weights have mean 1, with a quadratic distance.
///
/// The mean weight is known to be 1. Where the sample's is not, the sample is skewed, and rows are reweighted as little as possible to mend it,
/// among distributions that may also hold one unseen, extreme weight w_f:
///
/// ```
/// w_f = w_max if sum w < n, else 0
/// a = (w_f + sum w) / (1 + n),   b = (w_f^2 + sum w^2) / (1 + n)
/// g = (b - a) / (a^2 - b),   be = (1 - a) / (a^2 - b)        (w_f infinite: g = -(1 + n) / n, be = 0)
/// V = (-g sum w r - be sum w^2 r) / (1 + n) + max(0, 1 - (-g sum w - be sum w^2) / (1 + n)) mean r
/// ```
/// A closed form of sums, near the maximum-likelihood value (`MaximumLikelihood`) and asymptotically equal to it. w_max is
/// `EvaluationOptions.weightBound`, infinity where nobody declared one. The standard error is the delta method's with w_f held. Scaling all
/// sums changes the value by order 1/n, because the unseen row counts as one. With sum w < n and no declared bound what is missing to mean
/// weight 1 earns the log's mean reward, so sum w = 0 gives that. n = 0 gives NaN.
///
/// Karampatziakis, Langford & Mineiro 2020, "Empirical likelihood for contextual bandits".
package struct CressieRead: Estimator {
    /// w_max; infinity where none is declared.
    package let weightBound: Double

    /// - Precondition: `weightBound` is above 1, because weights have mean 1.
    package init(weightBound: Double = .infinity) {
        precondition(weightBound > 1, "a bound on weights must be above 1")
        self.weightBound = weightBound
    }

    package var name: String { "CressieRead" }
    package var terms: [Term] { [.weight(.plain), .weight(.squared), .reward(.plain), .reward(.squared), .reward(.one)] }
    package var scalesVarianceForMean: Bool { true }
    package var assumptions: String { "as IPS, so that the mean weight is truly 1; biased by order 1/n" }

    package func configured(for options: EvaluationOptions, armCount: Int) throws -> any Estimator {
        try Self(weightBound: weightBound(in: options))
    }

    package func value(of sums: TermSums) -> Double {
        let parts = Parts(sums, weightBound: weightBound)
        let mean = sums[.reward(.one)] / sums.count
        let earned = parts.first * sums[.reward(.plain)] + parts.second * sums[.reward(.squared)]
        return earned / parts.size + max(0, parts.missing(sums)) * mean
    }

    package func derivatives(at sums: TermSums) -> EstimatorDerivatives {
        let parts = Parts(sums, weightBound: weightBound)
        let size = parts.size
        let mean = sums[.reward(.one)] / sums.count
        let missing = parts.missing(sums)
        // Where nothing is missing the mean reward has no say.
        let rest = missing > 0 ? mean : 0
        // d V / d first and d V / d second, with everything else held.
        let byFirst = (sums[.reward(.plain)] - rest * sums[.weight(.plain)]) / size
        let bySecond = (sums[.reward(.squared)] - rest * sums[.weight(.squared)]) / size
        let earned =
            parts.first * (sums[.reward(.plain)] - rest * sums[.weight(.plain)])
            + parts.second * (sums[.reward(.squared)] - rest * sums[.weight(.squared)])
        let slope = parts.derivatives
        return EstimatorDerivatives(
            count: byFirst * slope.firstByCount + bySecond * slope.secondByCount - earned / size / size
                - max(0, missing) * mean / sums.count,
            terms: [
                byFirst * slope.firstByWeight + bySecond * slope.secondByWeight - rest * parts.first / size,
                byFirst * slope.firstBySquare + bySecond * slope.secondBySquare - rest * parts.second / size,
                parts.first / size,
                parts.second / size,
                max(0, missing) / sums.count,
            ])
    }
}

/// -g and -be, and how they move with the sums.
private struct Parts {
    /// 1 + n.
    let size: Double
    /// -g.
    let first: Double
    /// -be.
    let second: Double
    let derivatives: Derivatives

    struct Derivatives {
        var firstByCount = 0.0
        var firstByWeight = 0.0
        var firstBySquare = 0.0
        var secondByCount = 0.0
        var secondByWeight = 0.0
        var secondBySquare = 0.0
    }

    init(_ sums: TermSums, weightBound: Double) {
        let size = 1 + sums.count
        self.size = size
        let weight = sums[.weight(.plain)]
        let extreme = weight < sums.count ? weightBound : 0
        guard extreme.isFinite else {
            first = size / sums.count
            second = 0
            derivatives = Derivatives(firstByCount: -1 / sums.count / sums.count)
            return
        }
        let a = (extreme + weight) / size
        let b = (extreme * extreme + sums[.weight(.squared)]) / size
        // b - a^2, the spread of the weights with the unseen one: above 0, because that one differs from the mean.
        let spread = b - a * a
        first = (b - a) / spread
        second = (1 - a) / spread
        let firstByA = (2 * a * (b - a) - spread) / spread / spread
        let firstByB = (a - a * a) / spread / spread
        let secondByA = (2 * a * (1 - a) - spread) / spread / spread
        let secondByB = (a - 1) / spread / spread
        derivatives = Derivatives(
            firstByCount: -(firstByA * a + firstByB * b) / size, firstByWeight: firstByA / size, firstBySquare: firstByB / size,
            secondByCount: -(secondByA * a + secondByB * b) / size, secondByWeight: secondByA / size, secondBySquare: secondByB / size)
    }

    /// 1 minus the weight that the reweighted rows carry.
    func missing(_ sums: TermSums) -> Double {
        1 - (first * sums[.weight(.plain)] + second * sums[.weight(.squared)]) / size
    }
}

extension Estimator {
    /// The declared bound on weights, infinity without one.
    /// - Throws: `EvaluationError.badOption` for a bound that weights with mean 1 cannot have.
    func weightBound(in options: EvaluationOptions) throws -> Double {
        guard let bound = options.weightBound else { return .infinity }
        guard bound > 1 else {
            throw EvaluationError.badOption(name: "weight bound", expected: "a number above 1, the mean of all weights", found: "\(bound)")
        }
        return bound
    }
}
