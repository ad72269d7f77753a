package import Logging
import Synchronization

/// Up to `size` connections to one database, opened when first needed, lent to one borrower at a time.
///
/// A connection that comes back broken or in the middle of something (an open transaction, an unread stream) is closed and its place is free.
/// One that the server ended while it lay idle is replaced before it is lent, so a restart of the server heals by itself. What a borrower
/// changes in the session (`SET`, `LISTEN`, session locks) stays with the connection: undo it, or use `SET LOCAL`.
package final class ConnectionPool: Sendable {
    private struct Shared {
        var pool: PoolState
        var connections: [PoolState.ConnectionID: Connection] = [:]
        var waiters: [PoolState.WaiterID: CheckedContinuation<PoolState.Grant, any Error>] = [:]
        var closers: [CheckedContinuation<Void, Never>] = []
        var lastWaiter: PoolState.WaiterID = 0
    }

    private let target: ConnectionTarget
    private let size: Int
    private let waitSeconds: Double
    private let logger: Logger
    private let shared: Mutex<Shared>

    /// - Parameters:
    ///   - size: connections at most.
    ///   - waitSeconds: how long a borrower waits for one before `PostgresError.poolTimedOut`.
    ///   - maximumWaiting: borrowers that may wait at once; further ones get `PostgresError.poolQueueFull`.
    package init(target: ConnectionTarget, size: Int = 8, waitSeconds: Double = 10, maximumWaiting: Int = 4096, logger: Logger = .silent) {
        self.target = target
        self.size = size
        self.waitSeconds = waitSeconds
        self.logger = logger
        shared = Mutex(Shared(pool: PoolState(size: size, maximumWaiting: maximumWaiting)))
    }

    /// Lends a connection. It must not be used after `body` has returned.
    @discardableResult
    package func withConnection<Result>(_ body: (Connection) async throws -> Result) async throws -> Result {
        let lease = try await acquire()
        do {
            let result = try await body(lease.connection)
            await giveBack(lease)
            return result
        } catch {
            await giveBack(lease)
            throw error
        }
    }

    /// Lends a connection with an open transaction: see `Connection.transaction`.
    @discardableResult
    package func withTransaction<Result>(
        _ isolation: TransactionIsolation = .readCommitted, _ body: (Connection) async throws -> Result
    ) async throws -> Result {
        try await withConnection { try await $0.transaction(isolation, body) }
    }

    /// Lends nothing more, waits until every lent connection is back, and closes them all.
    package func close() async {
        let (connections, waiters) = shared.withLock { shared in
            let (idle, waiting, _) = shared.pool.close()
            return (
                idle.compactMap { shared.connections.removeValue(forKey: $0) },
                waiting.compactMap { shared.waiters.removeValue(forKey: $0) }
            )
        }
        for waiter in waiters { waiter.resume(throwing: PostgresError.poolClosed) }
        for connection in connections { await connection.close() }
        await withCheckedContinuation { continuation in
            let isDrained = shared.withLock { shared in
                if shared.pool.busy.isEmpty { return true }
                shared.closers.append(continuation)
                return false
            }
            if isDrained { continuation.resume() }
        }
    }

    // MARK: Lending

    struct Lease {
        let id: PoolState.ConnectionID
        let connection: Connection
    }

    func acquire() async throws -> Lease {
        let waiter = shared.withLock { shared in
            shared.lastWaiter += 1
            return shared.lastWaiter
        }
        try Task.checkCancellation()
        let grant = try await grant(for: waiter)
        switch grant {
        case .open(let id): return try await open(id)
        case .lend(let id):
            guard let connection = shared.withLock({ $0.connections[id] }) else { preconditionFailure("a lent connection is open") }
            if connection.hasUnexpectedInput, !(await connection.isStillAlive()) {
                logger.debug("replacing a database connection that the server ended")
                await connection.close()
                return try await open(id)
            }
            return Lease(id: id, connection: connection)
        }
    }

    private func open(_ id: PoolState.ConnectionID) async throws -> Lease {
        do {
            let connection = try await Connection.open(target)
            shared.withLock { $0.connections[id] = connection }
            return Lease(id: id, connection: connection)
        } catch {
            carryOut { shared in
                shared.connections[id] = nil
                return shared.pool.openingFailed(id)
            }
            throw error
        }
    }

    func giveBack(_ lease: Lease) async {
        let isUsable = lease.connection.currentHealth == .idle
        if !isUsable { await lease.connection.close() }
        let isKept = release(lease, isUsable: isUsable)
        if isUsable, !isKept { await lease.connection.close() }
    }

    /// Without waiting for the connection's thread; returns whether the pool keeps the connection.
    @discardableResult
    func release(_ lease: Lease, isUsable: Bool) -> Bool {
        var isKept = false
        carryOut { shared in
            isKept = isUsable && !shared.pool.isClosed
            if !isKept { shared.connections[lease.id] = nil }
            return shared.pool.release(lease.id, isUsable: isUsable)
        }
        return isKept
    }

    /// Changes the state and resumes whoever the change concerns, outside of the lock.
    private func carryOut(_ change: (inout sending Shared) -> PoolState.Next) {
        let resume: (() -> Void)? = shared.withLock { shared in
            switch change(&shared) {
            case .nothing: return nil
            case .resume(let waiter, let grant):
                let continuation = shared.waiters.removeValue(forKey: waiter)
                return { continuation?.resume(returning: grant) }
            case .drained:
                let closers = shared.closers
                shared.closers = []
                return { for closer in closers { closer.resume() } }
            }
        }
        resume?()
    }

    // MARK: Waiting

    private func grant(for waiter: PoolState.WaiterID) async throws -> PoolState.Grant {
        // Most borrowers need not wait and get by without a timer.
        if let grant = shared.withLock({ $0.pool.acquireAtOnce() }) { return grant }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [self] in
                try await Task.sleep(for: .seconds(waitSeconds))
                abandon(waiter, because: PostgresError.poolTimedOut(size: size, waitSeconds: waitSeconds))
            }
            defer { group.cancelAll() }
            return try await withTaskCancellationHandler {
                try await wait(waiter)
            } onCancel: {
                abandon(waiter, because: CancellationError())
            }
        }
    }

    private func wait(_ waiter: PoolState.WaiterID) async throws -> PoolState.Grant {
        try await withCheckedThrowingContinuation { continuation in
            let result: Result<PoolState.Grant, any Error>? = shared.withLock { shared in
                // A cancellation that came before is seen here; a later one finds the waiter.
                if Task.isCancelled { return .failure(CancellationError()) }
                switch shared.pool.acquire(for: waiter) {
                case .granted(let grant): return .success(grant)
                case .wait:
                    shared.waiters[waiter] = continuation
                    return nil
                case .queueFull: return .failure(PostgresError.poolQueueFull(waiting: shared.pool.maximumWaiting))
                case .closed: return .failure(PostgresError.poolClosed)
                }
            }
            if let result { continuation.resume(with: result) }
        }
    }

    private func abandon(_ waiter: PoolState.WaiterID, because error: any Error) {
        let continuation = shared.withLock { shared in
            shared.pool.abandon(waiter) ? shared.waiters.removeValue(forKey: waiter) : nil
        }
        continuation?.resume(throwing: error)
    }
}
