package import HaggleCore
import HaggleMath

/// Plays a whole learning algorithm, not one fixed policy, through a log: what it would have earned had it run from its prior.
///
/// Rejection replay (Li, Chu, Langford & Wang 2011, algorithms 2 and 3; with logged propensities p in place of even ones): a row in which
/// the algorithm's present distribution pi gives the logged arm pi(a|x) is accepted with probability
///
///     min(1, pi(a|x) / (M p)),    M >= max pi / p, declared
///
/// and only accepted rows are learned from and scored. The accepted history is then distributed as the algorithm's own, so the mean reward of
/// the first T accepted rows estimates without bias what T rounds of it earn, provided that contexts and rewards of rows are exchangeable,
/// that the logged propensities are right, and that pi/p never exceeded M (`cappedCount` says how often it did; each biases). With even
/// logging over K arms and M = K it is "draw an arm, keep the row if the log has the same". About one row in M is accepted.
///
/// Time in a replay is the number of accepted rows: rewards come at once, the posterior is that of all rows accepted before (nothing waits
/// for `publish`), and encoder and network are fitted anew when `retrain.minimum_impressions` rows are accepted and again whenever
/// their number has grown by half. `retrain.every` and `retrain.window` are times of the service and are not read: a thinned log has another pace.
package struct LearnerReplay: Sendable {
    /// M.
    package let largestWeight: Double
    /// Rows offered so far, accepted or not.
    package private(set) var offeredCount = 0
    /// Rows whose pi/p was above M, which makes the accepted rows too few of their kind.
    package private(set) var cappedCount = 0
    /// The rewards of the accepted rows, in order.
    package private(set) var rewards: [Double] = []
    private let experiment: Experiment
    private let seed: UInt64
    private var nextRefit: Int
    private var learner: PolicyLearner
    private var accepted: [Interaction] = []
    /// Rows offered when each row was accepted.
    private var acceptedAt: [Int] = []

    /// An algorithm at its prior.
    /// - Parameters:
    ///   - configuration: any algorithm that serves.
    ///   - arms: the table of arms that the interactions point into.
    ///   - largestWeight: M; 1 / (least propensity that the logging policy may give) always suffices, so the reciprocal of its floor.
    ///   - seed: of the acceptance; equal seeds and rows accept alike.
    ///   - firstRefit: accepted rows at the first fit of encoder and network; default `retrain.minimum_impressions`.
    /// - Throws: `PoliciesError.notIncremental` for `ipw` and `dr`.
    /// - Precondition: M is finite and at least 1; at least one arm.
    package init(
        _ configuration: PolicyConfiguration, schema: FeatureSchema, arms: [Arm], largestWeight: Double, seed: UInt64 = 1,
        firstRefit: Int? = nil
    ) throws(PoliciesError) {
        precondition(largestWeight >= 1 && largestWeight.isFinite, "no distribution is below another everywhere: M is at least 1")
        guard !configuration.algorithm.isLearnedOffline else { throw .notIncremental(algorithm: configuration.algorithm.rawValue) }
        experiment = Experiment(
            key: "replay", kind: .bandit, arms: arms, context: schema, reward: RewardConfiguration(metric: .value, windowSeconds: 1),
            policy: configuration)
        self.largestWeight = largestWeight
        self.seed = seed
        nextRefit = max(1, firstRefit ?? configuration.retrain.minimumImpressions)
        learner = PolicyLearner(.initial(experiment: experiment, experimentVersion: 1))
    }

    /// Offers the next row of the log.
    /// - Returns: whether it was accepted, and so learned from.
    /// - Throws: `PoliciesError` for a row without a usable propensity or that cannot be; what the network's trainer throws.
    @discardableResult
    package mutating func offer(_ row: Interaction) throws -> Bool {
        let armCount = experiment.arms.count
        guard let propensity = row.propensity, propensity > 0, propensity <= 1 + 1e-9 else {
            throw PoliciesError.propensityMissing(row: offeredCount, algorithm: "a replay")
        }
        guard (0..<armCount).contains(row.arm) else {
            throw PoliciesError.armOutOfRange(row: offeredCount, arm: row.arm, armCount: armCount)
        }
        guard row.reward.isFinite else { throw PoliciesError.rewardNotFinite(row: offeredCount) }
        let eligible = row.eligible ?? Array(0..<armCount)
        guard eligible.contains(row.arm) else { throw PoliciesError.armNotEligible(row: offeredCount, arm: row.arm) }
        let distribution = learner.distribution(over: eligible, in: row.context)
        let ratio = distribution[row.arm] / propensity
        // 1e-9: a floor and its reciprocal are rounded.
        if ratio > largestWeight * (1 + 1e-9) { cappedCount += 1 }
        let uniform = Double(mix64(mix64(seed ^ 0x7265_706c_6179) &+ UInt64(offeredCount)) >> 11) * 0x1p-53
        offeredCount += 1
        guard uniform * largestWeight < ratio else { return false }
        rewards.append(row.reward)
        acceptedAt.append(offeredCount)
        // Accepted rows are as if the replayed policy had drawn them.
        var row = row
        row.propensities = distribution.probabilities
        accepted.append(row)
        if accepted.count >= nextRefit {
            learner = try PolicyLearner.refit(experiment, experimentVersion: 1, interactions: accepted)
            nextRefit = max(accepted.count + 1, accepted.count + accepted.count / 2)
        } else {
            learner.fold(row)
        }
        return true
    }

    /// Rows accepted so far: the rounds that the algorithm has played.
    package var acceptedCount: Int { rewards.count }

    /// Mean reward of the accepted rows; nil before the first.
    package var mean: Double? { rewards.isEmpty ? nil : moments.mean }

    /// The standard error of the mean: sd (ddof 1) / sqrt(accepted); nil below two accepted rows.
    ///
    /// It speaks of the rewards' noise around what this one run of the algorithm earned. How much runs differ because early luck leads them
    /// to different arms it does not contain: replay with several seeds, or over shuffled rows, shows that.
    package var standardError: Double? {
        guard rewards.count >= 2 else { return nil }
        return (moments.squares / Double(rewards.count - 1) / Double(rewards.count)).squareRoot()
    }

    private var moments: (mean: Double, squares: Double) {
        var sum = CompensatedSum()
        for reward in rewards { sum += reward }
        let mean = sum.value / Double(rewards.count)
        var squares = CompensatedSum()
        for reward in rewards { squares += (reward - mean) * (reward - mean) }
        return (mean, squares.value)
    }

    /// One stretch of the algorithm's life.
    package struct Stretch: Hashable, Sendable {
        /// Accepted rows up to its end.
        package let acceptedCount: Int
        /// Rows of the log up to its end.
        package let offeredCount: Int
        /// Mean reward of the stretch alone.
        package let mean: Double
        /// Mean reward from the start to its end.
        package let cumulativeMean: Double
    }

    /// The accepted rows in at most `count` stretches of as nearly equal length as may be: the learning curve.
    package func course(stretches count: Int = 50) -> [Stretch] {
        precondition(count >= 1, "a course has at least one stretch")
        let count = min(count, rewards.count)
        var result: [Stretch] = []
        var total = CompensatedSum()
        for stretch in 0..<count {
            let (start, end) = (stretch * rewards.count / count, (stretch + 1) * rewards.count / count)
            var sum = CompensatedSum()
            for row in start..<end { sum += rewards[row] }
            total += sum.value
            result.append(
                Stretch(
                    acceptedCount: end, offeredCount: acceptedAt[end - 1], mean: sum.value / Double(end - start),
                    cumulativeMean: total.value / Double(end)))
        }
        return result
    }
}
