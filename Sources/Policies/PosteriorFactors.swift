package import HaggleMath

/// The Cholesky factors of a posterior that is being folded: changed by rank one per impression and factored anew on a schedule.
package struct PosteriorFactors: Sendable {
    /// One per arm.
    package private(set) var factors: [Cholesky]
    /// The largest drift that a fresh factor has shown so far; see `Cholesky.drift(from:)`.
    package private(set) var drift = 0.0
    private var updates: [Int]
    private let refactorEvery: Int

    /// Factors of a posterior as it stands.
    /// - Parameter refactorEvery: rank-one updates of an arm until its factor is computed anew from the sums.
    package init(of posterior: LinearPosterior, refactorEvery: Int = 1000) {
        factors = posterior.arms.indices.map { posterior.factor(arm: $0) }
        updates = [Int](repeating: 0, count: factors.count)
        self.refactorEvery = refactorEvery
    }

    /// Follows `posterior.add(phi, arm:, weight:)`, which must have happened. O(d^2), and O(d^3) once in `refactorEvery` times.
    package mutating func update(_ phi: [Double], arm: Int, weight: Double, posterior: LinearPosterior) {
        factors[arm].update(by: phi, weight: weight)
        updates[arm] += 1
        if updates[arm] >= refactorEvery { refactor(arm: arm, posterior: posterior) }
    }

    /// Replaces every factor by a fresh one and notes the drift between the two.
    package mutating func refactor(_ posterior: LinearPosterior) {
        for arm in factors.indices { refactor(arm: arm, posterior: posterior) }
    }

    /// Fresh factors of sums that were changed by more than rank-one updates; the drift so far stays.
    package func refactored(_ posterior: LinearPosterior) -> Self {
        var result = Self(of: posterior, refactorEvery: refactorEvery)
        result.drift = drift
        return result
    }

    private mutating func refactor(arm: Int, posterior: LinearPosterior) {
        let fresh = posterior.factor(arm: arm)
        if updates[arm] > 0 { drift = max(drift, factors[arm].drift(from: fresh)) }
        factors[arm] = fresh
        updates[arm] = 0
    }
}
