import Foundation
import HaggleCore
import Postgres

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Copies one journal into the tables, each record exactly once: the offset moves in the transaction that brings the records.
struct JournalDrain {
    struct Step: Sendable, Equatable {
        /// Records that are in the tables now.
        var records = 0
        /// Records and stretches of bytes that went to `dead_letters`.
        var deadLetters = 0
        var isAtEnd = false
    }

    /// The journal's UUID.
    let journal: String
    let directory: String
    /// Records a transaction holds at most.
    var batchLimit = 2000

    /// Copies a page of records.
    /// - Parameters:
    ///   - limit: only records before it; for a journal that is being written.
    /// - Throws: `JournalError.takenOver` where another process moved the offset, `JournalError`, what the database throws.
    func step(on connection: Connection, _ writer: inout LogWriter, limit: JournalPosition? = nil) async throws -> Step {
        var position = try await self.position(on: connection)
        let (items, next) = try JournalReader(directory: directory).page(from: position, limit: limit)
        var step = Step()
        var start = items.startIndex
        while start < items.endIndex {
            let end = min(start + batchLimit, items.endIndex)
            try await write(items[start..<end], from: &position, on: connection, &writer, &step)
            start = end
        }
        if let next, next > position {
            try await connection.transaction { connection in try await move(from: position, to: next, in: connection) }
        }
        step.isAtEnd = next == nil
        return step
    }

    /// How far the journal has been copied.
    func position(on connection: Connection) async throws -> JournalPosition {
        let rows = try await connection.query("SELECT segment, byte_offset FROM journal_offsets WHERE journal = \(journal)::uuid")
        guard let row = rows.first else {
            try await connection.execute(
                "INSERT INTO journal_offsets (journal, segment, byte_offset) VALUES (\(journal)::uuid, 1, 0) ON CONFLICT DO NOTHING")
            return .start
        }
        return JournalPosition(segment: try row.decode("segment", as: Int.self), offset: try row.decode("byte_offset", as: Int.self))
    }

    /// Deletes segments that are in the tables and were last written long enough ago; of a journal that nobody writes any more the last one too,
    /// and then its folder.
    /// - Parameter isWritten: whether a process still appends to it.
    /// - Returns: bytes that were freed.
    func removeCopied(before position: JournalPosition, isWritten: Bool, keepSeconds: Double, now: Date) throws -> Int {
        var freed = 0
        defer {
            // Fails, as it should, while a segment is left.
            if !isWritten { unsafe rmdir(directory) }
        }
        for segment in try JournalFiles.segments(in: directory) where segment <= position.segment {
            let path = JournalFiles.path(directory, segment: segment)
            if segment == position.segment, isWritten || position.offset < JournalFiles.size(path) { continue }
            let attributes = try? FileManager.default.attributesOfItem(atPath: path)
            guard let written = attributes?[.modificationDate] as? Date, now.timeIntervalSince(written) >= keepSeconds else { continue }
            let size = JournalFiles.size(path)
            guard (try? FileManager.default.removeItem(atPath: path)) != nil else { continue }
            freed += size
        }
        return freed
    }

    // MARK: Writing

    /// Writes items in one transaction; where the database refuses one of them, in halves until it stands alone and goes to `dead_letters`.
    private func write(
        _ items: ArraySlice<JournalReader.Item>, from position: inout JournalPosition, on connection: Connection, _ writer: inout LogWriter,
        _ step: inout Step
    ) async throws {
        guard let last = items.last else { return }
        var batch = LogBatch()
        var damaged: [(bytes: [UInt8], reason: String)] = []
        for item in items {
            switch item.content {
            case .record(.impression(let impression), _): batch.impressions.append(impression)
            case .record(.activation(let activation), _): batch.activations.append(activation)
            case .record(.conversion(let conversion), _): batch.conversions.append(conversion)
            case .damaged(let bytes, let reason): damaged.append((bytes, reason))
            }
        }
        let activations = batch.activations
        batch.activations = []
        do {
            try await writer.partitions.prepare(for: batch.impressions.lazy.map(\.impression.id), on: connection)
            let (rows, stretches, copier, from) = (batch, damaged, writer, position)
            try await connection.transaction { connection in
                let areStaged = try await copier.stage(rows.impressions, in: connection)
                try await connection.execute("SELECT pg_advisory_xact_lock(\(LogWriter.positionLock))")
                _ = try await copier.write(rows, isRetry: false, areStaged: areStaged, in: connection)
                if !activations.isEmpty { try await copier.activateAhead(activations, in: connection) }
                for (bytes, reason) in stretches {
                    try await Self.bury(kind: "journal", state: nil, message: "journal \(journal): \(reason)", bytes, in: connection)
                }
                try await move(from: from, to: last.end, in: connection)
            }
            position = last.end
            step.records += items.count - damaged.count
            step.deadLetters += damaged.count
        } catch let error as DatabaseError where error.isMissingPartition {
            writer.partitions.forget()
            throw error
        } catch let error where error.isRefusal {
            guard items.count == 1, case .record(let record, let bytes) = items[items.startIndex].content else {
                let middle = items.startIndex + items.count / 2
                try await write(items[..<middle], from: &position, on: connection, &writer, &step)
                return try await write(items[middle...], from: &position, on: connection, &writer, &step)
            }
            let database = error as? DatabaseError
            let (state, message) = (database?.sqlState, database?.message ?? "\(error)")
            let from = position
            try await connection.transaction { connection in
                try await Self.bury(kind: record.kind, state: state, message: message, bytes, in: connection)
                try await move(from: from, to: last.end, in: connection)
            }
            position = last.end
            step.deadLetters += 1
        }
    }

    private static func bury(kind: String, state: String?, message: String, _ bytes: [UInt8], in connection: Connection) async throws {
        try await connection.execute(
            """
            INSERT INTO dead_letters (kind, sql_state, message, payload)
            VALUES (\(kind), \(fragment: state.map { "\($0)" } ?? "NULL"), \(message), \(bytes))
            """)
    }

    private func move(from old: JournalPosition, to new: JournalPosition, in connection: Connection) async throws {
        let moved = try await connection.execute(
            """
            UPDATE journal_offsets SET segment = \(new.segment)::int, byte_offset = \(new.offset)::bigint, updated_at = clock_timestamp()
             WHERE journal = \(journal)::uuid AND segment = \(old.segment)::int AND byte_offset = \(old.offset)::bigint
            """)
        guard moved == 1 else { throw JournalError.takenOver(journal: journal) }
    }
}

extension JournalRecord {
    /// What `dead_letters` calls it.
    var kind: String {
        switch self {
        case .impression: "impression"
        case .activation: "activation"
        case .conversion: "conversion"
        }
    }
}
