import Foundation
import HaggleCore
import Logging
import Postgres
import TestSupport
import Testing

@testable import EventLog

/// Journals into the tables of a real database.
@Suite struct JournalDrainTests {
    private static func write(_ records: [JournalRecord], below folder: borrowing JournalFolder, segmentBytes: Int = 64 << 20) async throws
        -> JournalDrain
    {
        let writer = try JournalWriter(below: folder.path, configuration: .init(segmentBytes: segmentBytes))
        for record in records { try await writer.append([record]) }
        await writer.close()
        return JournalDrain(journal: writer.journal, directory: writer.directory, batchLimit: 7)
    }

    private static func impressions(_ log: TestLog, _ numbers: ClosedRange<UInt64>) -> [JournalRecord] {
        numbers.map { .impression(LogBatch.PendingImpression(impression: log.impression($0), requestID: nil, stickySalt: nil)) }
    }

    private static func drain(_ drain: JournalDrain, _ log: TestLog) async throws -> (records: Int, deadLetters: Int) {
        try await Connection.with(log.target) { connection in
            var writer = LogWriter()
            var total = (records: 0, deadLetters: 0)
            while true {
                let step = try await drain.step(on: connection, &writer)
                total.records += step.records
                total.deadLetters += step.deadLetters
                if step.isAtEnd { return total }
            }
        }
    }

    private static func drainUnlessTakenOver(_ drain: JournalDrain, _ log: TestLog) async throws {
        do { _ = try await Self.drain(drain, log) } catch JournalError.takenOver {}
    }

    @Test func everyRecordArrivesOnceAndAsItWas() async throws {
        let folder = try JournalFolder()
        try await TestLog.with { log in
            var records = Self.impressions(log, 1...50)
            records.append(.activation(LogBatch.Activation(id: log.impression(3).id, time: TestLog.start)))
            let conversion = Conversion(
                id: "o-1", subject: .impression(log.impression(4).id), kind: "purchase", value: 59.9, occurredAt: TestLog.start,
                receivedAt: TestLog.start)
            records += [.conversion(conversion), .conversion(conversion)]
            let drain = try await Self.write(records, below: folder, segmentBytes: 2048)
            #expect(try await Self.drain(drain, log) == (53, 0))
            for number in 1...50 {
                let expected = log.impression(UInt64(number))
                #expect(try await log.reader.impression(expected.id) == expected)
            }
            #expect(try await log.count("SELECT count(*) FROM conversions") == 1)
            #expect(try await log.count("SELECT count(*) FROM activations") == 1)
            // Nothing is left to copy, and copying again changes nothing.
            #expect(try await Self.drain(drain, log) == (0, 0))
            #expect(try await log.count("SELECT count(*) FROM impressions") == 50)
            // Segments go once they were copied and kept long enough, never the last one.
            let segments = try JournalFiles.segments(in: drain.directory)
            let position = try await Connection.with(log.target) { try await drain.position(on: $0) }
            #expect(try drain.removeCopied(before: position, isWritten: true, keepSeconds: 3600, now: Date()) == 0)
            #expect(try drain.removeCopied(before: position, isWritten: true, keepSeconds: 3600, now: Date(timeIntervalSinceNow: 4000)) > 0)
            #expect(segments.count > 3)
            #expect(try JournalFiles.segments(in: drain.directory) == segments.suffix(1))
            // Of a journal that nobody writes any more nothing stays for ever, or restarts would fill the disk.
            let later = Date(timeIntervalSinceNow: 4000)
            let begun = JournalPosition(segment: position.segment, offset: position.offset - 1)
            #expect(try drain.removeCopied(before: begun, isWritten: false, keepSeconds: 3600, now: later) == 0)
            #expect(try drain.removeCopied(before: position, isWritten: false, keepSeconds: 3600, now: later) > 0)
            #expect(!FileManager.default.fileExists(atPath: drain.directory))
        }
    }

    /// A database restored from a backup has an older offset, and catches up from the segments that were kept.
    @Test func aRestoredDatabaseCatchesUp() async throws {
        let folder = try JournalFolder()
        try await TestLog.with { log in
            let drain = try await Self.write(Self.impressions(log, 1...30), below: folder, segmentBytes: 2048)
            #expect(try await Self.drain(drain, log).records == 30)
            _ = try await log.pool.withConnection { connection in
                try await connection.execute("DELETE FROM impressions")
                try await connection.execute("UPDATE journal_offsets SET segment = 1, byte_offset = 0")
            }
            #expect(try await Self.drain(drain, log).records == 30)
            #expect(try await log.count("SELECT count(*) FROM impressions") == 30)
        }
    }

    /// Two processes on one journal, by whatever accident: each row once, and whoever comes second stops.
    @Test func twoDrainersBringEachRecordOnce() async throws {
        let folder = try JournalFolder()
        try await TestLog.with { log in
            let drain = try await Self.write(Self.impressions(log, 1...200), below: folder)
            async let first = Self.drainUnlessTakenOver(drain, log)
            async let second = Self.drainUnlessTakenOver(drain, log)
            _ = try await (first, second)
            _ = try await Self.drain(drain, log)
            #expect(try await log.count("SELECT count(*) FROM impressions") == 200)
            #expect(try await log.count("SELECT count(DISTINCT position) FROM impressions") == 200)
        }
    }

