package import HaggleCore

/// What a snapshot expects of every arm in a context, in the reward's own unit.
///
/// The score that explanations and recommendations speak of: the posterior's mean, whatever the algorithm then makes of it. A pure function
/// of snapshot and context.
package struct ArmScores: Sendable {
    private let policy: SnapshotPolicy
    private let scale: RewardScale
    /// Whether a score is a sum of one term per feature, so that no two features interact.
    package let isAdditive: Bool

    package init(_ snapshot: ServingSnapshot) {
        // Any rule that reads means and deviations and draws nothing: fixed and uniform policies keep neither.
        var configuration = snapshot.configuration
        configuration.algorithm = .linearUCB
        policy = SnapshotPolicy(
            ServingSnapshot(
                experiment: snapshot.experiment, version: snapshot.version, experimentVersion: snapshot.experimentVersion,
                arms: snapshot.arms, controlIndex: snapshot.controlIndex, configuration: configuration,
                representation: snapshot.representation, posterior: snapshot.posterior, depths: snapshot.depths))
        scale = snapshot.rewardScale
        isAdditive = snapshot.representation.basis != .network
    }

    /// Expected reward and its standard deviation, one of each per eligible arm.
    package func callAsFunction(of eligible: [Int], in context: Context) -> (means: [Double], deviations: [Double]) {
        let (means, deviations) = policy.scores(of: eligible, in: context)
        return (means.map { scale.centre + scale.scale * $0 }, deviations.map { scale.scale * $0 })
    }

    /// Whether what is known of one arm says something of another.
    var areCorrelated: Bool { policy.snapshot.design.kernel != nil }

    /// The covariance of the expected rewards, row by row over the eligible arms; diagonal where arms are learned apart.
    package func covariance(of eligible: [Int], in context: Context) -> [Double] {
        policy.covariance(of: eligible, in: context).map { scale.scale * scale.scale * $0 }
    }

    /// The expected rewards of some arms as a function to explain.
    package func function(of eligible: [Int]) -> ContextFunction {
        ContextFunction(outputCount: eligible.count, isAdditive: isAdditive) { context in self(of: eligible, in: context).means }
    }
}

/// Several numbers that depend on a context: what is explained.
package struct ContextFunction: Sendable {
    package let outputCount: Int
    /// Whether every output is known to be a sum of one term per feature.
    package let isAdditive: Bool
    private let compute: @Sendable (Context) -> [Double]

    /// - Parameter compute: pure; finite values, as many as `outputCount`.
    package init(outputCount: Int, isAdditive: Bool = false, _ compute: @escaping @Sendable (Context) -> [Double]) {
        self.outputCount = outputCount
        self.isAdditive = isAdditive
        self.compute = compute
    }

    package func callAsFunction(_ context: Context) -> [Double] { compute(context) }
}
