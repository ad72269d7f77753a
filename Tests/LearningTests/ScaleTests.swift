import HaggleCore
import Learning
import Policies
import Testing

struct ScaleTests {
    /// The same log with every amount multiplied: in another currency the learner does the same. Networks are trained in single precision, so
    /// for them the factor is a power of two, which changes no bit of a standardised reward.
    @Test(arguments: [
        (PolicyConfiguration.Algorithm.linearThompson, 1e6), (.linearThompson, 1e-6), (.linearUCB, 1e6), (.epsilonGreedy, 1e6),
        (.neuralThompson, 0x1p20),
    ])
    func amountsTimesAConstantLeaveEveryProbability(_ algorithm: PolicyConfiguration.Algorithm, _ factor: Double) async throws {
        var served: [[ArmDistribution]] = []
        for scale in [1, factor] {
            let experiment = LearningLog.experiment {
                $0.gate = .off
                $0.reward.learn = .early
                $0.reward.defaultReward = -0.5 * scale
                $0.policy?.algorithm = algorithm
                if algorithm == .epsilonGreedy { $0.policy?.model = .init(kind: .linear) }
                $0.policy?.retrain = .init(everySeconds: LearningLog.hour, minimumImpressions: 80, windowSeconds: 30 * 86_400)
            }
            try await LearningLog.with(experiment) { log in
                try await log.show(0..<240)
                for number in stride(from: UInt64(0), to: 240, by: 3) {
                    try await log.convert(
                        ConversionID("c-\(number)"), .impression(log.impression(number + UInt64(number % 2)).id), at: 0.5,
                        value: scale * (1 + Double(number % 7)))
                }
                var learner = try await log.learner()
                #expect(try await log.step(&learner, at: 2).retrained)
                try await log.show(240..<300, at: { _ in 2 })
                try await log.convert("more", .impression(log.impression(241, at: 2).id), at: 2.4, value: scale * 3)
                #expect(try await log.step(&learner, at: 2.6).published != nil)
                let policy = SnapshotPolicy(try await log.served())
                served.append((UInt64(0)..<40).map { policy.distribution(over: [0, 1, 2], in: log.impression($0).context) })
            }
        }
        let differences = zip(served[0], served[1]).flatMap { a, b in (0..<3).map { abs(a[$0] - b[$0]) } }
        #expect((differences.max() ?? 1) < 1e-9)
        // Not because nothing was learned.
        #expect(served[0].contains { abs($0[0] - 1.0 / 3) > 0.05 })
    }
}