    /// The rows and the offset move together: what fails between them leaves neither.
    @Test func aFailureBeforeTheOffsetMovesLeavesNoRow() async throws {
        let folder = try JournalFolder()
        try await TestLog.with { log in
            let drain = try await Self.write(Self.impressions(log, 1...5), below: folder)
            _ = try await Connection.with(log.target) { try await drain.position(on: $0) }
            // The row that should move is held by somebody else for longer than the drainer waits.
            try await log.pool.withTransaction { holder in
                _ = try await holder.execute("SELECT 1 FROM journal_offsets FOR UPDATE")
                await #expect(throws: DatabaseError.self) {
                    try await Connection.with(log.target) { connection in
                        try await connection.executeScript("SET lock_timeout = '100ms'")
                        var writer = LogWriter()
                        _ = try await drain.step(on: connection, &writer)
                    }
                }
            }
            #expect(try await log.count("SELECT count(*) FROM impressions") == 0)
            #expect(try await Self.drain(drain, log) == (5, 0))
            #expect(try await log.count("SELECT count(*) FROM impressions") == 5)
        }
    }

    /// What PostgreSQL refuses lies in `dead_letters` with its bytes, and the rest of its batch goes on; so do damaged bytes.
    @Test func aRefusedRecordAndDamageGoToDeadLetters() async throws {
        let folder = try JournalFolder()
        try await TestLog.with { log in
            var refused = log.impression(9)
            // The table demands that the arm be among the eligible ones.
            refused.arm = "fifty"
            let bad = JournalRecord.impression(LogBatch.PendingImpression(impression: refused, requestID: nil, stickySalt: nil))
            let drain = try await Self.write(Self.impressions(log, 1...8) + [bad] + Self.impressions(log, 10...20), below: folder)
            let path = JournalFiles.path(drain.directory, segment: 1)
            var bytes = Array(try Data(contentsOf: URL(filePath: path)))
            let frames = try Self.impressions(log, 1...2).map { try $0.framed() }
            bytes[JournalFiles.header.count + frames[0].count + 40] ^= 0x10
            try Data(bytes).write(to: URL(filePath: path))
            #expect(try await Self.drain(drain, log) == (18, 2))
            #expect(try await log.count("SELECT count(*) FROM impressions") == 18)
            let letters = try await log.pool.withConnection {
                try await $0.query("SELECT kind, message, payload FROM dead_letters ORDER BY id").map {
                    (
                        try $0.decode("kind", as: String.self), try $0.decode("message", as: String.self),
                        try $0.decode("payload", as: [UInt8].self)
                    )
                }
            }
            #expect(letters.map(\.0).sorted() == ["impression", "journal"])
            #expect(try letters.contains { $0.2 == (try bad.framed()) })
            #expect(letters.contains { $0.1.contains("checksum") && $0.2.count == frames[1].count })
        }
    }

    /// Another server's journal may bring the activation before this one brings the impression, and a second row of a request comes to rest as
    /// a duplicate.
    @Test func recordsOfTwoServersMayComeInAnyOrder() async throws {
        let folder = try JournalFolder()
        try await TestLog.with { log in
            let shown = log.impression(1, deferred: true)
            let activation = try await Self.write([.activation(LogBatch.Activation(id: shown.id, time: TestLog.start + 5))], below: folder)
            let first = try await Self.write(
                [
                    .impression(LogBatch.PendingImpression(impression: shown, requestID: nil, stickySalt: nil)),
                    .impression(LogBatch.PendingImpression(impression: log.impression(2), requestID: "r", stickySalt: nil)),
                ], below: folder)
            let second = try await Self.write(
                [.impression(LogBatch.PendingImpression(impression: log.impression(3), requestID: "r", stickySalt: nil))], below: folder)
            for drain in [activation, first, second] { #expect(try await Self.drain(drain, log).deadLetters == 0) }
            #expect(try await log.count("SELECT count(*) FROM counted_impressions") == 2)
            #expect(try await log.reader.impression(log.impression(3).id)?.duplicateOf == log.impression(2).id)
        }
    }

    /// The whole sink: acknowledged without a word from the database, copied when it is there, and what a dead process left is found.
    @Test func theSinkKeepsWithoutTheDatabaseAndCopiesLater() async throws {
        let folder = try JournalFolder()
        let path = folder.path
        try await TestLog.with { log in
            let dead = try await Self.write(Self.impressions(log, 100...110), below: folder)
            let sink = try JournalEventSink(
                target: log.target, configuration: .init(directory: path), logger: TestLog.silent)
            // With nothing appended there is nothing to wait for.
            try await sink.flush()
            // Nobody copies yet.
            for number in 1...20 { try await sink.append(log.impression(UInt64(number)), requestID: nil, stickySalt: nil) }
            #expect(try await log.count("SELECT count(*) FROM impressions") == 0)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await sink.run() }
                try await sink.flush()
                #expect(try await log.count("SELECT count(*) FROM impressions") == 31)
                let receipt = try await sink.append([
                    Conversion(
                        id: "o-1", subject: .impression(log.impression(1).id), kind: "purchase", value: 1, occurredAt: TestLog.start,
                        receivedAt: TestLog.start)
                ])
                #expect(receipt == ConversionReceipt(accepted: 1))
                await sink.shutdown()
                try await group.waitForAll()
            }
            #expect(try await log.count("SELECT count(*) FROM conversions") == 1)
            #expect(sink.lag.copied == 32 && !sink.lag.isStalled)
            #expect(FileManager.default.fileExists(atPath: dead.directory))
        }
    }
}
