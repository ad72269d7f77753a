package import HaggleCore
package import Policies

/// `learn: early`: what open impressions add to a posterior of closed ones.
///
/// An impression of age a enters A, yy and n with omega F(a) at the default reward D, and b and yy with what its conversions have brought above
/// that: with r the reward so far,
///
///     A += omega F phi phi'    b += omega phi (F D + r - D)    yy += omega (F D^2 + r^2 - D^2)    n += omega F
///
/// Since a conversion of that arm has arrived by age a with probability F(a), the expectation of every sum is F times that of the closed
/// impression, so b / A is not biased while windows are open, whatever the arms' delays; at the close F = 1 and the sums are those of the
/// matured fold. F is the arm's own: with one for all arms, an arm whose customers decide quickly would look good. An arm without an estimate
/// of its F waits for the close, which is not biased either.
///
/// Nothing of this is stored: it is computed from the log whenever a snapshot is published, so nothing has to be taken out again.
package struct EarlyEntry: Sendable {
    /// By position of the arm; nil for an arm that waits for the close.
    private let delays: [DelayDistribution?]
    private let defaultReward: Double
    /// Open impressions that have been entered.
    package private(set) var enteredCount = 0
    /// Open impressions that wait for the close.
    package private(set) var waitingCount = 0

    package init(delays: [DelayDistribution?], defaultReward: Double) {
        self.delays = delays
        self.defaultReward = defaultReward
    }

    /// Adds one open impression to a learner that is thrown away after its snapshot has been taken.
    /// - Parameters:
    ///   - reward: as its conversions so far make it; the default without any.
    ///   - time: the impression's own, for forgetting.
    ///   - age: seconds since then.
    ///   - propensities: of every arm when this one was drawn, for a centred posterior.
    package mutating func enter(
        _ context: Context, arm: Int, reward: Double, at time: Timestamp, age: Double, propensities: [Double]? = nil,
        into learner: inout PolicyLearner
    ) {
        guard let share = delays[arm]?.share(arrivedBy: age) else {
            waitingCount += 1
            return
        }
        guard reward.isFinite else { return }
        enteredCount += 1
        if share > 0 { learner.fold(context, arm: arm, reward: defaultReward, at: time, weight: share, propensities: propensities) }
        if reward != defaultReward {
            learner.correct(context, arm: arm, from: defaultReward, to: reward, at: time, propensities: propensities)
        }
    }
}
