import Synchronization

/// One session on a PostgreSQL server. Its calls block a thread of its own and nobody else's.
///
/// Statements of different tasks take turns; a transaction, a stream or a COPY belongs to one task, so lend a connection from a
/// `ConnectionPool` rather than share it. A task that is cancelled cancels its statement on the server and gets a `CancellationError`.
package actor Connection {
    private let executor: ThreadExecutor
    private let target: ConnectionTarget
    private var handle = ConnectionHandle()
    private var phase = Phase.ready
    let canceller = StatementCanceller()
    private let health = Atomic(Health.closed.rawValue)
    private let descriptor = Atomic<Int32>(-1)

    package nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe executor.asUnownedSerialExecutor()  // the actor keeps its executor
    }

    private enum Phase { case ready, copyIn, copyOut, stream }

    /// What the pool asks when a connection comes back, without waiting for the connection's thread.
    enum Health: UInt8 { case closed, idle, busy }

    private init(_ target: ConnectionTarget) {
        self.target = target
        executor = ThreadExecutor(name: "haggle-postgres")
    }

    /// Connects. - Throws: `DatabaseError` with `isConnectionLost` when no server answers or it refuses.
    package static func open(_ target: ConnectionTarget) async throws -> Connection {
        let connection = Connection(target)
        try await connection.connect()
        return connection
    }

    /// Lends a connection and closes it afterwards.
    @discardableResult
    package static func with<Result>(_ target: ConnectionTarget, _ body: (Connection) async throws -> Result) async throws -> Result {
        let connection = try await open(target)
        do {
            let result = try await body(connection)
            await connection.close()
            return result
        } catch {
            await connection.close()
            throw error
        }
    }

    private func connect() throws {
        defer { publish() }
        try handle.open(target)
        canceller.connect(handle.makeCancelHandle())
        descriptor.store(handle.socket, ordering: .releasing)
    }

    /// Ends the session; every later call fails.
    package func close() {
        canceller.connect(nil)
        descriptor.store(-1, ordering: .releasing)
        handle.close()
        publish()
    }

    package var isOpen: Bool { handle.isOpen }
    /// The server's process for this session, as `pg_stat_activity.pid`.
    package var processID: Int32 { handle.processID }
    /// `150004` is 15.4.
    package var serverVersion: Int { handle.serverVersion }
    package var isInTransaction: Bool { handle.transactionStatus != .idle }

    // MARK: Statements

    /// Runs a statement and returns its rows.
    nonisolated package func query(_ sql: SQL) async throws -> [Row] {
        try await cancellable { try await self.run(sql, ticket: $0).rows }
    }

    /// Runs a statement that answers exactly one row.
    nonisolated package func queryOne(_ sql: SQL) async throws -> Row {
        let rows = try await query(sql)
        guard rows.count == 1 else { throw PostgresError.unexpectedRowCount(expected: "exactly 1 row", found: rows.count) }
        return rows[0]
    }

    /// Runs a statement that answers one row or none.
    nonisolated package func queryOptional(_ sql: SQL) async throws -> Row? {
        let rows = try await query(sql)
        guard rows.count <= 1 else { throw PostgresError.unexpectedRowCount(expected: "at most 1 row", found: rows.count) }
        return rows.first
    }

    /// Runs a statement and returns how many rows it inserted, changed, deleted, selected or copied.
    @discardableResult
    nonisolated package func execute(_ sql: SQL) async throws -> Int {
        try await cancellable { try await self.run(sql, ticket: $0).handle.affectedRows }
    }

    /// Runs statements separated by `;`. Outside of a transaction all of them are one, unless they contain BEGIN or COMMIT.
    nonisolated package func executeScript(_ script: String) async throws {
        try await cancellable { try await self.runScript(script, ticket: $0) }
    }

    /// Cancels the statement that runs now, if one does. It fails with `DatabaseError.isCancelled`.
    nonisolated package func cancel() async {
        let canceller = canceller
        _ = try? await onOwnThread("haggle-cancel") { canceller.cancel(nil) }
    }

    private func run(_ sql: SQL, ticket: UInt64) throws -> RowSet {
        try operate(ticket) { RowSet(try $0.run(sql.text, sql.bindings)) }
    }

    private func runScript(_ script: String, ticket: UInt64) throws { try operate(ticket) { _ = try $0.script(script) } }

    /// Hands a ticket to a call that the task's cancellation cancels.
    nonisolated func cancellable<Result>(_ body: (UInt64) async throws -> Result) async throws -> Result {
        let ticket = canceller.makeTicket()
        return try await withTaskCancellationHandler {
            try await body(ticket)
        } onCancel: {
            canceller.cancelSoon(ticket)
        }
    }

    /// Everything that talks to the server goes through here. With a ticket it can be cancelled.
    private func operate<Result>(
        _ ticket: UInt64? = nil, in expected: Phase = .ready, _ work: (borrowing ConnectionHandle) throws -> Result
    ) throws -> Result {
        guard phase == expected else { throw PostgresError.connectionBusy }
        defer { publish() }
        guard let ticket else { return try work(handle) }
        canceller.begin(ticket)
        defer { canceller.end() }
        // A cancellation before `begin` is seen here, a later one finds the ticket running.
        if Task.isCancelled { throw CancellationError() }
        do {
            return try work(handle)
        } catch let error as DatabaseError where error.isCancelled && Task.isCancelled {
            throw CancellationError()
        }
    }

    // MARK: Transactions

    /// Runs `body` in a transaction: committed when it returns, rolled back when it throws.
    ///
    /// - Throws: what `body` throws; `PostgresError.nestedTransaction` inside of another; `PostgresError.transactionRolledBack` when a statement
    ///   had failed and `body` swallowed its error; what COMMIT throws (after `isConnectionLost` its outcome is unknown).
    @discardableResult
    nonisolated package func transaction<Result>(
        _ isolation: TransactionIsolation = .readCommitted, _ body: (Connection) async throws -> Result
    ) async throws -> Result {
        try await begin(isolation)
        let result: Result
        do {
            result = try await body(self)
        } catch {
            await rollback()
            throw error
        }
        try await commit()
        return result
    }

    private func begin(_ isolation: TransactionIsolation) throws {
        try operate {
            guard $0.transactionStatus != .open, $0.transactionStatus != .failed else { throw PostgresError.nestedTransaction }
            _ = try $0.script("BEGIN ISOLATION LEVEL \(isolation.rawValue)")
        }
    }

    private func commit() throws {
        let command = try operate { try $0.script("COMMIT").command }
        if command == "ROLLBACK" { throw PostgresError.transactionRolledBack }
    }

    /// A failure closes the connection, which rolls back too.
    private func rollback() {
        do {
            if phase != .ready { throw PostgresError.connectionBusy }
            try operate { _ = try $0.script("ROLLBACK") }
        } catch {
            close()
        }
    }

    // MARK: Streams

    /// Runs a statement and hands out its rows one at a time; memory holds one batch of them, however many there are.
    ///
    /// `consume` must not use this connection. If it throws, the statement is cancelled.
    nonisolated package func queryStream(_ sql: SQL, _ consume: (Row) async throws -> Void) async throws {
        try await cancellable { ticket in
            try await self.startStream(sql, ticket: ticket)
            do {
                while case let rows = try await self.nextRows(ticket: ticket), !rows.isEmpty {
                    for row in rows { try await consume(row) }
                }
            } catch {
                await self.endStream()
                throw error
            }
        }
    }

    private var streamColumns: Columns?

    func startStream(_ sql: SQL, ticket: UInt64) throws {
        try operate(ticket) { try $0.start(sql.text, sql.bindings) }
        streamColumns = nil
        phase = .stream
    }

    /// The next rows, at most 256; none at the end, after which the connection is free again.
    func nextRows(ticket: UInt64) throws -> [Row] {
        guard phase == .stream else { return [] }
        var columns = streamColumns
        do {
            let rows = try operate(ticket, in: .stream) { handle in
                var rows: [Row] = []
                while rows.count < 256, let result = try handle.nextResult() {
                    let status = result.status
                    if status == .copyIn || status == .copyOut || status == .copyBoth { throw PostgresError.copyNeedsCopyFunction }
                    if columns == nil { columns = result.columns() }
                    let set = RowSet(result, columns: columns)
                    if status == .singleRow { rows.append(Row(set, index: 0)) }  // otherwise the status at the end, without rows
                }
                return rows
            }
            streamColumns = columns
            if rows.count < 256 { phase = .ready }
            publish()
            return rows
        } catch {
            endStream()
            throw error
        }
    }

    /// Stops a stream before its end.
    func endStream() {
        guard phase == .stream else { return }
        // The server takes the request although it may be blocked on writing to us; reading on lets it notice.
        let ticket = canceller.makeTicket()
        canceller.begin(ticket)
        canceller.cancel(ticket)
        handle.abandonCopy()  // what streams may turn out to be a COPY
        canceller.end()
        phase = .ready
        if handle.transactionStatus == .active { handle.close() }
        publish()
    }

    // MARK: COPY

    /// `COPY ... FROM STDIN`: `body` writes the rows. If it throws, nothing is copied.
    /// - Returns: the number of rows copied.
    @discardableResult
    nonisolated package func copyIn(_ sql: SQL, _ body: (inout CopyWriter) async throws -> Void) async throws -> Int {
        try await cancellable { ticket in
            try await self.startCopy(sql, .copyIn, ticket: ticket)
            var writer = CopyWriter(self, ticket: ticket)
            do {
                try await body(&writer)
                try await writer.finish()
            } catch {
                await self.abandonCopyIn()
                throw error
            }
            return try await self.endCopyIn(ticket: ticket)
        }
    }

    /// `COPY ... TO STDOUT`: `consume` gets one row at a time, in text format with its line feed; memory holds about 64 KiB of them.
    ///
    /// `consume` must not use this connection. If it throws, the statement is cancelled.
    /// - Returns: the number of rows copied.
    @discardableResult
    nonisolated package func copyOut(_ sql: SQL, _ consume: (ArraySlice<UInt8>) async throws -> Void) async throws -> Int {
        try await cancellable { ticket in
            try await self.startCopy(sql, .copyOut, ticket: ticket)
            var chunk = CopyChunk()
            do {
                while !chunk.isLast {
                    chunk = try await self.nextCopyChunk(chunk, ticket: ticket)
                    var start = 0
                    for end in chunk.ends {
                        try await consume(chunk.bytes[start..<end])
                        start = end
                    }
                }
            } catch {
                await self.abandonCopyOut()
                throw error
            }
            return try await self.endCopyOut()
        }
    }

    private func startCopy(_ sql: SQL, _ direction: Phase, ticket: UInt64) throws {
        let started = try operate(ticket) { handle in
            let status = try handle.startCopy(sql.text, sql.bindings)
            switch (status, direction) {
            case (.copyIn, .copyIn), (.copyOut, .copyOut): return true
            default: return false
            }
        }
        if started {
            phase = direction
            publish()
        } else {
            // The other direction, or no COPY at all and already done.
            phase = .ready
            handle.abandonCopy()
            publish()
            throw PostgresError.notACopyStatement
        }
    }

    func putCopy(_ bytes: [UInt8], ticket: UInt64) throws { try operate(ticket, in: .copyIn) { try $0.putCopy(bytes) } }

    private func endCopyIn(ticket: UInt64) throws -> Int {
        do {
            let count = try operate(ticket, in: .copyIn) { try $0.endCopy(failure: nil) }
            becomeReady()
            return count
        } catch {
            // A cancellation may have come before the end was sent.
            abandonCopyIn()
            throw error
        }
    }

    private func abandonCopyIn() {
        guard phase == .copyIn else { return }
        _ = try? operate(in: .copyIn) { try $0.endCopy(failure: "the client gave up") }
        becomeReady()
    }

    /// Begins a transaction that sees one snapshot of the database, and a COPY OUT in it.
    /// - Parameter settings: `SET LOCAL` statements, separated by `;`.
    func startCopyOut(_ sql: SQL, settings: String, ticket: UInt64) throws {
        try begin(.readOnlySnapshot)
        try operate(ticket) { _ = try $0.script(settings) }
        try startCopy(sql, .copyOut, ticket: ticket)
    }

    /// Ends what `startCopyOut` began.
    func finishCopyOut() throws {
        _ = try endCopyOut()
        try commit()
    }

    func nextCopyChunk(_ recycled: CopyChunk, ticket: UInt64) throws -> CopyChunk {
        var chunk = recycled
        chunk.bytes.removeAll(keepingCapacity: true)
        chunk.ends.removeAll(keepingCapacity: true)
        try operate(ticket, in: .copyOut) { handle in
            // libpq must not be asked again once it has said that this was the end.
            while chunk.bytes.count < CopyWriter.chunkSize, !chunk.isLast {
                if try handle.getCopy(into: &chunk.bytes) { chunk.ends.append(chunk.bytes.count) } else { chunk.isLast = true }
            }
        }
        return chunk
    }

    private func endCopyOut() throws -> Int {
        defer { becomeReady() }
        return try operate(in: .copyOut) { try $0.finishCopy() }
    }

    private func abandonCopyOut() {
        guard phase == .copyOut else { return }
        let ticket = canceller.makeTicket()
        canceller.begin(ticket)
        canceller.cancel(ticket)
        handle.abandonCopy()
        canceller.end()
        becomeReady()
    }

    private func becomeReady() {
        phase = .ready
        publish()
    }

    // MARK: Notifications

    /// Waits for notifications of the channels that this session listens to; none when `wakeDescriptor` became readable or the time is
    /// over.
    /// - Throws: `DatabaseError` with `isConnectionLost` when the session ended.
    func waitForNotifications(wakeDescriptor: Int32, milliseconds: Int32) throws -> [Notification] {
        try operate { handle in
            let waiting = handle.takeNotifications()
            if !waiting.isEmpty { return waiting }
            guard Poll.isReadable(handle.socket, or: wakeDescriptor, milliseconds: milliseconds) else { return [] }
            guard handle.consumeInput() else {
                throw DatabaseError(sqlState: nil, message: "the server closed the connection", isConnectionLost: true)
            }
            return handle.takeNotifications()
        }
    }

    // MARK: What the pool needs

    private func publish() {
        let now: Health = !handle.isOpen ? .closed : phase == .ready && handle.transactionStatus == .idle ? .idle : .busy
        health.store(now.rawValue, ordering: .releasing)
    }

    nonisolated var currentHealth: Health { Health(rawValue: health.load(ordering: .acquiring)) ?? .closed }

    /// Whether the server has sent something although nothing was asked: normally the end of the session. Only for a connection that nobody
    /// uses.
    nonisolated var hasUnexpectedInput: Bool {
        let descriptor = descriptor.load(ordering: .acquiring)
        return descriptor >= 0 && Poll.isReadable(descriptor, milliseconds: 0)
    }

    /// Reads what came unasked and says whether the session still stands.
    ///
    /// Asking is the only way to know: a server that ends a session says so a moment before it closes the socket, and libpq passes over the
    /// words of a session in which nothing was asked.
    func isStillAlive() -> Bool {
        defer { publish() }
        return (try? handle.script("")) != nil && handle.isOpen
    }
}

package enum TransactionIsolation: String, Sendable {
    case readCommitted = "READ COMMITTED"
    case repeatableRead = "REPEATABLE READ"
    case serializable = "SERIALIZABLE"
    /// One snapshot for all statements, and no writes.
    case readOnlySnapshot = "REPEATABLE READ READ ONLY"
}

/// Some rows of a COPY OUT, one behind the other.
struct CopyChunk: Sendable {
    var bytes: [UInt8] = []
    var ends: [Int] = []
    var isLast = false
}
