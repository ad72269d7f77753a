import HaggleCore
package import HaggleMath

/// The Gaussian posterior of a Bayesian linear regression per arm (`posterior: disjoint`), kept as sums only.
///
/// `posterior: shared` is kept as the same sums and solved jointly (`JointPosterior`); `centred`, as one block of them (`PosteriorDesign`).
///
/// With the sums S, b, yy, n of an arm over *standardised* rewards, prior precision lambda and prior mean 0:
///
///     A = lambda I + S     mu = A^-1 b     m = phi' mu     V = v^2 phi' A^-1 phi
///
/// v^2 is given, or the plug-in `b_n / a_n` with `a_n = a0 + n / 2`, `b_n = b0 + max(0, yy - mu' b) / 2`, a0 = b0 = 6 (Riquelme, Tucker &
/// Snoek 2018, equations 1 and 2, with the variance's mode of use as in the methods page: a number, not a draw). Prior and data are in
/// standardised units and the standardisation is itself a function of the sums, so multiplying every reward by a constant changes
/// no m / sqrt(V).
package struct LinearPosterior: Hashable, Sendable {
    /// Length of phi, its final 1 included.
    package let dimension: Int
    /// lambda.
    package let ridge: Double
    /// One per arm, in configuration order.
    package private(set) var arms: [RegressionSums]
    /// The clock of forgetting: the period up to which the sums have been discounted; nil where nothing has been forgotten yet.
    package private(set) var period: Int?

    /// The prior.
    /// - Precondition: `dimension >= 1`, `ridge > 0`.
    package init(dimension: Int, armCount: Int, ridge: Double) {
        self.init(ridge: ridge, arms: [RegressionSums](repeating: RegressionSums(dimension: dimension), count: armCount))
    }

    /// Given sums.
    /// - Precondition: at least one arm; all of one dimension, at least 1; `ridge > 0`.
    package init(ridge: Double, arms: [RegressionSums], period: Int? = nil) {
        precondition(ridge > 0 && ridge.isFinite, "the ridge must be above 0")
        precondition(!arms.isEmpty && arms[0].dimension >= 1, "a posterior needs an arm and a feature")
        precondition(arms.allSatisfy { $0.dimension == arms[0].dimension }, "all arms need the same features")
        dimension = arms[0].dimension
        self.ridge = ridge
        self.arms = arms
        self.period = period
    }

    /// Adds one impression. O(d^2).
    /// - Precondition: reward and weight are finite, the weight not negative; `phi` ends with 1.
    package mutating func add(_ phi: [Double], arm: Int, reward: Double, weight: Double = 1) {
        precondition(reward.isFinite && weight.isFinite && weight >= 0, "rewards and weights must be finite, weights not negative")
        arms[arm].add(phi, reward: reward, weight: weight)
    }

    /// Corrects the reward of an impression that was added with that phi and weight. O(d).
    /// - Precondition: as for `add`.
    package mutating func correct(_ phi: [Double], arm: Int, from old: Double, to new: Double, weight: Double = 1) {
        precondition(
            old.isFinite && new.isFinite && weight.isFinite && weight >= 0, "rewards and weights must be finite, weights not negative")
        arms[arm].correct(phi, from: old, to: new, weight: weight)
    }

    /// Moves the clock of forgetting on to `newest`: every sum is multiplied by `factor` once for each period that ended.
    ///
    /// The sums hold data only and the prior is added by whoever solves, so this *is* the stabilised form
    ///
    ///     A <- gamma A + (1 - gamma) lambda I    b <- gamma b    yy <- gamma yy    n <- gamma n
    ///
    /// (prior mean 0 in standardised units): a direction that is no longer seen returns to the prior's precision and not below it, where
    /// plain `A <- gamma A` would wind up. The first call only starts the clock. O(K d^2).
    /// - Returns: whether any sum changed, so that factors must be computed anew.
    /// - Precondition: `factor` in 0...1.
    @discardableResult
    package mutating func advance(to newest: Int, factor: Double) -> Bool {
        guard let period else {
            period = newest
            return false
        }
        guard newest > period else { return false }
        self.period = newest
        let weight = PolicyConfiguration.Forgetting.power(factor, newest - period)
        guard weight < 1 else { return false }
        for arm in arms.indices { arms[arm].scale(by: weight) }
        return true
    }

    /// Adds the data of another posterior; the prior stays single. The clocks of forgetting are first brought to the later of the two.
    /// - Parameter factor: gamma of the forgetting; not read where both clocks agree or one never started.
    /// - Precondition: same dimension, ridge and number of arms, and the same phi.
    package mutating func merge(_ other: Self, factor: Double = 1) {
        precondition(
            other.dimension == dimension && other.ridge == ridge && other.arms.count == arms.count,
            "only posteriors of one model can be merged")
        var other = other
        if let period { other.advance(to: period, factor: factor) }
        if let period = other.period { advance(to: period, factor: factor) }
        for arm in arms.indices { arms[arm].merge(other.arms[arm]) }
    }

    /// The same data with another prior precision.
    package func withRidge(_ ridge: Double) -> Self { LinearPosterior(ridge: ridge, arms: arms, period: period) }

    /// Whether it is the prior.
    package var isEmpty: Bool { arms.allSatisfy { $0.weight == 0 } }

    /// The standardisation that the sums imply: mean and standard deviation of the reward over all arms.
    package var rewardScale: RewardScale {
        var weight = 0.0
        var rewards = 0.0
        var squares = 0.0
        for arm in arms {
            weight += arm.weight
            rewards += arm.rewards
            squares += arm.squares
        }
        return RewardScale(weight: weight, rewards: rewards, squares: squares)
    }

    /// `A = lambda I + S` of one arm.
    package func precision(arm: Int) -> SymmetricMatrix {
        var matrix = arms[arm].gram
        for index in 0..<dimension { matrix[index, index] += ridge }
        return matrix
    }

    /// The Cholesky factor of one arm's A, from the sums. O(d^3 / 3).
    package func factor(arm: Int) -> Cholesky { Cholesky(of: arms[arm].gram, ridge: ridge) }

    /// mu and v^2 of one arm, in standardised units. O(d^2).
    /// - Parameters:
    ///   - factor: of the arm's A.
    ///   - variance: v^2 where it is given; nil takes the plug-in.
    package func estimate(arm: Int, factor: Cholesky, scale: RewardScale, variance: Double?) -> ArmEstimate {
        let moment = arms[arm].standardisedMoment(scale)
        let coefficients = factor.solve(moment)
        if let variance { return ArmEstimate(coefficients: coefficients, noiseVariance: variance) }
        var explained = 0.0
        for index in moment.indices { explained += moment[index] * coefficients[index] }
        let variance = Self.noiseVariance(residual: arms[arm].standardisedSquares(scale) - explained, weight: arms[arm].weight)
        return ArmEstimate(coefficients: coefficients, noiseVariance: variance)
    }

    /// The plug-in v^2 for a residual sum of squares over rows of that total weight.
    static func noiseVariance(residual: Double, weight: Double) -> Double {
        (priorRate + max(0, residual) / 2) / (priorShape + weight / 2)
    }

    /// a0 and b0: as much weight as 12 impressions, at the variance of a standardised reward.
    private static let priorShape = 6.0
    private static let priorRate = 6.0
}

/// What one arm's posterior says in standardised units, beside its factor.
package struct ArmEstimate: Hashable, Sendable {
    /// mu.
    package let coefficients: [Double]
    /// v^2, above 0 unless given as 0.
    package let noiseVariance: Double

    /// The score's mean at phi.
    package func mean(_ phi: [Double]) -> Double {
        var sum = 0.0
        for index in phi.indices { sum += coefficients[index] * phi[index] }
        return sum
    }
}
