import Catalog
import EventLog
import HaggleCore
import HaggleMath
import Learning
import Policies
import Postgres
import Simulation
import Testing

/// The loop without a server: assign from the newest snapshot, log, learn, publish, again.
struct ShopTests {
    @Test func learnedPolicyEarnsMoreThanControlAndAnEvenSplit() async throws {
        let shop = Shop(Shop.Configuration(seed: 11))
        let window = shop.windowSeconds
        let experiment = shop.experiment(
            key: "shop",
            policy: PolicyConfiguration(
                algorithm: .neuralThompson, floor: 0.02, publishSeconds: 1,
                model: PolicyConfiguration.Model(hidden: [16], batch: 128, epochs: 8, patience: 3),
                retrain: PolicyConfiguration.Retraining(everySeconds: window, minimumImpressions: 500, windowSeconds: 1e9)))
        try await LearningLog.with(experiment) { log in
            let perRound = 1000
            let rounds = 4
            var learner = try await log.learner()
            for round in 0..<rounds {
                // One round is a week in which customers come, and the week in which their windows close.
                let begin = LearningLog.start + Double(round) * 2 * window
                let policy = SnapshotPolicy(try await log.served())
                let version = try await log.served().version
                var conversions: [Conversion] = []
                var rows: [Impression] = []
                for visit in round * perRound..<(round + 1) * perRound {
                    let time = begin + window * Double(visit % perRound) / Double(perRound)
                    let customer = shop.customer(at: visit, time: time)
                    var generator = SeededGenerator(seed: 21, stream: UInt64(visit))
                    let id = ImpressionID(time: time, random: (generator.next(), generator.next()))
                    let distribution = policy.distribution(over: Array(shop.arms.indices), in: customer.context)
                    let arm = distribution.draw(generator.uniform())
                    rows.append(
                        Impression(
                            id: id, experiment: "shop", experimentVersion: 1, unit: customer.unit, variant: .policy, reason: .policy,
                            context: customer.context, eligibleArms: shop.arms.map(\.key), propensities: distribution.probabilities,
                            arm: shop.arms[arm].key, propensity: distribution[arm], snapshot: version, drawKey: id.description,
                            occurredAt: time, receivedAt: time))
                    for (index, event) in shop.outcome(of: customer, arm: arm).enumerated() {
                        let occurredAt = time + event.delayDays * shop.configuration.secondsPerDay
                        conversions.append(
                            Conversion(
                                id: ConversionID("\(id)-\(index)"), subject: .impression(id), kind: event.kind.rawValue, value: event.value,
                                occurredAt: occurredAt, receivedAt: occurredAt))
                    }
                }
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for row in rows {
                        group.addTask { _ = try await log.sink.append(row, requestID: nil, stickySalt: nil) }
                    }
                    try await group.waitForAll()
                }
                #expect(try await log.sink.append(conversions).accepted == conversions.count)
                let step = try await log.step(&learner, at: Double(2 * (round + 1)) * window / LearningLog.hour)
                #expect(step.folded == perRound && step.retrained)
            }
            try await log.expectRebuildEqualsState(at: Double(2 * rounds) * window / LearningLog.hour)
            // True values over customers that the policy has never met.
            let fresh = 100_000..<102_000
            let truth = shop.truth(over: fresh)
            let learned = shop.value(of: SnapshotPolicy(try await log.served()), over: fresh)
            #expect(learned > truth.control, "learned \(learned), control \(truth.control)")
            #expect(learned > truth.uniform, "learned \(learned), uniform \(truth.uniform)")
            #expect(learned <= truth.best)
        }
    }
}
