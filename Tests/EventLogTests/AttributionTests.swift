import EventLog
import HaggleCore
import HaggleMath
import Postgres
import TestSupport
import Testing

@Suite struct AttributionTests {
    private let week = 7 * TestLog.day

    @Test func aConversionMayComeBeforeItsImpressionIsKnown() async throws {
        try await TestLog.with { log in
            let impression = log.impression(1)
            try await log.sink.append(log.conversion("named", of: .impression(impression.id), at: 60, value: 3))
            try await log.sink.append(log.conversion("by-unit", of: .unit("unit-1", "checkout"), at: 61, value: 4))
            let now = TestLog.start + 100
            let before = try await log.reader.conversionCounts(asOf: now, longestWindowSeconds: week)
            #expect(before.pending == 2)
            #expect(before.orphaned == 0)
            let position = try await log.reader.highWater()
            try await log.sink.append(impression)
            #expect(try await log.sums(impression.id) == RewardSums(events: 2, value: 7, unmarginedValue: 7))
            // Seen from the earlier position the impression does not exist.
            let then = try await log.reader.rewardSums(of: [impression.id], experiment: log.experiment, through: position)
            #expect(then.isEmpty)
            let after = try await log.reader.conversionCounts(asOf: now, longestWindowSeconds: week)
            #expect(after == ConversionCounts(total: 2, pending: 0, orphaned: 0))
        }
    }

    @Test func withoutImpressionAConversionIsPendingUntilItsWindowHasPassed() async throws {
        try await TestLog.with { log in
            try await log.sink.append(log.conversion("a", of: .unit("nobody", "checkout"), at: 0))
            try await log.sink.append(log.conversion("b", of: .impression(log.impression(9).id), at: 0))
            let open = try await log.reader.conversionCounts(asOf: TestLog.start + (week - 1), longestWindowSeconds: week)
            #expect(open == ConversionCounts(total: 2, pending: 2, orphaned: 0))
            let closed = try await log.reader.conversionCounts(asOf: TestLog.start + week, longestWindowSeconds: week)
            #expect(closed == ConversionCounts(total: 2, pending: 0, orphaned: 2))
        }
    }

    /// The window is [occurred_at, occurred_at + window), to the microsecond.
    @Test func theWindowIsHalfOpen() async throws {
        try await TestLog.with { log in
            let impression = log.impression(1, at: 10, unit: "u")
            try await log.sink.append(impression)
            let inside = 10 + week - 1e-6
            try await log.sink.append([
                log.conversion("n1", of: .impression(impression.id), at: inside, value: 1),
                log.conversion("n2", of: .impression(impression.id), at: 10 + week, value: 2),
                log.conversion("u1", of: .unit("u", "checkout"), at: inside, value: 4),
                log.conversion("u2", of: .unit("u", "checkout"), at: 10 + week, value: 8),
                log.conversion("u3", of: .unit("u", "checkout"), at: 10, value: 16),
                log.conversion("u4", of: .unit("u", "checkout"), at: 10 - 1e-6, value: 32),
                // The client names its impression, so its clock may run behind ours.
                log.conversion("n3", of: .impression(impression.id), at: 5, value: 64),
            ])
            #expect(try await log.sums(impression.id)?.value == 1 + 4 + 16 + 64)
        }
    }

    @Test func aRefundThatNamesItsImpressionCountsHoweverLate() async throws {
        try await TestLog.with { log in
            let impression = log.impression(1, unit: "u")
            try await log.sink.append(impression)
            try await log.sink.append([
                log.conversion("buy", of: .impression(impression.id), at: 60, value: 100, margin: 30),
                log.conversion("back", of: .impression(impression.id), at: 30 * TestLog.day, value: -40),
                log.conversion("by-unit", of: .unit("u", "checkout"), at: 30 * TestLog.day, value: -5),
            ])
            let sums = try await log.sums(impression.id)
            #expect(sums == RewardSums(events: 1, reversals: 1, value: 60, givenMargin: 30, unmarginedValue: -40))
        }
    }

