package import HaggleCore
package import Postgres

/// Single rows of the log.
package enum LogReader {
    /// One impression as it was logged; nil where there is none.
    package static func impression(_ id: ImpressionID, on connection: Connection) async throws -> Impression? {
        try await connection.query("SELECT \(raw: Impression.columns) FROM impressions WHERE id = \(id.words)").first.map {
            try Impression(row: $0)
        }
    }
}
