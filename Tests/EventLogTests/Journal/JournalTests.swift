import Foundation
import HaggleCore
import HaggleMath
import Postgres
import TestSupport
import Testing

@testable import EventLog

/// A folder of its own for journals.
struct JournalFolder: ~Copyable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "haggle-journal-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    static func all(in directory: String) throws -> [JournalReader.Item] {
        var items: [JournalReader.Item] = []
        var position: JournalPosition? = .start
        while let from = position {
            let page = try JournalReader(directory: directory).page(from: from)
            items += page.items
            position = page.next
        }
        return items
    }
}

extension JournalReader.Item {
    var impression: Impression? { if case .record(.impression(let pending), _) = content { pending.impression } else { nil } }
    var isDamaged: Bool { if case .damaged = content { true } else { false } }
}

@Suite struct JournalFormatTests {
    private static func impression(_ number: UInt64) -> Impression {
        Impression(
            id: ImpressionID(time: TestLog.start, random: (number, number)), experiment: "checkout", experimentVersion: 3,
            unit: UnitID("ü-\(number)"),
            variant: .policy, reason: .policy,
            context: [
                "x": .number(0.1 + Double(number)), "tiny": .number(.leastNonzeroMagnitude), "text": "a\"\\\u{1F600}", "flag": true,
                "history": .events([["amount": .number(-0.0), "item": "tea"], [:]]),
            ],
            eligibleArms: ["none", ""], propensities: [1.0 / 3, 2.0 / 3], arm: "none", propensity: 1.0 / 3, snapshot: 7, drawKey: nil,
            isDeferred: number % 2 == 0, duplicateOf: nil, repeatedOf: ImpressionID(high: 1, low: .max),
            occurredAt: TestLog.start + 0.123456,
            receivedAt: TestLog.start)
    }

    static func records(_ count: Int) -> [JournalRecord] {
        (0..<count).map { number in
            switch number % 3 {
            case 0:
                .impression(
                    LogBatch.PendingImpression(
                        impression: impression(UInt64(number)), requestID: number % 2 == 0 ? "r\(number)" : nil, stickySalt: nil))
            case 1: .activation(LogBatch.Activation(id: impression(UInt64(number - 1)).id, time: TestLog.start))
            default:
                .conversion(
                    Conversion(
                        id: ConversionID("c\(number)"),
                        subject: number % 2 == 0 ? .unit("u", "checkout") : .impression(impression(UInt64(number - 2)).id),
                        kind: "purchase",
                        value: 59.9, margin: number % 2 == 0 ? nil : 0.1 + 0.2, occurredAt: TestLog.start, receivedAt: TestLog.start))
            }
        }
    }

    private static func segment(_ records: [JournalRecord], in folder: borrowing JournalFolder) throws -> (
        directory: String, bytes: [UInt8]
    ) {
        let directory = folder.path + "/j"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        return (directory, JournalFiles.header + (try records.flatMap { try $0.framed() }))
    }

    private static func write(_ bytes: [UInt8], _ directory: String) throws {
        try Data(bytes).write(to: URL(filePath: JournalFiles.path(directory, segment: 1)))
    }

    @Test func everyFieldComesBack() throws {
        for record in Self.records(12) {
            let frame = try record.framed()
            let back = try JournalRecord(payload: frame[JournalRecord.frameHeader...])
            switch (record, back) {
            case (.impression(let a), .impression(let b)):
                let whole = try b.whole()
                #expect(whole.context["history"] != nil)
                #expect(a.impression == whole && a.requestID == b.requestID && a.stickySalt == b.stickySalt)
            case (.activation(let a), .activation(let b)): #expect(a.id == b.id && a.time == b.time)
            case (.conversion(let a), .conversion(let b)): #expect(a == b)
            default: Issue.record("another kind")
            }
        }
    }

    /// However a crash cuts the last record off, those before it are read, and the torn bytes are told.
    @Test func aTailTornAtAnyByteCostsOnlyItself() throws {
        let folder = try JournalFolder()
        let records = Self.records(4)
        let (directory, bytes) = try Self.segment(records, in: folder)
        let last = try records[3].framed().count
        for cut in 1...last {
            try Self.write(Array(bytes.dropLast(cut)), directory)
            let items = try JournalFolder.all(in: directory)
            #expect(items.prefix(3).allSatisfy { !$0.isDamaged })
            #expect(items.count == (cut == last ? 3 : 4) && (cut == last || items[3].isDamaged), "\(cut)")
        }
    }

