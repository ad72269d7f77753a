import Postgres
import TestSupport
import Testing

@Suite struct MigratorTests {
    private let migrations = [
        Migration(name: "V0001_first", sql: "CREATE TABLE first (n int); INSERT INTO first VALUES (1);"),
        Migration(name: "V0002_second", sql: "ALTER TABLE first ADD COLUMN s text; CREATE TABLE second (n int);"),
    ]

    private func tables(_ connection: Connection) async throws -> [String] {
        try await connection.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1").map { try $0.decode(0) }
    }

    @Test func appliesInTheOrderOfNamesAndOnce() async throws {
        try await withEmptyDatabase { target in
            try await Connection.with(target) { connection in
                let pending = try await Migrator.pending(connection, migrations: migrations)
                #expect(pending == ["V0001_first", "V0002_second"])
                #expect(try await tables(connection) == [])
                #expect(try await Migrator.migrate(connection, migrations: migrations.reversed()) == ["V0001_first", "V0002_second"])
                #expect(try await Migrator.migrate(connection, migrations: migrations) == [])
                let third = Migration(name: "V0003_third", sql: "DROP TABLE second")
                #expect(try await Migrator.pending(connection, migrations: migrations + [third]) == ["V0003_third"])
                #expect(try await Migrator.migrate(connection, migrations: migrations + [third]) == ["V0003_third"])
                #expect(try await tables(connection) == ["first", "schema_migrations"])
            }
        }
    }

    @Test func processesThatStartAtOnceApplyOnce() async throws {
        try await withEmptyDatabase { target in
            let migrations = migrations
            let applied = try await withThrowingTaskGroup(of: [String].self) { group in
                for _ in 1...8 {
                    group.addTask { try await Connection.with(target) { try await Migrator.migrate($0, migrations: migrations) } }
                }
                return try await group.reduce(into: [String]()) { $0 += $1 }
            }
            #expect(applied.sorted() == ["V0001_first", "V0002_second"])
            let rows = try await Connection.with(target) { try await $0.query("SELECT FROM first") }
            #expect(rows.count == 1)
        }
    }

    @Test func aDatabaseNewerThanTheProgramIsRefused() async throws {
        try await withEmptyDatabase { target in
            try await Connection.with(target) { connection in
                try await Migrator.migrate(connection, migrations: migrations)
                let older = [migrations[0]]
                await #expect(throws: PostgresError.databaseIsNewer(unknown: ["V0002_second"])) {
                    try await Migrator.migrate(connection, migrations: older)
                }
                await #expect(throws: PostgresError.databaseIsNewer(unknown: ["V0002_second"])) {
                    try await Migrator.pending(connection, migrations: older)
                }
                // The lock is free again.
                let applied = try await Connection.with(target) { try await Migrator.migrate($0, migrations: migrations) }
                #expect(applied == [])
            }
        }
    }

    @Test func aChangedMigrationIsRefused() async throws {
        try await withEmptyDatabase { target in
            try await Connection.with(target) { connection in
                try await Migrator.migrate(connection, migrations: migrations)
                var changed = migrations
                changed[0].sql += " -- edited"
                changed.append(Migration(name: "V0003_third", sql: "CREATE TABLE third (n int)"))
                let refused = changed
                let error = await #expect(throws: PostgresError.self) { try await Migrator.migrate(connection, migrations: refused) }
                guard case .migrationChanged("V0001_first", let applied, let found) = error else {
                    Issue.record("expected a changed checksum, found \(String(describing: error))")
                    return
                }
                #expect(applied != found && applied.count == 64 && found.count == 64)
                #expect(try await tables(connection) == ["first", "schema_migrations", "second"])
            }
        }
    }

    @Test func aMigrationBeforeTheLatestIsRefused() async throws {
        try await withEmptyDatabase { target in
            try await Connection.with(target) { connection in
                let second = [migrations[1]].map { Migration(name: $0.name, sql: "CREATE TABLE second (n int)") }
                try await Migrator.migrate(connection, migrations: second)
                let late = second + [migrations[0]]
                await #expect(throws: PostgresError.migrationOutOfOrder(name: "V0001_first", latestApplied: "V0002_second")) {
                    try await Migrator.migrate(connection, migrations: late)
                }
                #expect(try await tables(connection) == ["schema_migrations", "second"])
            }
        }
    }

    @Test func aFailingMigrationLeavesNothingHalfApplied() async throws {
        try await withEmptyDatabase { target in
            try await Connection.with(target) { connection in
                let failing =
                    migrations + [Migration(name: "V0003_third", sql: "CREATE TABLE third (n int); INSERT INTO missing VALUES (1);")]
                let error = await #expect(throws: PostgresError.self) { try await Migrator.migrate(connection, migrations: failing) }
                #expect(error.map { "\($0)".contains("V0003_third") && "\($0)".contains("missing") } ?? false)
                // What came before stays, and mending the file suffices.
                let before = try await tables(connection)
                #expect(before == ["first", "schema_migrations", "second"])
                let mended = migrations + [Migration(name: "V0003_third", sql: "CREATE TABLE third (n int);")]
                #expect(try await Migrator.migrate(connection, migrations: mended) == ["V0003_third"])
            }
        }
    }

    @Test func aMigrationThatCommitsIsRefused() async throws {
        try await withEmptyDatabase { target in
            try await Connection.with(target) { connection in
                let committing = [Migration(name: "V0001_first", sql: "CREATE TABLE first (n int); COMMIT;")]
                await #expect(throws: PostgresError.migrationEndedTransaction(name: "V0001_first")) {
                    try await Migrator.migrate(connection, migrations: committing)
                }
            }
        }
    }

    @Test func thisProgramsOwnMigrationsApply() async throws {
        try await withDatabase { target in
            try await Connection.with(target) { connection in
                let names = try await connection.query("SELECT name FROM schema_migrations ORDER BY name").map { try $0["name"] ?? "" }
                #expect(names.first?.hasPrefix("V0001_") ?? false)
                #expect(try await tables(connection).count > 1)
            }
        }
    }
}
