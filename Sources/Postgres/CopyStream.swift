/// The bytes of one `COPY ... TO STDOUT`, read as they are asked for over a connection of the pool's that goes back at the end.
///
/// The statement runs in a transaction of its own, with one snapshot of the database. While one chunk is used the server fills the socket with
/// the next, so both work at once; memory holds a chunk. A stream that is given up before its end closes its connection. One task uses it.
package final class CopyStream {
    private enum Phase { case waiting, running, finished }

    private let pool: ConnectionPool
    private let sql: SQL
    private let settings: String
    private var phase = Phase.waiting
    private var lease: ConnectionPool.Lease?
    private var chunk = CopyChunk()

    fileprivate init(pool: ConnectionPool, sql: SQL, settings: String) {
        self.pool = pool
        self.sql = sql
        self.settings = settings
    }

    // Still lent, so still in the middle of the COPY.
    deinit { if let lease { pool.release(lease, isUsable: false) } }

    /// Appends the next bytes, about 64 KiB.
    /// - Returns: false at the end.
    package func next(into bytes: inout [UInt8]) async throws -> Bool {
        do {
            switch phase {
            case .finished: return false
            case .waiting:
                let lease = try await pool.acquire()
                self.lease = lease
                phase = .running
                let (sql, settings) = (sql, settings)
                try await lease.connection.cancellable {
                    try await lease.connection.startCopyOut(sql, settings: settings, ticket: $0)
                }
            case .running: break
            }
            guard let lease else { return false }
            if chunk.isLast {
                try await lease.connection.finishCopyOut()
                await giveBack()
                return false
            }
            let recycled = chunk
            chunk = CopyChunk()
            chunk = try await lease.connection.cancellable { try await lease.connection.nextCopyChunk(recycled, ticket: $0) }
            bytes += chunk.bytes
            return true
        } catch {
            await giveBack()
            throw error
        }
    }

    private func giveBack() async {
        phase = .finished
        if let lease {
            self.lease = nil
            await pool.giveBack(lease)
        }
    }
}

extension ConnectionPool {
    /// The bytes of a `COPY ... TO STDOUT`, which takes no parameters: use `\(literal:)`.
    /// - Parameter settings: `SET LOCAL` statements, separated by `;`.
    package func copyOut(_ sql: SQL, settings: String = "") -> CopyStream { CopyStream(pool: self, sql: sql, settings: settings) }
}
