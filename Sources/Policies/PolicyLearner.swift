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
    /// Rows that `fold` and `correct` refused because of a number that cannot be.
    package private(set) var refusedCount = 0
    private var factors: PosteriorFactors
    private let rule: ExplorationRule
    private let best = BestArm()

    /// Goes on from a snapshot.
    package init(_ snapshot: ServingSnapshot) {
        self.init(snapshot, posterior: snapshot.posterior, training: nil)
    }

    /// Starts from the prior with a snapshot's encoder, network and settings: for re-accumulating the log.
    package init(emptied snapshot: ServingSnapshot) {
        let prior = snapshot.design.prior(
            phiLength: snapshot.representation.dimension, armCount: snapshot.arms.count, ridge: snapshot.posterior.ridge,
            period: snapshot.posterior.period)
        self.init(snapshot, posterior: prior, training: nil)
    }

    init(_ base: ServingSnapshot, posterior: LinearPosterior, training: TrainingReport?) {
        self.base = base
        self.posterior = posterior
        self.training = training
        factors = PosteriorFactors(of: posterior, design: base.design)
        rule = ExplorationRule(base.configuration, arms: base.arms, controlIndex: base.controlIndex)
    }

    /// The largest drift of an incrementally updated factor from a fresh one so far: the metric for the health of the increments.
    package var drift: Double { factors.drift }

    /// Moves the clock of forgetting to the period of `now`; nothing without `forget`, and nothing for an earlier time.
    ///
    /// Called at the pace of the learner's cycle; an impression of a newer period moves the clock too. The state is a function of the
    /// impressions and of where the clock stands, whatever the order of the calls, to 1e-9. O(K d^3) when a period ends.
    package mutating func advance(to now: Timestamp) {
        guard let forget = base.configuration.forget else { return }
        if posterior.advance(to: forget.period(of: now), factor: forget.factor) { factors = factors.refactored(posterior) }
    }

    /// Adds one impression.
    /// - Parameters:
    ///   - arm: position in the snapshot's arms.
    ///   - time: the impression's own time, which gives omega under `forget`; without one it counts as of the clock's period.
    ///   - weight: multiplied with that.
    ///   - propensities: of every arm of the experiment when this one was drawn; only a `centred` posterior reads them.
    /// - Returns: false, and nothing changed, where reward or weight is not finite or the weight is negative, where the reward is one that
    ///   the algorithm cannot learn from (outside 0...1 under `bernoulli-thompson`), or where a centred posterior gets no propensities.
    @discardableResult
    package mutating func fold(
        _ context: Context, arm: Int, reward: Double, at time: Timestamp? = nil, weight: Double = 1, propensities: [Double]? = nil
    ) -> Bool {
        let phi = base.representation.phi(context)
        guard accepts(reward), weight.isFinite, weight >= 0,
            let regressor = base.design.regressor(phi, arm: arm, propensities: propensities)
        else {
            refusedCount += 1
            return false
        }
        let omega = weight * age(of: time)
        posterior.add(regressor.vector, arm: regressor.block, reward: reward, weight: omega)
        let update = base.design.factorUpdate(phi, arm: arm, regressor: regressor)
        factors.update(update.vector, arm: update.index, weight: omega, posterior: posterior)
        return true
    }

    /// Adds one impression with its reward, at its own time.
    @discardableResult
    package mutating func fold(_ interaction: Interaction, weight: Double = 1) -> Bool {
        fold(
            interaction.context, arm: interaction.arm, reward: interaction.reward, at: interaction.time, weight: weight,
            propensities: interaction.propensities)
    }

    /// Changes the reward of an impression that was folded with this context, arm, time and weight, exactly as if it had had the new one from
    /// the start.
    /// - Returns: as `fold`.
    @discardableResult
    package mutating func correct(
        _ context: Context, arm: Int, from old: Double, to new: Double, at time: Timestamp? = nil, weight: Double = 1,
        propensities: [Double]? = nil
    ) -> Bool {
        guard accepts(old), accepts(new), weight.isFinite, weight >= 0,
            let regressor = base.design.regressor(base.representation.phi(context), arm: arm, propensities: propensities)
        else {
            refusedCount += 1
            return false
        }
        let omega = weight * age(of: time)
        posterior.correct(regressor.vector, arm: regressor.block, from: old, to: new, weight: omega)
        return true
    }

    private func accepts(_ reward: Double) -> Bool {
        base.configuration.algorithm == .bernoulliThompson ? reward >= 0 && reward <= 1 : reward.isFinite
    }

    /// `gamma^(P - P_i)` of an impression's own time, after moving the clock on to it where it is newer.
    private mutating func age(of time: Timestamp?) -> Double {
        guard let forget = base.configuration.forget, let time else { return 1 }
        advance(to: time)
        let period = forget.period(of: time)
        return forget.weight(of: period, at: posterior.period ?? period)
    }

    /// Adds what another learner folded since the prior; the prior stays single and the clocks of forgetting go to the later one.
    /// - Precondition: both have the same encoder, network, arms and prior precision.
    package mutating func merge(_ other: Self) {
        precondition(
            other.base.representation == base.representation && other.base.arms == base.arms && other.base.design == base.design,
            "only learners with one encoder and network and the same arms can be merged")
        posterior.merge(other.posterior, factor: base.configuration.forget?.factor ?? 1)
        refusedCount += other.refusedCount
        factors = PosteriorFactors(of: posterior, design: base.design)
    }

    /// The state as a snapshot.
    package func snapshot(version: SnapshotVersion) -> ServingSnapshot { base.with(posterior: posterior, version: version) }
}

