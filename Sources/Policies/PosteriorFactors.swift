package import HaggleMath

/// The Cholesky factors of a posterior that is being folded: changed by rank one per impression and factored anew on a schedule.
///
/// One per arm under `posterior: disjoint`, one for all arms together under `shared`.
package struct PosteriorFactors: Sendable {
    package private(set) var factors: [Cholesky]
    /// The largest drift that a fresh factor has shown so far; see `Cholesky.drift(from:)`.
    package private(set) var drift = 0.0
    private var updates: [Int]
    private let design: PosteriorDesign
    private let refactorEvery: Int

    /// Factors of a posterior as it stands.
    /// - Parameter refactorEvery: rank-one updates of a factor until it is computed anew from the sums.
    package init(of posterior: LinearPosterior, refactorEvery: Int = 1000) {
        self.init(of: posterior, design: .disjoint, refactorEvery: refactorEvery)
    }

    init(of posterior: LinearPosterior, design: PosteriorDesign, refactorEvery: Int = 1000) {
        self.design = design
        self.refactorEvery = refactorEvery
        factors = (0..<Self.count(posterior, design)).map { Self.fresh($0, of: posterior, design) }
        updates = [Int](repeating: 0, count: factors.count)
    }

    private static func count(_ posterior: LinearPosterior, _ design: PosteriorDesign) -> Int {
        design.kernel == nil ? posterior.arms.count : 1
    }

    private static func fresh(_ index: Int, of posterior: LinearPosterior, _ design: PosteriorDesign) -> Cholesky {
        guard let kernel = design.kernel else { return posterior.factor(arm: index) }
        return Cholesky(of: JointPosterior.gram(of: posterior, design: design, kernel: kernel), ridge: posterior.ridge)
    }

    /// Follows `posterior.add`, which must have happened. O(d^2), and O(d^3) once in `refactorEvery` times.
    /// - Parameter index: the arm, or 0 where one factor stands for all.
    package mutating func update(_ vector: [Double], arm index: Int, weight: Double, posterior: LinearPosterior) {
        factors[index].update(by: vector, weight: weight)
        updates[index] += 1
        if updates[index] >= refactorEvery { refactor(index, posterior: posterior) }
    }

    /// Replaces every factor by a fresh one and notes the drift between the two.
    package mutating func refactor(_ posterior: LinearPosterior) {
        for index in factors.indices { refactor(index, posterior: posterior) }
    }

    /// Fresh factors of sums that were changed by more than rank-one updates; the drift so far stays.
    package func refactored(_ posterior: LinearPosterior) -> Self {
        var result = Self(of: posterior, design: design, refactorEvery: refactorEvery)
        result.drift = drift
        return result
    }

    private mutating func refactor(_ index: Int, posterior: LinearPosterior) {
        let fresh = Self.fresh(index, of: posterior, design)
        if updates[index] > 0 { drift = max(drift, factors[index].drift(from: fresh)) }
        factors[index] = fresh
        updates[index] = 0
    }
}
