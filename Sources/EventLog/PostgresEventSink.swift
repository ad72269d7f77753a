package import HaggleCore
package import Logging
package import Postgres
import Synchronization

/// Keeps records in PostgreSQL with group commit: everything that waits when the previous commit has returned is the next transaction. There
/// is no timer; one caller alone waits for one commit, many share it.
///
/// `run()` does the writing; nothing is written, and no call returns, unless it runs.
///
/// - A connection that breaks is opened again and the batch is written again; ids come from the callers, so nothing is doubled. Callers wait
///   at most `Configuration.patience`, then get `EventLogError.unavailable`.
/// - A record that the database refuses goes to `dead_letters` and its caller gets `EventLogError.refused`; the others of its batch are kept.
package final class PostgresEventSink: RunningEventSink {
    package struct Configuration: Sendable {
        /// Records that may wait at once; further ones get `EventLogError.overloaded`.
        package var queueLimit: Int
        /// Records in one transaction at most (a single call with more comes alone).
        package var batchLimit: Int
        /// How long a record waits for the database, counted from its call.
        package var patience: Duration
        /// How long a statement waits for a lock before its batch is tried again.
        package var lockTimeout: Duration
        /// Whether COMMIT waits for stable storage. False loses the last fraction of a second in a crash of the database's machine.
        package var isDurable: Bool

        package init(
            queueLimit: Int = 20_000, batchLimit: Int = 500, patience: Duration = .seconds(10), lockTimeout: Duration = .seconds(5),
            isDurable: Bool = true
        ) {
            self.queueLimit = queueLimit
            self.batchLimit = batchLimit
            self.patience = patience
            self.lockTimeout = lockTimeout
            self.isDurable = isDurable
        }
    }

    private let target: ConnectionTarget
    private let configuration: Configuration
    private let logger: Logger
    private let queue: Mutex<AppendQueue>
    private let wake: AsyncStream<Void>
    private let waker: AsyncStream<Void>.Continuation
    private let clock = ContinuousClock()

    package init(target: ConnectionTarget, configuration: Configuration = Configuration(), logger: Logger) {
        self.target = target
        self.configuration = configuration
        self.logger = logger
        queue = Mutex(AppendQueue(recordLimit: configuration.queueLimit))
        (wake, waker) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    // MARK: Appending

    @discardableResult
    package func append(_ impression: Impression, requestID: String?, stickySalt: String?) async throws -> AppendedImpression {
        if let problem = impression.notFiniteField { throw EventLogError.notFinite(field: problem) }
        let pending = LogBatch.PendingImpression(impression: impression, requestID: requestID, stickySalt: stickySalt)
        return try await withCheckedThrowingContinuation { add(.impression(pending, $0)) }
    }

    package func activate(_ id: ImpressionID, at time: Timestamp) async throws -> Bool {
        try await withCheckedThrowingContinuation { add(.activation(LogBatch.Activation(id: id, time: time), $0)) }
    }

    @discardableResult
    package func append(_ conversions: [Conversion]) async throws -> ConversionReceipt {
        var receipt = ConversionReceipt()
        var taken: [(index: Int, conversion: Conversion)] = []
        for (index, conversion) in conversions.enumerated() {
            if let refusal = conversion.refusal() {
                receipt.rejected.append(.init(index: index, code: refusal.code, detail: refusal.detail))
            } else {
                taken.append((index, conversion))
            }
        }
        guard !taken.isEmpty else { return receipt }
        let outcomes = try await withCheckedThrowingContinuation { add(.conversions(taken.map(\.conversion), $0)) }
        for (outcome, (index, _)) in zip(outcomes, taken) {
            switch outcome {
            case .accepted: receipt.accepted += 1
            case .duplicate: receipt.duplicates += 1
            case .refused(let state):
                let detail = "the database refused it" + (state.map { " (\($0))" } ?? "")
                receipt.rejected.append(.init(index: index, code: .refused, detail: detail))
            }
        }
        receipt.rejected.sort { $0.index < $1.index }
        return receipt
    }

    package func flush() async throws { try await withCheckedThrowingContinuation { add(.flush($0)) } }

    package func shutdown() async {
        // Whether the last records were kept, their callers are told.
        try? await withCheckedThrowingContinuation { close($0) }
    }

    /// Refuses new records; `run()` writes those that wait and returns.
    package func beginShutdown() { close(nil) }

    private func close(_ reply: AppendQueue.FlushReply?) {
        let left = queue.withLock { $0.close(reply) }
        for waiting in left { waiting.entry.fail(EventLogError.closed) }
        waker.yield()
    }

    /// Records that wait, for a metric.
    package var waitingCount: Int { queue.withLock { $0.recordCount } }

    private func add(_ entry: AppendQueue.Entry) {
        let now = clock.now
        if let refusal = queue.withLock({ $0.add(entry, at: now) }) {
            entry.fail(refusal)
        } else {
            waker.yield()
        }
    }

    // MARK: Writing

    /// Writes until `beginShutdown()` and everything before it is kept, or until its task is cancelled, which fails whoever waits.
    package func run() async throws {
        queue.withLock { $0.isServed = true }
        var session = Session(target: target, configuration: configuration, logger: logger)
        wakeUps: for await _ in wake {
            while true {
                let (batch, isDone) = queue.withLock { ($0.take(upTo: configuration.batchLimit), $0.isClosed && $0.isEmpty) }
                if !batch.isEmpty { await write(batch, in: &session) }
                if isDone { break wakeUps }
                if batch.isEmpty || Task.isCancelled { break }
            }
        }
        await session.close()
        let left = queue.withLock { queue in
            queue.isServed = false
            return queue.close()
        }
        for waiting in left { waiting.entry.fail(EventLogError.closed) }
    }

    /// Writes a batch, over as many connections as it takes, and answers its callers.
    private func write(_ batch: [AppendQueue.Waiting], in session: inout Session) async {
        var batch = batch
        var failures = 0
        while !batch.isEmpty {
            do {
                let outcome = try await session.write(LogBatch(batch), isRetry: failures > 0)
                return batch.answer(outcome)
            } catch let error where error.mayPass && !Task.isCancelled {
                failures += 1
                logger.debug("writing the event log again", metadata: ["failures": "\(failures)", "error": "\(error)"])
                let impatient = clock.now - configuration.patience
                for waiting in batch where waiting.since <= impatient {
                    waiting.entry.fail(EventLogError.unavailable(seconds: configuration.patience / .seconds(1)))
                }
                batch.removeAll { $0.since <= impatient }
                try? await clock.sleep(for: Self.pause(after: failures))
            } catch {
                logger.debug("the event log cannot be written", metadata: ["error": "\(error)"])
                for waiting in batch { waiting.entry.fail(Task.isCancelled ? EventLogError.closed : error) }
                return
            }
        }
    }

    /// 10 ms, doubled up to 1 s.
    private static func pause(after failures: Int) -> Duration { .milliseconds(failures < 7 ? 5 << failures : 1000) }

    /// The connection, opened when needed, and what is known about the database behind it.
    private struct Session {
        let target: ConnectionTarget
        let configuration: Configuration
        let logger: Logger
        var connection: Connection?
        var writer = LogWriter()

        mutating func write(_ batch: LogBatch, isRetry: Bool) async throws -> LogBatch.Outcome {
            let connection = try await open()
            do {
                return try await writer.write(batch, isRetry: isRetry, on: connection)
            } catch let error as DatabaseError where error.isMissingPartition {
                // Somebody detached it since we saw it.
                writer.partitions.forget()
                throw error
            } catch let error where error.isRefusal {
                return try await writeAround(batch, error: error, isRetry: isRetry, on: connection)
            } catch {
                if !(await connection.isOpen) { self.connection = nil }
                throw error
            }
        }

        /// Finds the record that the database refuses by halving the batch, puts it into `dead_letters` and keeps the others.
        private mutating func writeAround(
            _ batch: LogBatch, error: any Error, isRetry: Bool, on connection: Connection
        ) async throws -> LogBatch.Outcome {
            guard batch.count == 1 else {
                let (first, second) = batch.halves()
                let left = try await writePart(first, isRetry: isRetry, on: connection)
                return left + (try await writePart(second, isRetry: isRetry, on: connection))
            }
            logger.debug("the database refused a record", metadata: ["error": "\(error)"])
            let database = error as? DatabaseError
            let (kind, payload) = batch.deadLetter
            let state: String? = database?.sqlState
            let message = database?.message ?? "\(error)"
            try await connection.execute(
                """
                INSERT INTO dead_letters (kind, sql_state, message, payload)
                VALUES (\(kind), \(fragment: state.map { "\($0)" } ?? "NULL"), \(message), \(payload))
                """)
            let refusal = EventLogError.refused(sqlState: state)
            return LogBatch.Outcome(
                impressions: batch.impressions.map { _ in .failure(refusal) },
                activations: batch.activations.map { _ in .failure(refusal) },
                conversions: batch.conversions.map { _ in .refused(sqlState: state) })
        }

        private mutating func writePart(_ batch: LogBatch, isRetry: Bool, on connection: Connection) async throws -> LogBatch.Outcome {
            guard batch.count > 0 else { return LogBatch.Outcome() }
            do {
                // Parts are committed one by one; if a later one loses the connection, the whole batch is written again as a retry.
                return try await writer.write(batch, isRetry: isRetry, on: connection)
            } catch let error where error.isRefusal {
                return try await writeAround(batch, error: error, isRetry: isRetry, on: connection)
            }
        }

        private mutating func open() async throws -> Connection {
            if let connection, await connection.isOpen { return connection }
            let opened = try await Connection.open(target)
            let lockMilliseconds = Int(configuration.lockTimeout / .milliseconds(1))
            // A writer that stops in the middle of a transaction must not stop the others for long.
            try await opened.executeScript(
                """
                SET lock_timeout = \(lockMilliseconds);
                SET idle_in_transaction_session_timeout = \(2 * lockMilliseconds);
                SET synchronous_commit = \(configuration.isDurable ? "on" : "off");
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

extension LogBatch {
    init(_ waiting: [AppendQueue.Waiting]) {
        for item in waiting {
            switch item.entry {
            case .impression(let impression, _): impressions.append(impression)
            case .activation(let activation, _): activations.append(activation)
            case .conversions(let list, _): conversions += list
            case .flush: break
            }
        }
    }

    /// The only record, as bytes.
    fileprivate var deadLetter: (kind: String, payload: [UInt8]) {
        if let impression = impressions.first?.impression { return ("impression", impression.deadLetter()) }
        if let conversion = conversions.first { return ("conversion", conversion.deadLetter()) }
        return ("activation", Array((activations.first?.id.description ?? "").utf8))
    }
}

extension [AppendQueue.Waiting] {
    /// Tells every caller what became of its records.
    fileprivate func answer(_ outcome: LogBatch.Outcome) {
        var impressions = outcome.impressions.makeIterator()
        var activations = outcome.activations.makeIterator()
        var position = 0
        for waiting in self {
            switch waiting.entry {
            case .impression(_, let reply):
                guard let result = impressions.next() else { preconditionFailure("every impression has an outcome") }
                reply.resume(with: result)
            case .activation(_, let reply):
                guard let result = activations.next() else { preconditionFailure("every activation has an outcome") }
                reply.resume(with: result)
            case .conversions(let list, let reply):
                reply.resume(returning: Array<LogBatch.Outcome.OfConversion>(outcome.conversions[position..<position + list.count]))
                position += list.count
            case .flush(let reply): reply.resume()
            }
        }
    }
}

extension Impression {
    /// A number that neither JSON nor the database has.
    fileprivate var notFiniteField: String? {
        for (name, value) in context.values {
            if case .number(let number) = value, !number.isFinite { return "context.\(name)" }
        }
        if propensities?.contains(where: { !$0.isFinite }) == true { return "propensities" }
        if propensity?.isFinite == false { return "propensity" }
        return nil
    }
}

extension DatabaseError {
    /// No partition for a row's id: a check violation that names no constraint.
    var isMissingPartition: Bool { sqlState == "23514" && constraint == nil }
}

extension Error {
    /// What a record holds is the trouble: data exceptions, violated constraints, values beyond a limit of the program, U+0000.
    var isRefusal: Bool {
        if let error = self as? DatabaseError, let state = error.sqlState {
            return !error.isMissingPartition && ["22", "23", "54"].contains(String(state.prefix(2)))
        }
        if case .zeroCharacter = self as? PostgresError { return true }
        return false
    }

    /// The same batch may be taken when it is tried again.
    var mayPass: Bool {
        if let error = self as? DatabaseError {
            // Without a state the trouble is libpq's: no server answers.
            return error.isConnectionLost || error.isRetryable || error.isMissingPartition || error.sqlState == nil
                || error.sqlState == "25P03" || error.sqlState?.hasPrefix("53") == true
        }
        if case .connectionClosed = self as? PostgresError { return true }
        return false
    }
}
