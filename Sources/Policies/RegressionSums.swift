package import HaggleMath

/// The sufficient statistics of one arm's linear regression of the reward on phi: sums over its impressions with weights omega.
///
///     gram = sum omega phi phi'    moment = sum omega phi r    squares = sum omega r^2    weight = sum omega
///
/// Data only: the prior is added once, by whoever solves. So sums of shards merge by addition. The last element of phi is 1, hence the
/// gram's last row is `sum omega phi` and the moment's last element `sum omega r`: centring the rewards needs no other sum.
package struct RegressionSums: Hashable, Sendable {
    package private(set) var gram: SymmetricMatrix
    package private(set) var moment: [Double]
    package private(set) var squares: Double
    package private(set) var weight: Double

    /// No impressions.
    package init(dimension: Int) {
        gram = SymmetricMatrix(dimension: dimension)
        moment = [Double](repeating: 0, count: dimension)
        squares = 0
        weight = 0
    }

    /// Sums that were stored; nil where a size does not fit or a value is not finite.
    package init?(gram: SymmetricMatrix, moment: [Double], squares: Double, weight: Double) {
        guard gram.dimension == moment.count, squares.isFinite, weight.isFinite, weight >= 0 else { return nil }
        guard gram.packed.allSatisfy(\.isFinite), moment.allSatisfy(\.isFinite) else { return nil }
        self.gram = gram
        self.moment = moment
        self.squares = squares
        self.weight = weight
    }

    package var dimension: Int { moment.count }
    /// `sum omega r`.
    package var rewards: Double { moment.last ?? 0 }

    /// Adds one impression. O(d^2).
    package mutating func add(_ phi: [Double], reward: Double, weight omega: Double) {
        gram.addOuterProduct(of: phi, weight: omega)
        let scaled = omega * reward
        for index in moment.indices { moment[index] += scaled * phi[index] }
        squares += scaled * reward
        weight += omega
    }

    /// Corrects an impression's reward from `old` to `new`, exactly as if it had been `new` from the start. O(d).
    ///
    ///     moment += omega phi delta    squares += omega (2 old delta + delta^2)
    package mutating func correct(_ phi: [Double], from old: Double, to new: Double, weight omega: Double) {
        let delta = new - old
        for index in moment.indices { moment[index] += omega * delta * phi[index] }
        squares += omega * (2 * old * delta + delta * delta)
    }

    /// Adds the sums of other impressions.
    package mutating func merge(_ other: Self) {
        gram.add(other.gram)
        for index in moment.indices { moment[index] += other.moment[index] }
        squares += other.squares
        weight += other.weight
    }

    /// Multiplies the weight of every impression so far.
    /// - Precondition: `factor >= 0`.
    package mutating func scale(by factor: Double) {
        precondition(factor >= 0, "weights cannot become negative")
        gram.scale(by: factor)
        for index in moment.indices { moment[index] *= factor }
        squares *= factor
        weight *= factor
    }

    /// `sum omega phi (r - c) / s`.
    package func standardisedMoment(_ scale: RewardScale) -> [Double] {
        let last = dimension - 1
        return moment.indices.map { (moment[$0] - scale.centre * gram[last, $0]) / scale.scale }
    }

    /// `sum omega ((r - c) / s)^2`, not below 0.
    package func standardisedSquares(_ scale: RewardScale) -> Double {
        max(0, squares - 2 * scale.centre * rewards + scale.centre * scale.centre * weight) / (scale.scale * scale.scale)
    }
}
