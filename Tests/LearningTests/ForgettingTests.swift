import HaggleCore
import Learning
import Policies
import Testing

struct ForgettingTests {
    private static let day = 24 * LearningLog.hour

    private static func forgetting(_ change: (inout Experiment) -> Void = { _ in }) -> Experiment {
        LearningLog.experiment { experiment in
            experiment.policy?.forget = .init(factor: 0.5, periodSeconds: day)
            change(&experiment)
        }
    }

    /// An impression weighs 1/2 to the number of days since its own, whenever it was folded.
    @Test func impressionsFadeByTheirOwnDay() async throws {
        try await LearningLog.with(Self.forgetting()) { log in
            var learner = try await log.learner()
            try await log.show(0..<6, at: { _ in 1 })
            _ = try await log.step(&learner, at: 3)
            #expect(learner.posterior.counts == [2, 2, 2])
            // Two days later, with three of the day in between that arrive only now.
            try await log.show(6..<9, at: { _ in 30 })
            let step = try await log.step(&learner, at: 50)
            #expect(step.folded == 3)
            #expect(learner.posterior.counts.allSatisfy { abs($0 - (2 * 0.25 + 0.5)) < 1e-12 })
            // A late purchase of the first day counts with that day's weight.
            try await log.convert("late", .impression(log.impression(1, at: 1).id), at: 1.5, value: 8)
            let before = learner.posterior.rewards[1]
            _ = try await log.step(&learner, at: 51)
            #expect(abs(learner.posterior.rewards[1] - before - 0.25 * 8.5) < 1e-12)
            // Time alone is news: the next day is published.
            let published = try await log.step(&learner, at: 73).published
            #expect(published != nil)
            #expect(try await log.served().posterior.counts.allSatisfy { abs($0 - 0.5) < 1e-12 })
        }
    }

    /// Rows of nine days, conversions and refunds that come in any later step, a learner that is restarted now and then.
    @Test func rebuildEqualsTheIncrementalState() async throws {
        let experiment = Self.forgetting {
            $0.policy?.forget = .init(factor: 0.8, periodSeconds: Self.day)
            $0.gate = .off
            $0.policy?.retrain = .init(everySeconds: 4 * Self.day, minimumImpressions: 40, windowSeconds: 90 * Self.day)
        }
        try await LearningLog.with(experiment) { log in
            var learner = try await log.learner()
            var retrained = 0
            for day in 0..<9 {
                let hours = 24 * Double(day)
                let first = UInt64(day) * 20
                try await log.show(first..<first + 20, at: { hours + Double($0 % 20) })
                if day >= 2 {
                    let row = log.impression(first - 40, at: hours - 48)
                    try await log.convert(ConversionID("c-\(day)"), .impression(row.id), at: hours - 47.5, value: 10 + Double(day))
                }
                if day >= 4 {
                    let row = log.impression(first - 80, at: hours - 96)
                    try await log.convert(ConversionID("r-\(day)"), .impression(row.id), at: hours, value: -5)
                }
                if day % 3 == 2 { learner = try await log.learner() }
                if try await log.step(&learner, at: hours + 22).retrained { retrained += 1 }
                try await log.expectRebuildEqualsState(at: hours + 22)
            }
            #expect(retrained >= 1)
            let total = learner.posterior.counts.reduce(0, +)
            // 20 a day: 20 (1 + .8 + ... + .8^8), less what is still open.
            #expect(total < 20 * (1 - 0.134217728) / 0.2 + 1e-9 && total > 70)
        }
    }
}
