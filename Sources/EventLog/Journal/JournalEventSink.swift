import Foundation
package import HaggleCore
package import Logging
package import Postgres
import Synchronization

/// Keeps records in a local journal before they are acknowledged, and copies the journal into PostgreSQL.
///
/// An answer waits for the local disk only, so the database may be away for hours. What the database alone knows is found when the records get
/// there: the second row of a request id becomes `duplicate_of` the first, later rows of a sticky unit become its repetitions. While the
/// database answers, impressions with such a key go to it directly, so that the answer is already the right one; while it does not, their
/// draw key (the request id, the unit) gives the same arm on every server that has the same snapshot.
///
/// Journals of processes that are gone are drained by the next process on the same directory.
package final class JournalEventSink: RunningEventSink {
    package struct Configuration: Sendable {
        /// Holds the journals of this machine, a folder for each start of a server.
        package var directory: String
        package var segmentBytes = 64 << 20
        /// All journals of the directory together; beyond it records are refused, and the database has to catch up first.
        package var diskLimit = 8 << 30
        /// How long a segment stays after its records were copied, so that a database restored from a backup can be caught up from it.
        package var keepSeconds = 86_400.0
        /// Whether an acknowledgement waits for the disk.
        package var isDurable = true
        /// How long a key that only the database knows is asked for before the journal takes the record.
        package var patience: Duration = .milliseconds(500)
        /// How long records gather between two transactions that copy them.
        package var linger: Duration = .milliseconds(50)

        package init(directory: String) { self.directory = directory }
    }

    /// How the copying stands, for metrics.
    package struct Lag: Sendable, Equatable {
        /// Bytes on disk below the directory.
        package var bytes = 0
        /// Records copied since the start.
        package var copied = 0
        /// Records and stretches of bytes that were put into `dead_letters` since the start.
        package var deadLetters = 0
        /// Whether the last attempt to copy failed.
        package var isStalled = false
    }

    private let configuration: Configuration
    private let target: ConnectionTarget
    private let logger: Logger
    private let writer: JournalWriter
    private let database: PostgresEventSink
    private let wake: AsyncStream<Void>
    private let waker: AsyncStream<Void>.Continuation
    private let state = Mutex(Lag())

    /// - Throws: `JournalError` where the directory cannot be written.
    package init(target: ConnectionTarget, configuration: Configuration, logger: Logger) throws {
        self.target = target
        self.configuration = configuration
        self.logger = logger
        (wake, waker) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        writer = try JournalWriter(
            below: configuration.directory,
            configuration: .init(
                segmentBytes: configuration.segmentBytes, diskLimit: configuration.diskLimit, isDurable: configuration.isDurable)
        ) { [waker] in waker.yield() }
        database = PostgresEventSink(
            target: target, configuration: .init(patience: configuration.patience, isDurable: configuration.isDurable), logger: logger)
    }

    package var lag: Lag {
        var lag = state.withLock { $0 }
        lag.bytes = writer.used
        return lag
    }

    // MARK: Keeping

    @discardableResult
    package func append(_ impression: Impression, requestID: String?, stickySalt: String?) async throws -> AppendedImpression {
        if requestID != nil || stickySalt != nil, !state.withLock({ $0.isStalled }) {
            do {
                return try await database.append(impression, requestID: requestID, stickySalt: stickySalt)
            } catch EventLogError.unavailable, EventLogError.overloaded {
                // Whether it is stored is unknown. The journal's copy has the same id and is stored once.
            } catch let error where error.mayPass {
            }
        }
        try await writer.append([
            .impression(LogBatch.PendingImpression(impression: impression, requestID: requestID, stickySalt: stickySalt))
        ])
        return .stored(impression)
    }

    /// Keeps an impression that has no key which the database would have to know, without a task.
    /// - Parameters:
    ///   - contextJSON: the impression's context as JSON text that PostgreSQL takes and that reads back to the same values.
    ///   - reply: told nil when it is kept, else why it is not; on whatever thread.
    package func append(_ impression: Impression, contextJSON: String, reply: @escaping @Sendable ((any Error)?) -> Void) {
        do {
            writer.append(
                [try JournalRecord.impression(.init(impression: impression, contextJSON: contextJSON)).framed()], reply: reply)
        } catch {
            reply(error)
        }
    }

    /// Whether the impression is known cannot be asked of every journal, so this is true; an activation of nothing changes nothing.
    package func activate(_ id: ImpressionID, at time: Timestamp) async throws -> Bool {
        try await writer.append([.activation(LogBatch.Activation(id: id, time: time))])
        return true
    }

    /// Conversion ids that are known already are found when the records reach the database; the receipt counts them as accepted.
    @discardableResult
    package func append(_ conversions: [Conversion]) async throws -> ConversionReceipt {
        var receipt = ConversionReceipt()
        var records: [JournalRecord] = []
        var ids: Set<ConversionID> = []
        for (index, conversion) in conversions.enumerated() {
            if let refusal = conversion.refusal() {
                receipt.rejected.append(.init(index: index, code: refusal.code, detail: refusal.detail))
            } else if ids.insert(conversion.id).inserted {
                records.append(.conversion(conversion))
                receipt.accepted += 1
            } else {
                receipt.duplicates += 1
            }
        }
        try await writer.append(records)
        return receipt
    }

    /// An impression that a journal of this machine holds, copied into the database or not; nil where none does.
    ///
    /// Reads the one or two segments that were being written when the id was made: some 100 ms for a full one. Of an evaluation, whose id
    /// tells the hour alone, all that were written since.
    /// - Throws: `JournalError` where a segment cannot be read.
    @concurrent
    package func impression(_ id: ImpressionID) async throws -> Impression? {
        for journal in JournalFiles.journals(in: configuration.directory) {
            let directory = "\(configuration.directory)/\(journal)"
            // A process that cleans up beside us may take a folder away.
            guard let segments = try? JournalFiles.segments(in: directory) else { continue }
            let made = id.time.seconds
            let candidates = segments.drop { JournalFiles.writtenAt(JournalFiles.path(directory, segment: $0)) < made - 1 }
                .prefix(id.mayBeEvaluation ? .max : 2)
            for segment in candidates {
                var next: JournalPosition? = JournalPosition(segment: segment, offset: 0)
                while let position = next, position.segment == segment {
                    let page = try JournalReader(directory: directory).page(from: position)
                    for item in page.items {
                        if case .record(.impression(let pending), _) = item.content, pending.impression.id == id {
                            return try pending.whole()
                        }
                    }
                    next = page.next
                }
            }
        }
        return nil
    }

    /// Returns when everything appended before is in the database.
    package func flush() async throws {
        let wanted = writer.kept
        while true {
            let position = try await Connection.with(target) { connection in
                try await JournalDrain(journal: writer.journal, directory: writer.directory).position(on: connection)
            }
            if position >= wanted { return }
            waker.yield()
            try await Task.sleep(for: .milliseconds(5))
        }
    }

    package func shutdown() async {
        beginShutdown()
        await writer.close()
    }

    /// Refuses new records; `run()` copies what is there, if the database answers, and returns.
    package func beginShutdown() {
        database.beginShutdown()
        waker.finish()
    }

    // MARK: Copying

    /// Copies until `beginShutdown()`; then once more, and returns. What the database does not take stays in the journal for the next process.
    package func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.database.run() }
            group.addTask { await self.copy() }
            try await group.waitForAll()
        }
    }

    private func copy() async {
        var session = Session(target: target)
        var orphans = Self.orphans(configuration, but: writer.journal)
        var cleaned: ContinuousClock.Instant?
        var failures = 0
        let ticks = Task { [waker] in
            // Away or idle, the journals are looked at every second.
            while !Task.isCancelled {
                try? await Task.sleep(for: .seconds(1))
                waker.yield()
            }
        }
        defer { ticks.cancel() }
        for await _ in wake {
            do {
                try await copyAll(&orphans, &session)
                // Ten small transactions cost more than one large one, also those who wait for the database beside us.
                try? await Task.sleep(for: configuration.linger)
                if cleaned.map({ $0 + .seconds(60) < .now }) ?? true {
                    try await removeCopied(&orphans, &session)
                    cleaned = .now
                }
                failures = 0
                state.withLock { $0.isStalled = false }
            } catch {
                failures += 1
                state.withLock { $0.isStalled = true }
                await session.close()
                logger.log(
                    level: failures == 1 ? .error : .debug, "the journal cannot be copied into the database; it is tried again",
                    metadata: ["error": "\(error)"])
                try? await Task.sleep(for: .milliseconds(failures < 7 ? 10 << failures : 1000))
            }
        }
        await writer.close()
        do { try await copyAll(&orphans, &session) } catch {
            logger.error(
                "the journal could not be copied before the end; the next server on this directory does it, or `haggle journal drain`",
                metadata: ["directory": "\(configuration.directory)", "error": "\(error)"])
        }
        await session.close()
    }

    /// A journal that another process left behind; its lock is held until its last segment is gone.
    private struct Orphan {
        let drain: JournalDrain
        let lock: JournalLock
        var isCopied = false
    }

    private var own: JournalDrain { JournalDrain(journal: writer.journal, directory: writer.directory) }

    private func copyAll(_ orphans: inout [Orphan], _ session: inout Session) async throws {
        for index in orphans.indices where !orphans[index].isCopied {
            try await copy(orphans[index].drain, limit: nil, &session)
            orphans[index].isCopied = true
        }
        try await copy(own, limit: writer.kept, &session)
    }

    /// Deletes what was copied and kept long enough, of this journal and of those that others left behind.
    private func removeCopied(_ orphans: inout [Orphan], _ session: inout Session) async throws {
        let connection = try await session.open()
        // A commit that waits for the disk takes all before it along; only then may the journal's copy go.
        try await connection.transaction { connection in
            try await connection.execute("SET LOCAL synchronous_commit = on")
            try await connection.execute(
                "UPDATE journal_offsets SET updated_at = clock_timestamp() WHERE journal = \(own.journal)::uuid")
        }
        let now = Date()
        var freed = try own.removeCopied(
            before: try await own.position(on: connection), isWritten: true, keepSeconds: configuration.keepSeconds, now: now)
        for orphan in orphans where orphan.isCopied {
            freed += try orphan.drain.removeCopied(
                before: try await orphan.drain.position(on: connection), isWritten: false, keepSeconds: configuration.keepSeconds, now: now)
        }
        orphans.removeAll { !FileManager.default.fileExists(atPath: $0.drain.directory) }
        if freed > 0 { writer.released(freed) }
    }

    private func copy(_ drain: JournalDrain, limit: JournalPosition?, _ session: inout Session) async throws {
        let connection = try await session.open()
        while true {
            let step = try await drain.step(on: connection, &session.writer, limit: limit)
            if step.deadLetters > 0 {
                logger.error(
                    "records of the journal went to dead_letters",
                    metadata: ["journal": "\(drain.journal)", "count": "\(step.deadLetters)"])
            }
            state.withLock {
                $0.copied += step.records
                $0.deadLetters += step.deadLetters
            }
            if step.isAtEnd { break }
        }
    }

    /// The journals below the directory that no process holds.
    private static func orphans(_ configuration: Configuration, but own: String) -> [Orphan] {
        JournalFiles.journals(in: configuration.directory).filter { $0 != own }.compactMap { journal in
            let directory = "\(configuration.directory)/\(journal)"
            guard let lock = try? JournalLock(directory: directory) else { return nil }
            return Orphan(drain: JournalDrain(journal: journal, directory: directory), lock: lock)
        }
    }

    /// Drains the journals of a directory whose processes are gone, for `haggle journal drain`.
    /// - Returns: records copied, and records and stretches of bytes that went to `dead_letters`, by journal.
    /// - Throws: `JournalError.unreadable` for a directory without journals, `JournalError.inUse` where a process uses one of them.
    package static func drain(
        directory: String, target: ConnectionTarget
    ) async throws -> [(journal: String, copied: Int, deadLetters: Int)] {
        let journals = JournalFiles.journals(in: directory)
        guard !journals.isEmpty else {
            throw JournalError.unreadable(path: directory, reason: "expected folders of journals, named by UUIDs; found none")
        }
        var session = Session(target: target)
        var done: [(journal: String, copied: Int, deadLetters: Int)] = []
        do {
            for journal in journals {
                let folder = "\(directory)/\(journal)"
                let lock = try JournalLock(directory: folder)
                let drain = JournalDrain(journal: journal, directory: folder)
                let connection = try await session.open()
                var total = JournalDrain.Step()
                repeat {
                    let step = try await drain.step(on: connection, &session.writer)
                    total.records += step.records
                    total.deadLetters += step.deadLetters
                    total.isAtEnd = step.isAtEnd
                } while !total.isAtEnd
                withExtendedLifetime(lock) {}
                done.append((journal, total.records, total.deadLetters))
            }
        } catch {
            await session.close()
            throw error
        }
        await session.close()
        return done
    }

    /// The connection that copies, opened when needed.
    private struct Session {
        let target: ConnectionTarget
        var connection: Connection?
        var writer = LogWriter()

        init(target: ConnectionTarget) { self.target = target }

        mutating func open() async throws -> Connection {
            if let connection, await connection.isOpen { return connection }
            let opened = try await Connection.open(target)
            // Rows and offset are in one transaction: where the database's machine crashes and forgets it, the journal brings both again, so no
            // commit has to wait for the disk. A process that stops in the middle of a transaction must not stop the others for long.
            try await opened.executeScript(
                """
                SET lock_timeout = '5s';
                SET idle_in_transaction_session_timeout = '10s';
                SET synchronous_commit = off;
                SET jit = off;
                """)
            connection = opened
            return opened
        }

        mutating func close() async {
            await connection?.close()
            connection = nil
        }
    }
}