    @Test func aUnitsConversionGoesToTheLatestCountedImpression() async throws {
        try await TestLog.with { log in
            let first = log.impression(1, at: 0, unit: "u")
            let second = log.impression(2, at: 1000, unit: "u")
            let holdout = log.impression(3, at: 2000, unit: "u", reason: .holdout)
            let deferred = log.impression(4, at: 3000, unit: "u", deferred: true)
            let twin = log.impression(5, at: 1000, unit: "u")
            for impression in [first, second, holdout, deferred, twin] { try await log.sink.append(impression) }
            try await log.sink.append(log.impression(6, at: 4000, unit: "u"), requestID: nil, stickySalt: nil)
            try await log.sink.append([
                log.conversion("a", of: .unit("u", "checkout"), at: 999, value: 1),
                log.conversion("b", of: .unit("u", "checkout"), at: 3500, value: 2),
                log.conversion("c", of: .unit("other", "checkout"), at: 500, value: 4),
                log.conversion("d", of: .unit("u", "elsewhere"), at: 500, value: 8),
            ])
            #expect(try await log.sums(first.id)?.value == 1)
            // Of two impressions at one moment the later in the log has it.
            #expect(try await log.sums(second.id)?.value == 0)
            #expect(try await log.sums(twin.id)?.value == 2)
            // An impression that comes late, or counts late, takes over what belongs to it.
            let position = try await log.reader.highWater()
            #expect(try await log.sink.activate(deferred.id, at: TestLog.start + 3001))
            let high = try await log.reader.highWater()
            let touched = try await log.reader.touchedImpressions(of: log.experiment, after: position, through: high)
            #expect(touched.contains(twin.id))
            #expect(touched.contains(deferred.id))
            let sums = try await log.reader.rewardSums(of: [twin.id, deferred.id], experiment: log.experiment, through: high)
            #expect(sums[twin.id]?.value == 0)
            #expect(sums[deferred.id]?.value == 2)
        }
    }

    @Test func aHoldoutUnitsConversionsStandWithItsImpression() async throws {
        try await TestLog.with { log in
            let holdout = log.impression(1, unit: "u", reason: .holdout)
            try await log.sink.append(holdout)
            try await log.sink.append(log.conversion("a", of: .unit("u", "checkout"), at: 60, value: 9))
            #expect(try await log.sums(holdout.id) == nil)
            let row = try await log.pool.withConnection {
                try await $0.queryOne("SELECT impression_id, counted FROM attributed_conversions")
            }
            #expect(try row["impression_id"] == holdout.id.description)
            #expect(try row.decode("counted", as: Bool.self) == false)
        }
    }

    @Test func afterATouchNothingElseHasChanged() async throws {
        // Every batch of a random log: what `touchedImpressions` leaves out has the same sums as before.
        try await TestLog.with { log in
            var generator = SeededGenerator(seed: 20)
            var known: [ImpressionID] = []
            var sums: [ImpressionID: RewardSums] = [:]
            var cursor: Int64 = 0
            for batch in 0..<25 {
                for step in 0..<8 {
                    let number = UInt64(batch * 8 + step + 1)
                    let unit = UnitID("u\(Int(generator.uniform() * 4))")
                    let time = (generator.uniform() * 20 * TestLog.day).rounded()
                    switch generator.uniform() {
                    case ..<0.4:
                        let impression = log.impression(number, at: time, unit: unit, deferred: generator.uniform() < 0.3)
                        try await log.sink.append(
                            impression, requestID: generator.uniform() < 0.3 ? "r\(Int(generator.uniform() * 5))" : nil,
                            stickySalt: generator.uniform() < 0.1 ? "s" : nil)
                        known.append(impression.id)
                    case ..<0.5:
                        if let id = known.randomElement(using: &generator) { _ = try await log.sink.activate(id, at: TestLog.start + time) }
                    case ..<0.75:
                        try await log.sink.append(log.conversion(ConversionID("u\(number)"), of: .unit(unit, "checkout"), at: time))
                    default:
                        let id = known.randomElement(using: &generator) ?? log.impression(number).id
                        try await log.sink.append(
                            log.conversion(ConversionID("n\(number)"), of: .impression(id), at: time, value: generator.normal() * 10))
                    }
                }
                let high = try await log.reader.highWater()
                let touched = Set(try await log.reader.touchedImpressions(of: log.experiment, after: cursor, through: high))
                let new = try await log.reader.newImpressions(of: "checkout", after: cursor, through: high, limit: 1000)
                let now = try await log.reader.rewardSums(of: known, experiment: log.experiment, through: high)
                let excused = touched.union(new.map(\.impression.id))
                for (id, value) in now where !excused.contains(id) { #expect(sums[id] == value) }
                for id in sums.keys { #expect(now[id] != nil) }
                sums = now
                cursor = high
            }
            #expect(sums.values.contains { !$0.isEmpty })
        }
    }
}
