import EventLog
import HaggleCore
import Postgres
import TestSupport
import Testing

@Suite struct OutcomeTests {
    @Test func aUnitsWindowRunsFromItsFirstImpression() async throws {
        try await TestLog.with(TestLog.experiment(metric: .margin, defaultReward: -0.5)) { log in
            let day = TestLog.day
            // Two impressions of one unit with different arms, in overlapping windows.
            let first = log.impression(1, at: 0, unit: "a", arm: "none")
            let second = log.impression(2, at: 5 * day, unit: "a", arm: "ten")
            let holdout = log.impression(3, at: day, unit: "b", reason: .holdout)
            let quiet = log.impression(4, at: 2 * day, unit: "c", arm: "five")
            let outside = log.impression(5, at: 2 * day, unit: "d", reason: .notInTraffic)
            for impression in [first, second, holdout, quiet, outside] { try await log.sink.append(impression) }
            try await log.sink.append([
                log.conversion("1", of: .unit("a", "checkout"), at: day, value: 100),
                log.conversion("2", of: .unit("a", "checkout"), at: 6 * day, value: 90),
                // Inside the second impression's window, behind the unit's.
                log.conversion("3", of: .unit("a", "checkout"), at: 8 * day, value: 1000),
                log.conversion("4", of: .impression(first.id), at: 20 * day, value: -100),
                log.conversion("5", of: .impression(second.id), at: 20 * day, value: -90),
                log.conversion("6", of: .unit("b", "checkout"), at: 2 * day, value: 20),
            ])
            let outcomes = try await log.reader.unitOutcomes(of: log.experiment, asOf: TestLog.start + 8.5 * day)
            #expect(outcomes.map(\.unit) == ["a", "b", "c"])
            #expect(outcomes.map(\.variant) == [.policy, .holdout, .policy])
            #expect(outcomes.map(\.arm) == ["none", "none", "five"])
            #expect(outcomes.map(\.impressionCount) == [2, 1, 1])
            #expect(outcomes.map(\.isMatured) == [true, true, false])
            #expect(outcomes.map(\.conversionCount) == [3, 1, 0])
            // 35 for the purchase at full price, taken back by the late refund; 90 paid at 10 % off is 25.
            #expect(abs(outcomes[0].reward - 25) < 1e-9)
            #expect(abs(outcomes[1].reward - 7) < 1e-9)
            #expect(outcomes[2].reward == -0.5)
        }
    }

    @Test func anABUnitIsCountedOnceWithAllItsConversions() async throws {
        var experiment = TestLog.experiment()
        experiment.kind = .ab
        experiment.policy = nil
        try await TestLog.with(experiment) { log in
            var ids: [ImpressionID] = []
            for number in 1...3 as ClosedRange<UInt64> {
                var impression = log.impression(number, at: Double(number) * 100, unit: "u", arm: "ten")
                impression.variant = .arm("ten")
                ids.append(try await log.sink.append(impression, requestID: nil, stickySalt: "s").answer.id)
            }
            try await log.sink.append(
                ids.enumerated().map {
                    log.conversion(ConversionID("c\($0.offset)"), of: .impression($0.element), at: 1000, value: 10)
                })
            let outcomes = try await log.reader.unitOutcomes(of: experiment, asOf: TestLog.start)
            #expect(outcomes.map(\.reward) == [30])
            #expect(outcomes.map(\.variant) == [.arm("ten")])
            #expect(outcomes.map(\.impressionCount) == [1])
        }
    }
}
