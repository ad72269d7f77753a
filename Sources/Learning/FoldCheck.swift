import HaggleMath
package import Policies

/// What a fold of the same network must pass before it is published: no gate, but sound numbers.
///
/// - finite: every sum and every coefficient is.
/// - calibrated: over the impressions folded into an arm, the predictions sum up to the rewards. The normal equations say so exactly, but for
///   the prior's pull on the intercept: sum phi' mu + lambda mu_last = sum r. A gap is a matrix that could not be solved.
/// - small drift: the running factors have stayed with the sums.
package enum FoldCheck {
    /// Largest gap of an arm's predictions, in standard deviations of the reward per impression: far above rounding (1e-7 at a condition number of
    /// 1e9), far below what moves a distribution.
    package static let calibrationLimit = 1e-3
    /// Largest relative error of a running factor.
    package static let driftLimit = 1e-3

    /// - Parameter drift: of the learner that folded.
    /// - Returns: what is wrong, as a sentence; nil where nothing is. O(K d^3).
    package static func defect(of snapshot: ServingSnapshot, drift: Double) -> String? {
        guard drift <= driftLimit else {
            return "the running factors have drifted from the sums by \(drift); at most \(driftLimit) is expected"
        }
        let posterior = snapshot.posterior
        let scale = posterior.rewardScale
        if let joint = snapshot.jointDefect(limit: calibrationLimit) { return joint }
        guard !snapshot.isJoint else { return nil }
        for (arm, sums) in posterior.arms.enumerated() {
            let name = "arm '\(snapshot.arms[arm])'"
            guard sums.squares.isFinite, sums.weight.isFinite, sums.moment.allSatisfy(\.isFinite), sums.gram.packed.allSatisfy(\.isFinite)
            else { return "a sum of \(name) is not finite" }
            let coefficients = posterior.estimate(arm: arm, factor: posterior.factor(arm: arm), scale: scale, variance: 1).coefficients
            guard coefficients.allSatisfy(\.isFinite) else { return "a coefficient of \(name) is not finite" }
            let last = posterior.dimension - 1
            var predicted = posterior.ridge * coefficients[last]
            for index in coefficients.indices { predicted += sums.gram[last, index] * coefficients[index] }
            let gap = abs(predicted - sums.standardisedMoment(scale)[last]) / max(1, sums.weight)
            guard gap <= calibrationLimit else {
                return "the predictions for \(name) miss its rewards by \(gap) standard deviations per impression"
            }
        }
        return nil
    }
}