    /// Every single flipped bit of a segment is found, and costs the record it is in at most.
    @Test func everyFlippedBitIsFoundAndCostsOneRecord() throws {
        let folder = try JournalFolder()
        let records = Self.records(3)
        let (directory, bytes) = try Self.segment(records, in: folder)
        for bit in 0..<(bytes.count * 8) {
            var flipped = bytes
            flipped[bit / 8] ^= 1 << (bit % 8)
            try Self.write(flipped, directory)
            // A flip in the header's version says so by an error of its own.
            guard let items = try? JournalFolder.all(in: directory) else {
                #expect(bit / 8 < JournalFiles.header.count)
                continue
            }
            #expect(items.count { $0.isDamaged } == 1, "bit \(bit)")
            #expect(items.count { !$0.isDamaged } == (bit / 8 < JournalFiles.header.count ? 3 : 2), "bit \(bit)")
            // Nothing is dropped: what was read and what is damaged are the file.
            #expect(items.last?.end.offset == bytes.count)
        }
    }

    /// Seeded noise, cut, spliced and flipped: the reader ends, and accounts for every byte.
    @Test func noBytesStopTheReader() throws {
        let folder = try JournalFolder()
        let (directory, bytes) = try Self.segment(Self.records(9), in: folder)
        var generator = SeededGenerator(seed: 17)
        let rounds = ProcessInfo.processInfo.environment["HAGGLE_SOAK"] == nil ? 3000 : 1_000_000
        for round in 0..<rounds {
            var noisy = bytes
            for _ in 0..<Int(generator.next() % 4) {
                let start = Int(generator.next() % UInt64(noisy.count))
                let end = min(noisy.count, start + Int(generator.next() % 64))
                switch generator.next() % 4 {
                case 0: noisy.removeSubrange(start..<end)
                case 1: noisy.insert(contentsOf: (start..<end).map { _ in UInt8(truncatingIfNeeded: generator.next()) }, at: start)
                case 2: noisy.insert(contentsOf: Array(noisy[start..<end]), at: Int(generator.next() % UInt64(noisy.count)))
                default: for index in start..<end { noisy[index] = UInt8(truncatingIfNeeded: generator.next()) }
                }
                if noisy.isEmpty { noisy = [0] }
            }
            try Self.write(noisy, directory)
            guard let items = try? JournalFolder.all(in: directory) else { continue }
            #expect((items.last?.end.offset ?? noisy.count) == noisy.count, "round \(round)")
        }
    }

    @Test func aLaterFormatAndAMissingSegmentAreErrors() throws {
        let folder = try JournalFolder()
        let (directory, bytes) = try Self.segment(Self.records(1), in: folder)
        try Self.write(Array("haggle journal 3\n".utf8) + bytes.dropFirst(JournalFiles.header.count), directory)
        #expect(throws: JournalError.newerFormat(path: JournalFiles.path(directory, segment: 1))) {
            try JournalReader(directory: directory).page(from: .start)
        }
        try FileManager.default.moveItem(atPath: JournalFiles.path(directory, segment: 1), toPath: JournalFiles.path(directory, segment: 2))
        #expect(throws: JournalError.segmentMissing(path: JournalFiles.path(directory, segment: 1))) {
            try JournalReader(directory: directory).page(from: .start)
        }
    }
}

@Suite struct JournalWriterTests {
    @Test func whatWasAcknowledgedIsThereAfterwards() async throws {
        let folder = try JournalFolder()
        // Segments so small that every wave begins one.
        let writer = try JournalWriter(below: folder.path, configuration: .init(segmentBytes: 512))
        for wave in 0..<4 {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<50 {
                    group.addTask {
                        let id = ImpressionID(high: 1, low: UInt64(50 * wave + number))
                        try await writer.append([.activation(LogBatch.Activation(id: id, time: TestLog.start))])
                    }
                }
                try await group.waitForAll()
            }
        }
        await writer.close()
        let ids = try JournalFolder.all(in: writer.directory).compactMap { item -> UInt64? in
            if case .record(.activation(let activation), _) = item.content { activation.id.low } else { nil }
        }
        #expect(ids.sorted() == Array(0..<200))
        #expect(try JournalFiles.segments(in: writer.directory).count > 1)
        await #expect(throws: JournalError.closed) { try await writer.append(JournalFormatTests.records(1)) }
    }

    @Test func beyondItsBoundTheJournalRefusesAndKeepsWhatItHas() async throws {
        let folder = try JournalFolder()
        let writer = try JournalWriter(below: folder.path, configuration: .init(diskLimit: 2000))
        var kept = 0
        var refusals = 0
        for record in JournalFormatTests.records(30) {
            do {
                try await writer.append([record])
                kept += 1
            } catch JournalError.full {
                refusals += 1
            }
        }
        #expect(kept > 0 && refusals > 0 && kept + refusals == 30)
        #expect(JournalFiles.size(below: folder.path) <= 2000)
        // Space that was freed is used again.
        writer.released(1000)
        try await writer.append(JournalFormatTests.records(1))
        await writer.close()
        #expect(try JournalFolder.all(in: writer.directory).count == kept + 1)
    }

    @Test func aJournalInUseCannotBeTaken() async throws {
        let folder = try JournalFolder()
        let writer = try JournalWriter(below: folder.path)
        #expect(throws: JournalError.inUse(path: writer.directory)) { try JournalLock(directory: writer.directory) }
        await writer.close()
    }
}
