import ArgumentParser
import EventLog
import Experiments
import HaggleServer
import Logging
import Postgres
import Workbench

extension HaggleService.Role: ExpressibleByArgument {}

enum Durability: String, ExpressibleByArgument, CaseIterable {
    case fsync, async
}

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "The service: HTTP, learner, dashboard.",
        discussion: """
            Answers assignments once their impressions are committed. Stops on SIGTERM or SIGINT after finishing the requests in flight.
            With --experiments the files of a folder are applied first, as `haggle apply` would.
            """)

    @Option(help: ArgumentHelp("Experiment files to apply before serving.", valueName: "dir"))
    var experiments: String?

    @Option(help: "Address to listen on.")
    var host = "127.0.0.1"

    @Option(help: "Port to listen on; 0 lets the system choose.")
    var port = 8080

    @Option(help: "Which parts this process runs.")
    var role: HaggleService.Role = .all

    @Option(help: "fsync: an answer waits for stable storage. async: a crash of the database's machine may lose the last moments.")
    var durability: Durability = .fsync

    @Option(
        help: ArgumentHelp(
            "Keep records in a local journal here before answering, so that the database may be away; it is copied into the database.",
            valueName: "dir"))
    var journal: String?

    @Option(help: ArgumentHelp("Most bytes that all journals in the directory may hold; beyond it requests get 503.", valueName: "bytes"))
    var journalLimit = 8 << 30

    @Option(
        help: ArgumentHelp("How long segments stay after they were copied, for a database restored from a backup.", valueName: "seconds"))
    var journalKeep = 86_400.0

    @OptionGroup var database: DatabaseOptions

    func validate() throws {
        guard journalLimit >= 1 << 20 else { throw ValidationError("--journal-limit: expected at least 1048576, found \(journalLimit)") }
        guard journalKeep >= 0, journalKeep.isFinite else {
            throw ValidationError("--journal-keep: expected 0 or more, found \(journalKeep)")
        }
        guard (0...65_535).contains(port) else { throw ValidationError("--port: expected 0 to 65535, found \(port)") }
    }

    func run() async throws {
        var logger = commandLogger()
        if logger.logLevel == .warning { logger.logLevel = .notice }
        let files = try experiments.map { try ExperimentFolder(paths: [$0]).valid() }
        let isAway = try await isDatabaseAway(logger)
        try await database.with(logger: logger, isMigrated: !isAway) { target in
            if let files, isAway {
                note("haggle: \(files.count) experiment files were not applied, because the database cannot be reached")
            } else if let files {
                let pool = ConnectionPool(target: target, size: 1, waitSeconds: 10, logger: logger)
                let plan = try await Application(pool: pool).apply(files, confirmed: false, by: currentUser())
                await pool.close()
                for line in plan.lines { note(line) }
            }
            let kept = journal.map { directory in
                var kept = JournalEventSink.Configuration(directory: directory)
                kept.diskLimit = journalLimit
                kept.keepSeconds = journalKeep
                kept.isDurable = durability == .fsync
                return kept
            }
            let service = HaggleService(
                .init(target: target, host: host, port: port, role: role, isDurable: durability == .fsync, journal: kept), logger: logger
            ) { port in
                if !["127.0.0.1", "::1", "localhost"].contains(host), role != .learner {
                    note("haggle: others can reach \(host), so every request needs an API key; make one with `haggle keys create`")
                }
                note(role == .learner ? "haggle: learning" : "haggle: serving on http://\(host):\(port)")
            }
            try await service.run()
        }
    }
}

extension ServeCommand {
    /// Whether the database cannot be reached and an earlier server kept on disk what to serve.
    private func isDatabaseAway(_ logger: Logger) async throws -> Bool {
        guard let url = database.url, let journal, HaggleService.hasKeptState(journals: journal) else { return false }
        do {
            try await Connection.with(ConnectionTarget(url: url)) { _ in }
            return false
        } catch let error as DatabaseError where error.isConnectionLost {
            return true
        }
    }
}

struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate", abstract: "Bring a database to this binary's schema; every other command does it too.")

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var formatting: FormatOption

    func run() async throws {
        let logger = commandLogger()
        let applied: [String]
        if let url = database.url {
            applied = try await migrateDatabase(ConnectionTarget(url: url))
        } else {
            applied = try await database.with(logger: logger) { try await migrateDatabase($0) }
        }
        switch formatting.format {
        case .text: writeResult(applied.isEmpty ? "the schema is up to date" : applied.map { "applied \($0)" }.joined(separator: "\n"))
        case .json: writeResult(try json(["applied": applied]))
        }
    }
}
