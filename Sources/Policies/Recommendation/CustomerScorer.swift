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

    /// The standard deviation of an uplift takes the two arms' posteriors as independent. They are under `posterior: disjoint`; a shared
    /// posterior correlates arms positively, so there it errs on the side of more doubt.
    package func callAsFunction(_ context: Context) -> CustomerScore {
        let (means, deviations) = scores(of: all, in: context)
        let control = deviations[controlIndex]
        return CustomerScore(
            expectedRewards: means, standardDeviations: deviations, uplifts: means.map { $0 - means[controlIndex] },
            upliftDeviations: all.map {
                $0 == controlIndex ? 0 : (deviations[$0] * deviations[$0] + control * control).squareRoot()
            },
            propensities: policy.distribution(over: all, in: context).probabilities)
    }

    /// The expected rewards alone: half the work where nothing else is read.
    package func expectedRewards(_ context: Context) -> [Double] { scores(of: all, in: context).means }
}
