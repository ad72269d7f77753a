/// The rows of one statement, read as they are asked for over a connection of the pool's that goes back at the end.
///
/// Memory holds one batch of rows. Each pass runs the statement again. A pass that is given up before its end closes its connection.
package struct RowSequence: AsyncSequence, Sendable {
    package typealias Element = Row
    package typealias Failure = any Error

    fileprivate let pool: ConnectionPool
    fileprivate let sql: SQL

    package func makeAsyncIterator() -> Iterator { Iterator(self) }

    /// A class, so that dropping it gives the connection back. One task uses it.
    package final class Iterator: AsyncIteratorProtocol {
        private let sequence: RowSequence
        private var lease: ConnectionPool.Lease?
        private var batch: [Row] = []
        private var position = 0
        private var isFinished = false

        fileprivate init(_ sequence: RowSequence) { self.sequence = sequence }

        // Still lent, so still in the middle of the result.
        deinit { if let lease { sequence.pool.release(lease, isUsable: false) } }

        package func next() async throws -> Row? {
            if position == batch.count {
                try await fill()
                if batch.isEmpty { return nil }
            }
            defer { position += 1 }
            return batch[position]
        }

        private func fill() async throws {
            batch = []
            position = 0
            if isFinished { return }
            do {
                let connection: Connection
                if let lease {
                    connection = lease.connection
                } else {
                    let lease = try await sequence.pool.acquire()
                    self.lease = lease
                    connection = lease.connection
                    try await connection.cancellable { try await connection.startStream(self.sequence.sql, ticket: $0) }
                }
                batch = try await connection.cancellable { try await connection.nextRows(ticket: $0) }
                if batch.isEmpty { await finish() }
            } catch {
                await finish()
                throw error
            }
        }

        private func finish() async {
            isFinished = true
            if let lease {
                self.lease = nil
                await sequence.pool.giveBack(lease)
            }
        }
    }
}

extension ConnectionPool {
    /// The rows of a statement as a sequence, for results that do not fit into memory.
    package func rows(_ sql: SQL) -> RowSequence { RowSequence(pool: self, sql: sql) }
}
