/// What turns a reward into a standardised one: `(r - centre) / scale`.
///
/// Policies compare standardised rewards, so that a shop that counts in cents gets the distribution of one that counts in euros.
package struct RewardScale: Hashable, Sendable {
    /// Mean reward over all arms; the prior mean of an arm nobody has tried.
    package let centre: Double
    /// Standard deviation of the reward over all arms, above 0.
    package let scale: Double

    package init(centre: Double, scale: Double) {
        self.centre = centre
        self.scale = scale
    }

    /// Before any reward.
    package static let identity = RewardScale(centre: 0, scale: 1)

    /// From weighted sums over all arms: of weights, of rewards, of squared rewards.
    ///
    /// Where all rewards are equal (to rounding) the scale is their size, or 1 where they are 0.
    package init(weight: Double, rewards: Double, squares: Double) {
        guard weight > 0 else {
            self = .identity
            return
        }
        let mean = rewards / weight
        let meanSquare = max(0, squares / weight)
        let variance = meanSquare - mean * mean
        let deviation = variance > 1e-12 * meanSquare ? variance.squareRoot() : meanSquare.squareRoot()
        self.init(centre: mean, scale: deviation > 0 && deviation.isFinite && mean.isFinite ? deviation : 1)
    }
}
