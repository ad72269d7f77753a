import EventLog
import Foundation
import HaggleCore
import Postgres
import Synchronization
import TestSupport
import Testing

@Suite struct EventSinkTests {
    @Test func whatWasAppendedIsReadBackAsItWas() async throws {
        try await TestLog.with { log async throws -> Void in
            var first = log.impression(
                1, unit: #"quo"te\ {,} ünï\#n\#t"#,
                context: [
                    "a \"key\"": "va\\lue,{}", "number": 0.1, "tiny": 3e-308, "flag": true, "line": "a\nb\tc\u{1}", "whole": 123_456_789,
                ])
            first.eligibleArms = ["five", #"od"d\ ,{arm}"#, "NULL", ""]
            first.propensities = [1.0 / 3, 0.1 + 0.2, 1e-9, 0.3666666656666666]
            first.propensity = 1.0 / 3
            var second = log.impression(2, at: 1.234567, deferred: true)
            second.unit = nil
            second.propensities = nil
            second.propensity = nil
            second.snapshot = nil
            second.drawKey = nil
            for impression in [first, second] {
                #expect(try await log.sink.append(impression) == .stored(impression))
                #expect(try await log.reader.impression(impression.id) == impression)
            }
            #expect(try await log.reader.impression(log.impression(3).id) == nil)
        }
    }

    /// The clients of a busy server: every one of them retries its request, most at the same time.
    @Test func aRequestIDIsAnsweredOnceHoweverOftenItComes() async throws {
        try await TestLog.with { log in
            let answers = try await withThrowingTaskGroup(of: AppendedImpression.self) { group in
                for number in 1...20 {
                    let arm: ArmKey = number.isMultiple(of: 2) ? "five" : "ten"
                    group.addTask {
                        try await log.sink.append(log.impression(UInt64(number), arm: arm), requestID: "request", stickySalt: nil)
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            let stored = answers.compactMap { if case .stored(let row) = $0 { row } else { nil } }
            #expect(stored.count == 1)
            let first = try #require(stored.first)
            #expect(answers.allSatisfy { $0.answer == first })
            #expect(try await log.count("SELECT count(*) FROM counted_impressions") == 1)
            #expect(try await log.reader.uncountedImpressions(of: "checkout") == ["DUPLICATE": 19])
            // The next batch finds the key in the table rather than beside it.
            #expect(try await log.sink.append(log.impression(21), requestID: "request", stickySalt: nil) == .duplicate(of: first))
            // Another request is another impression.
            let other = log.impression(22)
            #expect(try await log.sink.append(other, requestID: "other", stickySalt: nil) == .stored(other))
            // A duplicate's row tells what was answered, for certain.
            let row = try #require(try await log.reader.impression(log.impression(21).id))
            #expect(row.arm == first.arm)
            #expect(row.duplicateOf == first.id)
            #expect(row.propensity == 1)
            #expect(row.propensities == row.eligibleArms.map { $0 == first.arm ? 1 : 0 })
            // The client may have seen either id.
            try await log.sink.append(log.conversion("c", of: .impression(row.id), at: 60, value: 7))
            #expect(try await log.sums(first.id)?.value == 7)
            #expect(try await log.sums(row.id) == nil)
        }
    }

    @Test func aStickyUnitKeepsTheRowThatWasDrawn() async throws {
        try await TestLog.with { log in
            let first = log.impression(1, unit: "u", arm: "ten")
            #expect(try await log.sink.append(first, requestID: nil, stickySalt: "salt") == .stored(first))
            let again = try await log.sink.append(log.impression(2, at: 60, unit: "u", arm: "five"), requestID: "r", stickySalt: "salt")
            guard case .repeated(let row, of: let drawn) = again else {
                Issue.record("the unit's second impression is \(again)")
                return
            }
            #expect(drawn == first)
            #expect(row.id == log.impression(2, at: 60).id)
            #expect(row.arm == "ten")
            #expect(row.propensities == [0, 0, 1])
            #expect(row.repeatedOf == first.id)
            #expect(try await log.reader.impression(row.id) == row)
            // Neither another salt nor an assignment outside of the policy repeats it.
            let salted = log.impression(3, at: 61, unit: "u")
            #expect(try await log.sink.append(salted, requestID: nil, stickySalt: "other") == .stored(salted))
            let holdout = log.impression(4, at: 62, unit: "u", reason: .holdout)
            #expect(try await log.sink.append(holdout, requestID: nil, stickySalt: "salt") == .stored(holdout))
            // A duplicate of a repetition leads to the drawn row.
            let duplicate = log.impression(5, at: 63, unit: "u")
            #expect(try await log.sink.append(duplicate, requestID: "r", stickySalt: "salt") == .duplicate(of: row))
            try await log.sink.append([
                log.conversion("a", of: .impression(row.id), at: 90, value: 1),
                log.conversion("b", of: .impression(duplicate.id), at: 90, value: 2),
                log.conversion("c", of: .impression(first.id), at: 90, value: 4),
            ])
            #expect(try await log.sums(first.id)?.value == 7)
            #expect(try await log.reader.uncountedImpressions(of: "checkout") == ["REPEATED": 1, "DUPLICATE": 1, "HOLDOUT": 1])
        }
    }

    @Test func whereTheDrawnArmIsGoneTheRowKeepsItsOwn() async throws {
        try await TestLog.with { log in
            try await log.sink.append(log.impression(1, unit: "u", arm: "ten"), requestID: nil, stickySalt: "s")
            var next = log.impression(2, at: 5, unit: "u", arm: "five")
            next.eligibleArms = ["none", "five"]
            next.propensities = [0.5, 0.5]
            guard case .repeated(let row, of: _) = try await log.sink.append(next, requestID: nil, stickySalt: "s") else {
                Issue.record("the unit was known")
                return
            }
            #expect(row.arm == "five")
            #expect(row.propensities == [0, 1])
        }
    }

    @Test func deferredImpressionsCountFromTheirActivation() async throws {
        try await TestLog.with { log in
            let deferred = log.impression(1, deferred: true)
            try await log.sink.append(deferred)
            let before = try await log.reader.highWater()
            #expect(try await log.reader.newImpressions(of: "checkout", after: 0, through: before, limit: 10).isEmpty)
            #expect(try await log.reader.uncountedImpressions(of: "checkout") == ["NOT_ACTIVATED": 1])
            #expect(try await log.sink.activate(deferred.id, at: TestLog.start + 5))
            #expect(try await log.sink.activate(deferred.id, at: TestLog.start + 6))
            #expect(try await !log.sink.activate(log.impression(9).id, at: TestLog.start + 5))
            let after = try await log.reader.highWater()
            let new = try await log.reader.newImpressions(of: "checkout", after: before, through: after, limit: 10)
            #expect(new.map(\.impression.id) == [deferred.id])
            // A reader at the old position still sees the log as it stood then.
            #expect(try await log.reader.newImpressions(of: "checkout", after: 0, through: before, limit: 10).isEmpty)
            #expect(try await log.count("SELECT count(*) FROM activations") == 1)
        }
    }

    @Test func showingARepetitionActivatesTheDrawnRow() async throws {
        try await TestLog.with { log in
            let drawn = log.impression(1, unit: "u", deferred: true)
            try await log.sink.append(drawn, requestID: nil, stickySalt: "s")
            let again = try await log.sink.append(log.impression(2, at: 9, unit: "u", deferred: true), requestID: nil, stickySalt: "s")
            #expect(try await log.sink.activate(again.answer.id, at: TestLog.start + 10))
            #expect(try await log.sums(drawn.id) == RewardSums())
        }
    }

    @Test func conversionsAreKeptOnceAndBadOnesSaidByIndex() async throws {
        try await TestLog.with { log in
            let impression = log.impression(1)
            try await log.sink.append(impression)
            let good = log.conversion("a", of: .impression(impression.id), at: 60, value: 5)
            let first = try await log.sink.append([
                good, good, log.conversion("nan", of: .impression(impression.id), at: 60, value: .nan),
                log.conversion("", of: .impression(impression.id), at: 60),
                log.conversion("margin", of: .impression(impression.id), at: 60, margin: .infinity),
                Conversion(
                    id: "future", subject: .unit("u", "checkout"), kind: "purchase", value: 1, occurredAt: TestLog.start + 301,
                    receivedAt: TestLog.start),
                Conversion(
                    id: "soon", subject: .unit("u", "checkout"), kind: "purchase", value: 1, occurredAt: TestLog.start + 300,
                    receivedAt: TestLog.start),
            ])
            #expect(first.accepted == 2)
            #expect(first.duplicates == 1)
            #expect(first.rejected.map(\.index) == [2, 3, 4, 5])
            #expect(first.rejected.map(\.code) == [.notFinite, .emptyID, .notFinite, .future])
            // The same id again changes nothing, whatever it says now.
            var changed = good
            changed.value = 500
            changed.receivedAt = TestLog.start + 999
            #expect(try await log.sink.append([changed]) == ConversionReceipt(accepted: 0, duplicates: 1))
            #expect(try await log.reader.conversions(naming: impression.id) == [good])
            #expect(try await log.sink.append([]) == ConversionReceipt())
        }
    }

    /// Days far apart and out of order, then one that somebody detached behind the sink's back.
    @Test func partitionsAreMadeAsRowsNeedThem() async throws {
        try await TestLog.with { log in
            let days: [Double] = [0, -400, 1, -20_000, 30]
            for (number, day) in days.enumerated() {
                try await log.sink.append(log.impression(UInt64(number + 1), at: day * TestLog.day))
            }
            try await log.sink.append(log.impression(10, at: 3600))
            #expect(try await log.count("SELECT count(*) FROM pg_inherits WHERE inhparent = 'impressions'::regclass") == 5)
            #expect(try await log.count("SELECT count(*) FROM impressions_20261101") == 2)
            try await log.pool.withConnection {
                try await $0.executeScript("ALTER TABLE impressions DETACH PARTITION impressions_20261101; DROP TABLE impressions_20261101")
            }
            try await log.sink.append(log.impression(11, at: 7200))
            #expect(try await log.count("SELECT count(*) FROM impressions_20261101") == 1)
        }
    }

    @Test func twoWritersOfANewDayMakeOnePartition() async throws {
        try await TestLog.with { log in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 1...6 {
                    group.addTask {
                        let sink = PostgresEventSink(target: log.target, logger: TestLog.silent)
                        try await withThrowingTaskGroup(of: Void.self) { inner in
                            inner.addTask { try await sink.run() }
                            try await sink.append(log.impression(UInt64(number), at: Double(number)))
                            await sink.shutdown()
                            try await inner.waitForAll()
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await log.count("SELECT count(*) FROM impressions_20261101") == 6)
        }
    }

    /// A record that PostgreSQL refuses must not take its batch with it.
    @Test func refusedRecordsGoToDeadLettersAndTheRestIsKept() async throws {
        try await TestLog.with { log in
            let bad: [UInt64: Impression] = [
                17: log.impression(17, context: ["note": "zero \u{0} inside"]), 33: log.impression(33, unit: "zero\u{0}unit"),
            ]
            let outcomes = try await withThrowingTaskGroup(of: (UInt64, EventLogError?).self) { group in
                for number in 1...60 as ClosedRange<UInt64> {
                    group.addTask {
                        do {
                            try await log.sink.append(bad[number] ?? log.impression(number))
                            return (number, nil)
                        } catch let error as EventLogError { return (number, error) }
                    }
                }
                group.addTask {
                    let receipt = try await log.sink.append([
                        log.conversion("x\u{0}", of: .unit("u", "checkout"), at: 0), log.conversion("y", of: .unit("u", "checkout"), at: 0),
                    ])
                    #expect(receipt.accepted == 1)
                    #expect(receipt.rejected.map(\.index) == [0])
                    #expect(receipt.rejected.map(\.code) == [.refused])
                    return (0, nil)
                }
                return try await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
            }
            #expect(Set(outcomes.keys) == [17, 33])
            #expect(outcomes[17] == .refused(sqlState: "22P05"))
            #expect(try await log.count("SELECT count(*) FROM impressions") == 58)
            #expect(try await log.count("SELECT count(*) FROM dead_letters") == 3)
            let letter = try await log.pool.withConnection {
                try await $0.queryOne("SELECT payload FROM dead_letters WHERE sql_state = '22P05' AND kind = 'impression'")
            }
            let payload = String(decoding: try letter.decode("payload", as: [UInt8].self), as: UTF8.self)
            #expect(payload.contains(log.impression(17).id.description))
            #expect(payload.contains(#"zero \u0000 inside"#))
        }
    }

    @Test func numbersThatJSONHasNotAreRefusedAtOnce() async throws {
        try await TestLog.with { log in
            await #expect(throws: EventLogError.notFinite(field: "context.x")) {
                try await log.sink.append(log.impression(1, context: ["x": .number(.nan)]))
            }
        }
    }

    /// The server ends the writer's session again and again while callers append.
    @Test func aDroppedConnectionHealsAndNothingIsLostOrDoubled() async throws {
        try await TestLog.with { log in
            let count: UInt64 = 400
            let accepted = try await withThrowingTaskGroup(of: Int.self) { group in
                for worker in 0..<8 as Range<UInt64> {
                    group.addTask {
                        var accepted = 0
                        for step in 0..<count / 8 {
                            let number = worker * (count / 8) + step + 1
                            let impression = log.impression(number, at: Double(number))
                            let answer = try await log.sink.append(impression, requestID: "request-\(number)", stickySalt: nil)
                            #expect(answer == .stored(impression))
                            let receipt = try await log.sink.append([
                                log.conversion(ConversionID("c-\(number)"), of: .impression(impression.id), at: Double(number) + 1)
                            ])
                            accepted += receipt.accepted
                            #expect(receipt.duplicates == 0)
                        }
                        return accepted
                    }
                }
                group.addTask {
                    let killer = try await Connection.open(log.target)
                    for _ in 0..<25 {
                        try await killer.execute(
                            """
                            SELECT pg_terminate_backend(pid), pg_sleep(0.01) FROM pg_stat_activity
                             WHERE datname = current_database() AND pid <> pg_backend_pid()
                            """)
                    }
                    await killer.close()
                    return 0
                }
                return try await group.reduce(0, +)
            }
            #expect(accepted == Int(count))
            #expect(try await log.count("SELECT count(*) FROM impressions WHERE duplicate_of IS NULL") == Int(count))
            #expect(try await log.count("SELECT count(*) FROM impressions") == Int(count))
            #expect(try await log.count("SELECT count(*) FROM conversions") == Int(count))
        }
    }

    /// A reader that remembers one position and reads while two sinks write sees every row exactly once.
    @Test func aReaderThatRemembersAPositionMissesNothing() async throws {
        try await TestLog.with { log in
            let total = 600
            let isWritten = Flag()
            let other = PostgresEventSink(target: log.target, configuration: .init(batchLimit: 3), logger: TestLog.silent)
            let seen = try await withThrowingTaskGroup(of: [ImpressionID].self) { group in
                group.addTask {
                    try await other.run()
                    return []
                }
                group.addTask {
                    try await withThrowingTaskGroup(of: Void.self) { writers in
                        for worker in 0..<12 {
                            writers.addTask {
                                for step in 0..<total / 12 {
                                    let number = UInt64(worker * (total / 12) + step + 1)
                                    let impression = log.impression(number, at: Double(number % 50) * 3600)
                                    if worker.isMultiple(of: 2) {
                                        try await log.sink.append(impression)
                                    } else {
                                        try await other.append(impression, requestID: "r\(number)", stickySalt: nil)
                                    }
                                }
                            }
                        }
                        try await writers.waitForAll()
                    }
                    await other.shutdown()
                    isWritten.isSet.store(true, ordering: .releasing)
                    return []
                }
                group.addTask {
                    var seen: [ImpressionID] = []
                    var cursor: Int64 = 0
                    while true {
                        let isLast = isWritten.isSet.load(ordering: .acquiring)
                        let high = try await log.reader.highWater()
                        // In pages, as the learner reads.
                        while true {
                            let page = try await log.reader.newImpressions(of: "checkout", after: cursor, through: high, limit: 50)
                            seen += page.map(\.impression.id)
                            guard page.count == 50, let last = page.last else { break }
                            cursor = last.position
                        }
                        cursor = high
                        if isLast { return seen }
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(seen.count == total)
            #expect(Set(seen).count == total)
        }
    }
}

private final class Flag: Sendable {
    let isSet = Atomic(false)
}

@Suite struct EventSinkLimitTests {
    private let nowhere = ConnectionTarget(url: "host=/nonexistent dbname=none connect_timeout=1")
    private let row = Impression(
        id: ImpressionID(time: TestLog.start, random: (1, 2)), experiment: "e", experimentVersion: 1, unit: "u", variant: .policy,
        reason: .policy, context: [:], eligibleArms: ["a"], propensities: [1], arm: "a", propensity: 1, snapshot: 1, drawKey: "k",
        occurredAt: TestLog.start, receivedAt: TestLog.start)

    @Test func aDatabaseThatIsAwayIsSaidInTime() async throws {
        let sink = PostgresEventSink(target: nowhere, configuration: .init(patience: .milliseconds(40)), logger: TestLog.silent)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await sink.run() }
            await #expect(throws: EventLogError.unavailable(seconds: 0.04)) { try await sink.append(row) }
            await sink.shutdown()
            try await group.waitForAll()
        }
        await #expect(throws: EventLogError.closed) { try await sink.append(row) }
    }

    @Test func aFullQueueRefuses() async throws {
        let sink = PostgresEventSink(target: nowhere, configuration: .init(queueLimit: 3), logger: TestLog.silent)
        let refusals = await withTaskGroup(of: EventLogError?.self) { group in
            for _ in 0..<5 {
                group.addTask {
                    do { try await sink.append(row) } catch let error as EventLogError { return error } catch {}
                    return nil
                }
            }
            // Nobody writes, so two are refused at once and three wait until the sink is shut down.
            var refusals: [EventLogError?] = []
            for _ in 0..<2 { refusals.append(await group.next() ?? nil) }
            await sink.shutdown()
            for await refusal in group { refusals.append(refusal) }
            return refusals
        }
        #expect(refusals == [.overloaded(waiting: 3), .overloaded(waiting: 3), .closed, .closed, .closed])
    }

    @Test func aCancelledSinkFailsWhoeverWaits() async throws {
        let sink = PostgresEventSink(target: nowhere, configuration: .init(patience: .seconds(3600)), logger: TestLog.silent)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await #expect(throws: EventLogError.closed) { try await sink.append(row) } }
            while sink.waitingCount == 0 { await Task.yield() }
            group.addTask { try await sink.run() }
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    /// The twin in memory follows the same rules.
    @Test func theSinkInMemoryRepeatsAndDuplicatesAlike() async throws {
        let sink = MemoryEventSink()
        #expect(try await sink.append(row, requestID: "r", stickySalt: "s") == .stored(row))
        func numbered(_ number: UInt64) -> Impression {
            Impression(
                id: ImpressionID(time: TestLog.start, random: (number, number)), experiment: "e", experimentVersion: 1, unit: "u",
                variant: .policy, reason: .policy, context: [:], eligibleArms: ["a"], propensities: [1], arm: "a", propensity: 1,
                snapshot: 1,
                drawKey: "k", occurredAt: TestLog.start, receivedAt: TestLog.start)
        }
        #expect(try await sink.append(numbered(5), requestID: "r", stickySalt: "s") == .duplicate(of: row))
        let repeated = try await sink.append(numbered(6), requestID: nil, stickySalt: "s")
        #expect(repeated.answer.repeatedOf == row.id)
        #expect(sink.impressions.count == 3)
        #expect(try await sink.activate(repeated.answer.id, at: TestLog.start))
        #expect(Set(sink.activations.keys) == [row.id, repeated.answer.id])
    }
}
