package import HaggleCore

/// What a snapshot expects of every arm for one customer, with its doubt, and what it would do.
package struct CustomerScore: Hashable, Sendable {
    /// Per arm of the experiment, in the reward's unit.
    package let expectedRewards: [Double]
    /// Standard deviation of each expected reward.
    package let standardDeviations: [Double]
    /// The expected reward less the control arm's; 0 for control.
    package let uplifts: [Double]
    /// Standard deviation of the uplift; 0 for control.
    package let upliftDeviations: [Double]
    /// The distribution that the policy would draw from.
    package let propensities: [Double]

    /// The arm of the largest expected reward; control wins a tie, otherwise the first.
    package func best(controlIndex: Int) -> Int {
        var best = controlIndex
        for arm in expectedRewards.indices where expectedRewards[arm] > expectedRewards[best] { best = arm }
        return best
    }
}

/// Scores customers with a snapshot, one at a time.
package struct CustomerScorer: Sendable {
    private let scores: ArmScores
    private let policy: SnapshotPolicy
    private let controlIndex: Int
    private let all: [Int]

    package init(_ snapshot: ServingSnapshot) {
        scores = ArmScores(snapshot)
        policy = SnapshotPolicy(snapshot)
        controlIndex = snapshot.controlIndex
        all = Array(snapshot.arms.indices)
    }

    package func callAsFunction(_ context: Context) -> CustomerScore {
        let (means, deviations) = scores(of: all, in: context)
        return CustomerScore(
            expectedRewards: means, standardDeviations: deviations, uplifts: means.map { $0 - means[controlIndex] },
            upliftDeviations: upliftVariances(deviations, context).map { max(0, $0).squareRoot() },
            propensities: policy.distribution(over: all, in: context).probabilities)
    }

    /// Var(a - control) of every arm, 0 for control.
    private func upliftVariances(_ deviations: [Double], _ context: Context) -> [Double] {
        let count = all.count
        guard scores.areCorrelated else {
            let control = deviations[controlIndex] * deviations[controlIndex]
            return all.map { $0 == controlIndex ? 0 : deviations[$0] * deviations[$0] + control }
        }
        let covariance = scores.covariance(of: all, in: context)
        let control = covariance[controlIndex * count + controlIndex]
        return all.map {
            $0 == controlIndex ? 0 : covariance[$0 * count + $0] + control - 2 * covariance[$0 * count + controlIndex]
        }
    }

    /// The expected rewards alone: half the work where nothing else is read.
    package func expectedRewards(_ context: Context) -> [Double] { scores(of: all, in: context).means }
}
