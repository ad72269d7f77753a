package import HaggleCore
import HaggleMath
package import NeuralNetwork

/// The learner's fold: a snapshot's posterior that impressions are added to, for a fixed encoder and network.
///
/// The state is sums: learners of shards merge, a late conversion is an exact correction, and folding the log anew gives the same
/// state to 1e-9 in whatever order.
package struct PolicyLearner: Sendable {
    /// Where encoder, network and settings come from.
    package let base: ServingSnapshot
    package private(set) var posterior: LinearPosterior
    /// What training the network reported, where this learner comes from a refit that trained one.
    package let training: TrainingReport?
    /// Rows that `fold` and `correct` refused because a number was not finite.
    package private(set) var refusedCount = 0
    private var factors: PosteriorFactors

    /// Goes on from a snapshot.
    package init(_ snapshot: ServingSnapshot) {
        self.init(snapshot, posterior: snapshot.posterior, training: nil)
    }

    /// Starts from the prior with a snapshot's encoder, network and settings: for re-accumulating the log.
    package init(emptied snapshot: ServingSnapshot) {
        let prior = LinearPosterior(
            dimension: snapshot.posterior.dimension, armCount: snapshot.arms.count, ridge: snapshot.posterior.ridge)
        self.init(snapshot, posterior: prior, training: nil)
    }

    init(_ base: ServingSnapshot, posterior: LinearPosterior, training: TrainingReport?) {
        self.base = base
        self.posterior = posterior
        self.training = training
        factors = PosteriorFactors(of: posterior)
    }

    /// The largest drift of an incrementally updated factor from a fresh one so far: the metric for the health of the increments.
    package var drift: Double { factors.drift }

    /// Adds one impression.
    /// - Parameters:
    ///   - arm: position in the snapshot's arms.
    ///   - weight: omega, a function of the impression's own time only.
    /// - Returns: false, and nothing changed, where reward or weight is not finite or the weight is negative.
    @discardableResult
    package mutating func fold(_ context: Context, arm: Int, reward: Double, weight: Double = 1) -> Bool {
        guard reward.isFinite, weight.isFinite, weight >= 0 else {
            refusedCount += 1
            return false
        }
        let phi = base.representation.phi(context)
        posterior.add(phi, arm: arm, reward: reward, weight: weight)
        factors.update(phi, arm: arm, weight: weight, posterior: posterior)
        return true
    }

    /// Adds one impression with its reward.
    @discardableResult
    package mutating func fold(_ interaction: Interaction, weight: Double = 1) -> Bool {
        fold(interaction.context, arm: interaction.arm, reward: interaction.reward, weight: weight)
    }

    /// Changes the reward of an impression that was folded with this context, arm and weight.
    /// - Returns: as `fold`.
    @discardableResult
    package mutating func correct(_ context: Context, arm: Int, from old: Double, to new: Double, weight: Double = 1) -> Bool {
        guard old.isFinite, new.isFinite, weight.isFinite, weight >= 0 else {
            refusedCount += 1
            return false
        }
        posterior.correct(base.representation.phi(context), arm: arm, from: old, to: new, weight: weight)
        return true
    }

    /// Adds what another learner folded since the prior; the prior stays single.
    /// - Precondition: both have the same encoder, network, arms and prior precision.
    package mutating func merge(_ other: Self) {
        precondition(
            other.base.representation == base.representation && other.base.arms == base.arms,
            "only learners with one encoder and network and the same arms can be merged")
        posterior.merge(other.posterior)
        refusedCount += other.refusedCount
        factors = PosteriorFactors(of: posterior)
    }

    /// The state as a snapshot.
    package func snapshot(version: SnapshotVersion) -> ServingSnapshot { base.with(posterior: posterior, version: version) }
}

/// The learner as a policy, on the incrementally updated factors: for loops that learn from every round without publishing.
extension PolicyLearner: Policy {
    package var armCount: Int { base.arms.count }

    /// What `SnapshotPolicy` of the same sums gives, up to the drift of the factors. O(K d^2).
    package func distribution(over eligible: [Int], in context: Context) -> ArmDistribution {
        let rule = ExplorationRule(base.configuration, arms: base.arms, controlIndex: base.controlIndex)
        let floor = base.configuration.floor
        guard rule.needsScores else {
            return rule.distribution(over: eligible, floor: floor, armCount: armCount, controlIndex: base.controlIndex)
        }
        let phi = base.representation.phi(context)
        let scale = posterior.rewardScale
        var means: [Double] = []
        var deviations: [Double] = []
        for arm in eligible {
            let factor = factors.factors[arm]
            let estimate = posterior.estimate(arm: arm, factor: factor, scale: scale, variance: base.configuration.variance)
            means.append(estimate.mean(phi))
            deviations.append(estimate.noiseVariance.squareRoot() * factor.inverseQuadraticForm(phi).squareRoot())
        }
        return rule.distribution(
            over: eligible, means: means, deviations: deviations, best: ProbabilityOfBest(), floor: floor, armCount: armCount)
    }
}
