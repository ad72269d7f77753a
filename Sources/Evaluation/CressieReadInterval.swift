import HaggleMath

/// The empirical-likelihood interval for a policy's value, with the Cressie-Read divergence of power -2.
///
/// Among all distributions over (w, r) with w in `weights`, r in `rewards` and mean weight exactly 1 - which the truth has - it takes those
/// that are not too far from the sample, and reports the smallest and the largest mean of w r among them. Far is measured so that a sample
/// of one further, unseen row counts too: a fake row with an extreme weight and the worst reward. Everything has a closed form:
///
/// ```
/// delta = quantile of F(1, n) at the level
/// for the bound below (sign s = 1, r = smallest reward; above: s = -1, r = largest), for each extreme weight w_f:
///   means over the n + 1 rows (w_f, r), (w_1, r_1), ...: W = mean w, W2 = mean w^2, R = s mean w r, R2 = s mean w^2 r, RR = mean w^2 r^2
///   x = R + (1 - W)(R2 - W R) / (W2 - W^2)
///   y = (R2 - W R)^2 / (W2 - W^2) - (RR - R^2)
///   z = phi + (1 - W)^2 / (2 (W2 - W^2)),   phi = (-g - delta) / (2 (n + 1)),   g = (n + 1)(W - 1)^2 / (W2 - W^2) at the binding w_f
///   bound = s (x - sqrt(2 y z));   the smallest candidate counts
/// ```
/// and the limits of these for w_f = infinity. The interval lies within the range of rewards. It holds asymptotically, for independent rows.
///
/// Karampatziakis, Langford & Mineiro 2020, "Empirical likelihood for contextual bandits".
package struct CressieReadInterval: Sendable {
    /// Sums over rows of 1, w, w^2, w r, w^2 r, w^2 r^2.
    package struct Sums: Sendable {
        package var count = 0.0
        package var weight = 0.0
        package var weightSquared = 0.0
        package var weightReward = 0.0
        package var weightSquaredReward = 0.0
        package var weightRewardSquared = 0.0

        package init() {}

        /// Adds a row.
        package mutating func add(weight w: Double, reward r: Double) {
            count += 1
            weight += w
            weightSquared += w * w
            weightReward += w * r
            weightSquaredReward += w * w * r
            weightRewardSquared += w * r * (w * r)
        }
    }

    /// Bounds of the rewards, as declared.
    package let rewards: ClosedRange<Double>
    /// The largest weight that can occur; infinity where it is not declared. The smallest is 0.
    package let largestWeight: Double

    package init(rewards: ClosedRange<Double>, largestWeight: Double = .infinity) {
        precondition(largestWeight > 1, "weights have mean 1, so some are above it")
        self.rewards = rewards
        self.largestWeight = largestWeight
    }

    /// The interval; nil without rows.
    package func bounds(_ sums: Sums, level: Double) -> (lower: Double, upper: Double)? {
        guard sums.count > 0 else { return nil }
        let n = sums.count
        let t = StudentT.quantile((1 + level) / 2, degreesOfFreedom: n)
        let phi = (-slack(sums) - t * t) / (2 * (1 + n))
        let lower = extreme(sums, reward: rewards.lowerBound, sign: 1, phi: phi)
        let upper = extreme(sums, reward: rewards.upperBound, sign: -1, phi: phi)
        return (min(max(lower, rewards.lowerBound), rewards.upperBound), min(max(upper, rewards.lowerBound), rewards.upperBound))
    }

    /// g: how far the nearest distribution with mean weight 1 is from the sample.
    private func slack(_ sums: Sums) -> Double {
        let n = sums.count
        let fake = sums.weight < n ? largestWeight : 0
        guard fake.isFinite else { return 1 + 1 / n }
        let mean = (fake + sums.weight) / (1 + n)
        let spread = (fake * fake + sums.weightSquared) / (1 + n) - mean * mean
        // Without spread every weight is 1 and so is the fake one's: nothing has to move.
        return spread > 0 ? (1 + n) * (mean - 1) * (mean - 1) / spread : 0
    }

    /// The smallest candidate, times the sign; the end of the range where no candidate exists.
    private func extreme(_ sums: Sums, reward: Double, sign: Double, phi: Double) -> Double {
        let candidates = [
            candidate(sums, fake: 0, reward: reward, sign: sign, phi: phi),
            largestWeight.isFinite
                ? candidate(sums, fake: largestWeight, reward: reward, sign: sign, phi: phi)
                : limit(sums, reward: reward, sign: sign, phi: phi),
        ].compactMap(\.self)
        return candidates.min().map { sign * $0 } ?? reward
    }

    private func candidate(_ sums: Sums, fake: Double, reward: Double, sign: Double, phi: Double) -> Double? {
        let n = sums.count + 1
        let w = (fake + sums.weight) / n
        let w2 = (fake * fake + sums.weightSquared) / n
        let r = sign * (fake * reward + sums.weightReward) / n
        let r2 = sign * (fake * fake * reward + sums.weightSquaredReward) / n
        let rr = (fake * fake * reward * reward + sums.weightRewardSquared) / n
        let spread = w2 - w * w
        guard spread > 0 else { return nil }
        let x = r + (1 - w) * (r2 - w * r) / spread
        let y = (r2 - w * r) * (r2 - w * r) / spread - (rr - r * r)
        let z = phi + 0.5 * (1 - w) * (1 - w) / spread
        return value(x, y, z)
    }

    /// The candidate of an infinitely heavy fake row.
    private func limit(_ sums: Sums, reward: Double, sign: Double, phi: Double) -> Double? {
        let n = sums.count
        let gap = reward * sums.weight - sums.weightReward
        let x = sign * (reward + (sums.weightReward - sums.weight * reward) / n)
        let square = reward * reward * sums.weightSquared - 2 * reward * sums.weightSquaredReward + sums.weightRewardSquared
        let y = gap * gap / (n * (1 + n)) - square / (1 + n)
        return value(x, y, phi + 1 / (2 * n))
    }

    /// x - sqrt(2 y z) where z <= 0 and y z >= 0; rounding of a product that is 0 does not lose the candidate.
    private func value(_ x: Double, _ y: Double, _ z: Double) -> Double? {
        let product = y * z
        if abs(product) <= 1e-18 { return x }
        guard z <= 0, product > 0 else { return nil }
        return x - (2 * product).squareRoot()
    }
}
