import Foundation
import HaggleSQL
package import Postgres
import Synchronization

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Lends a database of its own, with all migrations applied, on a PostgreSQL that the machine's test processes share; dropped afterwards.
@discardableResult
package func withDatabase<Result>(_ body: (ConnectionTarget) async throws -> Result) async throws -> Result {
    try await TestCluster.shared.withDatabase(from: .migrated, body)
}

/// The same without any tables.
@discardableResult
package func withEmptyDatabase<Result>(_ body: (ConnectionTarget) async throws -> Result) async throws -> Result {
    try await TestCluster.shared.withDatabase(from: .empty, body)
}

/// The server behind `withDatabase`: one per user and machine, without durability, in the temporary directory. The last process to end stops it.
private actor TestCluster {
    static let shared = TestCluster()

    enum Template { case empty, migrated }

    private struct Running: Sendable {
        let cluster: ManagedCluster
        /// Connections to the maintenance database; a lent database keeps one, so the pool's size bounds how many there are at once.
        let pool: ConnectionPool
        let migratedTemplate: String
    }

    private var starting: Task<Running, any Error>?
    private var databaseCount = 0

    /// Stopped when the process ends: see `start`.
    private static let running = Mutex<ManagedCluster?>(nil)

    nonisolated func withDatabase<Result>(from template: Template, _ body: (ConnectionTarget) async throws -> Result) async throws -> Result
    {
        let running = try await start()
        let name = await nextName()
        return try await running.pool.withConnection { maintenance in
            let source = template == .empty ? "template1" : running.migratedTemplate
            // Copying the files is several times faster without durability than logging their content, which became the default with 15.
            let strategy: SQL = await maintenance.serverVersion >= 150_000 ? "STRATEGY file_copy" : ""
            try await maintenance.execute("CREATE DATABASE \(identifier: name) TEMPLATE \(identifier: source) \(fragment: strategy)")
            do {
                let result = try await body(ConnectionTarget(url: running.cluster.url(database: name)))
                try await Self.drop(name, maintenance)
                return result
            } catch {
                try? await Self.drop(name, maintenance)
                throw error
            }
        }
    }

    private static func drop(_ name: String, _ maintenance: Connection) async throws {
        try await maintenance.execute("DROP DATABASE IF EXISTS \(identifier: name) WITH (FORCE)")
    }

    /// The process's number stands in the name, so that what a killed process left can be told.
    private func nextName() -> String {
        databaseCount += 1
        return "test_\(getpid())_\(databaseCount)"
    }

    private func start() async throws -> Running {
        if let starting { return try await starting.value }
        let task = Task { try await Self.startCluster() }
        starting = task
        return try await task.value
    }

    private static func startCluster() async throws -> Running {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("haggle-tests-\(geteuid())").path
        let cluster = try await ManagedCluster.start(
            dataDirectory: directory, configuration: ManagedCluster.Configuration(isDurable: false, maxConnections: 300))
        running.withLock { $0 = cluster }
        atexit { TestCluster.running.withLock { $0?.stopBlocking() } }
        let pool = ConnectionPool(target: cluster.target, size: 16, waitSeconds: 300)
        let template = try await pool.withConnection { maintenance in
            // One process at a time makes templates; the number is this file's own.
            try await maintenance.execute("SELECT pg_advisory_lock(7461)")
            try await dropLeftovers(maintenance)
            let template = try await makeTemplate(maintenance, cluster)
            try await maintenance.execute("SELECT pg_advisory_unlock(7461)")
            return template
        }
        return Running(cluster: cluster, pool: pool, migratedTemplate: template)
    }

    /// A database with the migrations, named after their content and marked as a template once it is complete.
    private static func makeTemplate(_ maintenance: Connection, _ cluster: ManagedCluster) async throws -> String {
        let migrations = HaggleSQL.migrations.map { Migration(name: $0.name, sql: $0.sql) }
        let name = "template_" + String(checksum(migrations), radix: 16)
        let there = try await maintenance.query("SELECT FROM pg_database WHERE datname = \(name) AND datistemplate")
        guard there.isEmpty else { return name }
        try await drop(name, maintenance)
        try await maintenance.execute("CREATE DATABASE \(identifier: name) TEMPLATE template1")
        _ = try await Connection.with(ConnectionTarget(url: cluster.url(database: name))) {
            try await Migrator.migrate($0, migrations: migrations)
        }
        try await maintenance.execute("ALTER DATABASE \(identifier: name) IS_TEMPLATE true")
        return name
    }

    /// Databases of processes that are gone, and all but the newest templates.
    private static func dropLeftovers(_ maintenance: Connection) async throws {
        for row in try await maintenance.query("SELECT datname FROM pg_database WHERE datname LIKE 'test\\_%'") {
            let name = try row.decode("datname", as: String.self)
            let words = name.split(separator: "_")
            guard words.count > 1, let owner = Int32(words[1]) else { continue }
            if owner != getpid(), kill(owner, 0) != 0, errno == ESRCH { try await drop(name, maintenance) }
        }
        let old = try await maintenance.query(
            "SELECT datname FROM pg_database WHERE datname LIKE 'template\\__%' ORDER BY oid DESC OFFSET 20")
        for row in old {
            let name = try row.decode("datname", as: String.self)
            try await maintenance.execute("ALTER DATABASE \(identifier: name) IS_TEMPLATE false")
            try await drop(name, maintenance)
        }
    }

    /// FNV-1a over the names and texts.
    private static func checksum(_ migrations: [Migration]) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for migration in migrations {
            for byte in Array("\(migration.name)\0\(migration.sql)\0".utf8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        }
        return hash
    }
}
