package import HaggleCore
import Postgres

/// A row of the log as it was written, whatever its reason and whether it counts or not.
package struct LoggedRow: Hashable, Sendable {
    /// Its place in the log; rows of one experiment come in this order.
    package var position: Int64
    /// Everything that was stored: version, snapshot, draw key, context, eligible arms, propensities, arm, unit, times, and what it repeats.
    package var impression: Impression

    package init(position: Int64, impression: Impression) {
        self.position = position
        self.impression = impression
    }
}

extension EventLogReader {
    /// Every impression of an experiment at positions in `(after, through]`, in the order of the log: all reasons, duplicates, repetitions and
    /// deferred rows included.
    ///
    /// One statement on a connection of the pool's, so all rows are of one snapshot of the database. Rows arrive as they are asked for; memory
    /// holds a few hundred. Each pass runs the statement again. Linear in the rows.
    /// - Parameters:
    ///   - after: a position that the caller has seen already; 0 begins at the start.
    ///   - through: the last position wanted; `highWater()` fixes it for several passes.
    package func loggedRows(of experiment: ExperimentKey, after: Int64 = 0, through: Int64 = latest) -> LoggedRows {
        LoggedRows(
            rows: pool.rows(
                """
                SELECT position, \(raw: Impression.columns) FROM impressions
                 WHERE experiment = \(experiment) AND position > \(after) AND position <= \(through)
                 ORDER BY position
                """))
    }
}

/// Rows of the log, read while they are asked for.
package struct LoggedRows: AsyncSequence, Sendable {
    package typealias Element = LoggedRow

    fileprivate let rows: RowSequence

    package func makeAsyncIterator() -> Iterator { Iterator(rows: rows.makeAsyncIterator()) }

    /// Reads one pass.
    package struct Iterator: AsyncIteratorProtocol {
        fileprivate var rows: RowSequence.Iterator

        /// - Throws: `DatabaseError`, `EventLogError.unreadable` for a row that no version of this program wrote.
        package mutating func next() async throws -> LoggedRow? { try await next(isolation: nil) }

        /// As above, on the caller's executor.
        package mutating func next(isolation actor: isolated (any Actor)?) async throws -> LoggedRow? {
            guard let row = try await rows.next() else { return nil }
            return LoggedRow(position: try row.decode("position"), impression: try Impression(row: row))
        }
    }
}