/// The learner as a policy, on the incrementally updated factors: for loops that learn from every round without publishing.
extension PolicyLearner: Policy {
    package var armCount: Int { base.arms.count }

    /// What `SnapshotPolicy` of the same sums gives, up to the drift of the factors. O(K d^2); under `posterior: shared` the joint system is solved
    /// anew, O((K d)^3).
    package func distribution(over eligible: [Int], in context: Context) -> ArmDistribution {
        var workspace = ChoiceWorkspace()
        distribute(over: eligible, in: context, workspace: &workspace)
        return workspace.distribution
    }

    /// The same, written to the workspace's `distribution`.
    package func distribute(over eligible: [Int], in context: Context, workspace: inout ChoiceWorkspace) {
        precondition(!eligible.isEmpty, "a distribution needs at least one eligible arm")
        guard base.design.kernel == nil else {
            // One solve of the joint system is what a snapshot needs too.
            SnapshotPolicy(base.with(posterior: posterior, version: base.version), factor: factors.factors[0])
                .distribute(over: eligible, in: context, workspace: &workspace)
            return
        }
        let rule = rule.fitted(to: posterior, armCount: armCount)
        let floor = base.configuration.floor
        guard rule.needsScores else {
            rule.distribute(
                over: eligible, in: context, floor: floor, armCount: armCount, controlIndex: base.controlIndex, workspace: &workspace)
            return
        }
        base.representation.writePhi(context, into: &workspace)
        let scale = posterior.rewardScale
        ChoiceWorkspace.resize(&workspace.covariance, to: 0)
        ChoiceWorkspace.resize(&workspace.means, to: eligible.count)
        ChoiceWorkspace.resize(&workspace.deviations, to: rule.needsDeviations ? eligible.count : 0)
        for (position, arm) in eligible.enumerated() {
            let factor = factors.factors[arm]
            let estimate = posterior.estimate(arm: arm, factor: factor, scale: scale, variance: base.configuration.variance)
            workspace.means[position] = estimate.mean(workspace.phi)
            guard rule.needsDeviations else { continue }
            workspace.deviations[position] =
                estimate.noiseVariance.squareRoot() * factor.inverseQuadraticForm(workspace.phi).squareRoot()
        }
        rule.distribute(over: eligible, best: best, floor: floor, armCount: armCount, workspace: &workspace)
    }
}
