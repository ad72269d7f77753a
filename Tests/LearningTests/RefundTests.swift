import HaggleCore
import Learning
import Policies
import Testing

struct RefundTests {
    /// Purchases, some of them returned in part or whole, in three metrics: whether the refunds are known when the impressions are folded or come
    /// weeks after, the state ends the same.
    @Test(arguments: [RewardConfiguration.Metric.margin, .conversion, .revenue], [RewardConfiguration.LearningMode.matured, .early])
    func lateRefundsEndInTheSameStateAsKnownOnes(
        _ metric: RewardConfiguration.Metric, _ mode: RewardConfiguration.LearningMode
    ) async throws {
        let experiment = LearningLog.experiment {
            $0.reward.metric = metric
            $0.reward.marginRate = metric == .margin ? 0.35 : nil
            $0.reward.defaultReward = 0
            $0.reward.learn = mode
            $0.policy?.forget = .init(factor: 0.9, periodSeconds: 24 * LearningLog.hour)
        }
        var states: [LinearPosterior] = []
        for isLate in [false, true] {
            try await LearningLog.with(experiment) { log in
                try await log.show(0..<60, at: { Double($0) / 100 })
                for number in stride(from: UInt64(0), to: 60, by: 3) {
                    let id = log.impression(number, at: Double(number) / 100).id
                    try await log.convert(ConversionID("c-\(number)"), .impression(id), at: 0.7, value: 10 + Double(number))
                }
                func refund() async throws {
                    for number in stride(from: UInt64(0), to: 60, by: 6) {
                        let id = log.impression(number, at: Double(number) / 100).id
                        // Whole, or the greater part.
                        let value = -(10 + Double(number)) * (number % 12 == 0 ? 1 : 0.6)
                        try await log.convert(ConversionID("r-\(number)"), .impression(id), at: 100, value: value)
                    }
                }
                if !isLate { try await refund() }
                var learner = try await log.learner()
                let first = try await log.step(&learner, at: 3)
                #expect(first.folded == 60)
                if isLate {
                    try await refund()
                    #expect(try await log.step(&learner, at: 101).corrected == 10)
                } else {
                    _ = try await log.step(&learner, at: 101)
                }
                states.append(learner.posterior)
                try await log.expectRebuildEqualsState(at: 101)
            }
        }
        #expect(states[0].rewards.reduce(0, +) != 0)
        #expect(largestDifference(states[0], states[1]) < 1e-9)
    }
}
