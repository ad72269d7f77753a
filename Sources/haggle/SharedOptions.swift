import ArgumentParser
import Foundation
import HaggleSQL
import Logging
import Postgres

/// How results are printed.
enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json
}

struct FormatOption: ParsableArguments {
    @Option(help: "How to print results.")
    var format: OutputFormat = .text
}

/// Which service to talk to.
struct ServiceOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Address of a running service.", valueName: "url"))
    var server = "http://127.0.0.1:8080"

    @Option(help: ArgumentHelp("API key; HAGGLE_API_KEY where not given.", valueName: "key"))
    var apiKey: String?

    var key: String? { apiKey ?? ProcessInfo.processInfo.environment["HAGGLE_API_KEY"] }
}

/// Which PostgreSQL to use: one that is named, or the private cluster.
struct DatabaseOptions: ParsableArguments {
    @Option(help: ArgumentHelp("PostgreSQL to use; DATABASE_URL where not given, else a private cluster.", valueName: "url"))
    var database: String?

    @Option(help: ArgumentHelp("Where the private cluster lives.", valueName: "dir"))
    var dataDir: String?

    var url: String? { database ?? ProcessInfo.processInfo.environment["DATABASE_URL"].flatMap { $0.isEmpty ? nil : $0 } }

    var dataDirectory: String {
        if let dataDir { return dataDir }
        if geteuid() == 0 { return "/var/lib/haggle" }
        let environment = ProcessInfo.processInfo.environment
        if let base = environment["XDG_DATA_HOME"], !base.isEmpty { return base + "/haggle" }
        return NSHomeDirectory() + "/.local/share/haggle"
    }

    /// Lends a migrated database; the private cluster stops afterwards unless somebody else uses it.
    /// - Parameter isMigrated: false lends a named database as it is, for who can go on without it.
    func with<Value>(logger: Logger, isMigrated: Bool = true, _ body: (ConnectionTarget) async throws -> Value) async throws -> Value {
        if let url {
            let target = ConnectionTarget(url: url)
            if isMigrated { try await migrate(target) }
            return try await body(target)
        }
        let cluster = try await ManagedCluster.start(dataDirectory: dataDirectory, logger: logger)
        let result: Value
        do {
            let target = ConnectionTarget(url: cluster.url)
            try await migrate(target)
            result = try await body(target)
        } catch {
            await cluster.stop()
            throw error
        }
        await cluster.stop()
        return result
    }

    /// Lends a pool on a migrated database.
    func withPool<Value>(logger: Logger, size: Int = 4, _ body: (ConnectionPool) async throws -> Value) async throws -> Value {
        try await with(logger: logger) { target in
            let pool = ConnectionPool(target: target, size: size, waitSeconds: 10, logger: logger)
            let result: Value
            do {
                result = try await body(pool)
            } catch {
                await pool.close()
                throw error
            }
            await pool.close()
            return result
        }
    }

    private func migrate(_ target: ConnectionTarget) async throws {
        _ = try await migrateDatabase(target)
    }
}

/// Brings a database to this binary's schema.
/// - Returns: the names of the migrations that were applied.
func migrateDatabase(_ target: ConnectionTarget) async throws -> [String] {
    let connection = try await Connection.open(target)
    let applied: [String]
    do {
        applied = try await Migrator.migrate(connection, migrations: HaggleSQL.migrations.map { Migration(name: $0.name, sql: $0.sql) })
    } catch {
        await connection.close()
        throw error
    }
    await connection.close()
    return applied
}

/// The logger of one command: warnings to standard error, more with HAGGLE_LOG=debug.
func commandLogger() -> Logger {
    var logger = Logger(label: "haggle") { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = ProcessInfo.processInfo.environment["HAGGLE_LOG"].flatMap { Logger.Level(rawValue: $0) } ?? .warning
    return logger
}

/// JSON as a person can read it and a program can parse it: keys sorted, full double precision.
func json(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
}

/// Who is at work, for the audit log.
func currentUser() -> String { NSUserName() }
