import Features
package import Postgres

/// Puts features into a table of PostgreSQL: `customer text PRIMARY KEY`, a column of `double precision` a number, `history jsonb`.
package struct FeatureTableStore: Sendable {
    private let pool: ConnectionPool

    package init(pool: ConnectionPool) { self.pool = pool }

    /// Makes the table, in one transaction with its rows.
    /// - Parameters:
    ///   - table: of lines of CSV.
    ///   - isReplacing: whether a table of that name goes first; otherwise one that exists is an error.
    /// - Returns: the number of customers.
    package func store(_ table: FeatureBuild.Table, as name: String, isReplacing: Bool) async throws -> Int {
        try await pool.withTransaction { connection in
            if isReplacing { _ = try await connection.execute("DROP TABLE IF EXISTS \(identifier: name)") }
            var definition: SQL = "CREATE TABLE \(identifier: name) ("
            for (index, column) in table.columns.enumerated() {
                if index > 0 { definition += ", " }
                switch column {
                case "customer": definition += "\(identifier: column) text PRIMARY KEY"
                case PurchaseFeatures.historyName: definition += "\(identifier: column) jsonb"
                default: definition += "\(identifier: column) double precision"
                }
            }
            definition += ")"
            _ = try await connection.execute(definition)
            return try await connection.copyIn("COPY \(identifier: name) FROM STDIN (FORMAT csv)") { writer in
                while let line = try table.next() { try await writer.write(line) }
            }
        }
    }
}
