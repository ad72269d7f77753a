/// One forward-only change of the schema. Once applied anywhere it is never edited.
package struct Migration: Hashable, Sendable {
    /// The file's name without its ending; migrations apply in the order of their names.
    package var name: String
    package var sql: String

    package init(name: String, sql: String) {
        self.name = name
        self.sql = sql
    }
}

/// Brings a database to the schema of this program.
package enum Migrator {
    /// Of the session's advisory lock that lets one process migrate at a time ("haggle" in ASCII).
    private static let lock: Int64 = 0x68_61_67_67_6c_65

    /// Applies what is missing, each migration in its own transaction together with its row in `schema_migrations`.
    ///
    /// Processes that start at once wait for each other, and all but the first find nothing to do.
    /// - Returns: the names applied by this call.
    /// - Throws: `PostgresError` if the database knows migrations that this program does not, if an applied one has another checksum, or if one
    ///   fails; what was applied before stays.
    @discardableResult
    package static func migrate(_ connection: Connection, migrations: [Migration]) async throws -> [String] {
        precondition(Set(migrations.map(\.name)).count == migrations.count, "migrations have different names")
        try await connection.execute("SELECT pg_advisory_lock(\(lock))")
        do {
            let applied = try await migrateLocked(connection, migrations.sorted { $0.name < $1.name })
            try await connection.execute("SELECT pg_advisory_unlock(\(lock))")
            return applied
        } catch {
            // A cancelled task cannot unlock; the end of the session does.
            do {
                try await connection.execute("SELECT pg_advisory_unlock(\(lock))")
            } catch {
                await connection.close()
            }
            throw error
        }
    }

    /// The names of the migrations that the database lacks. - Throws: as `migrate` does if the database does not fit this program.
    package static func pending(_ connection: Connection, migrations: [Migration]) async throws -> [String] {
        let applied = try await applied(connection)
        return try await check(connection, migrations.sorted { $0.name < $1.name }, applied: applied).map(\.migration.name)
    }

    private static func migrateLocked(_ connection: Connection, _ migrations: [Migration]) async throws -> [String] {
        try await connection.executeScript(
            """
            CREATE TABLE IF NOT EXISTS schema_migrations (
                name text PRIMARY KEY,
                checksum text NOT NULL,
                applied_at timestamptz NOT NULL DEFAULT now()
            )
            """)
        let pending = try await check(connection, migrations, applied: try await applied(connection))
        for (migration, checksum) in pending {
            do {
                try await connection.transaction { connection in
                    try await connection.executeScript(migration.sql)
                    guard await connection.isInTransaction else { throw PostgresError.migrationEndedTransaction(name: migration.name) }
                    try await connection.execute(
                        "INSERT INTO schema_migrations (name, checksum) VALUES (\(migration.name), \(checksum))")
                }
            } catch let error as DatabaseError {
                if error.isConnectionLost { throw error }
                throw PostgresError.migrationFailed(name: migration.name, reason: error.description)
            }
        }
        return pending.map(\.migration.name)
    }

    /// Name and checksum of what the database has.
    private static func applied(_ connection: Connection) async throws -> [(name: String, checksum: String)] {
        let table = try await connection.queryOne("SELECT to_regclass('schema_migrations') IS NOT NULL AS there")
        guard try table.decode("there", as: Bool.self) else { return [] }
        return try await connection.query("SELECT name, checksum FROM schema_migrations").map {
            (try $0.decode("name"), try $0.decode("checksum"))
        }.sorted { $0.name < $1.name }
    }

    /// What is to be applied, with its checksum.
    private static func check(
        _ connection: Connection, _ migrations: [Migration], applied: [(name: String, checksum: String)]
    ) async throws -> [(migration: Migration, checksum: String)] {
        // The server hashes, so that this module needs no cryptography of its own.
        let checksums = try await connection.query(
            """
            SELECT encode(sha256(convert_to(text, 'UTF8')), 'hex') AS checksum
            FROM unnest(\(migrations.map(\.sql))) WITH ORDINALITY AS files (text, number) ORDER BY number
            """
        ).map { try $0.decode("checksum", as: String.self) }
        let known = Dictionary(uniqueKeysWithValues: zip(migrations.map(\.name), checksums))
        let unknown = applied.map(\.name).filter { known[$0] == nil }
        guard unknown.isEmpty else { throw PostgresError.databaseIsNewer(unknown: unknown) }
        for (name, checksum) in applied {
            if let found = known[name], found != checksum {
                throw PostgresError.migrationChanged(name: name, applied: checksum, found: found)
            }
        }
        let names = Set(applied.map(\.name))
        let pending = zip(migrations, checksums).filter { !names.contains($0.0.name) }
        if let first = pending.first?.0.name, let latest = applied.last?.name, first < latest {
            throw PostgresError.migrationOutOfOrder(name: first, latestApplied: latest)
        }
        return pending.map { ($0.0, $0.1) }
    }
}
