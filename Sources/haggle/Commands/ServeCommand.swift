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
            With --experiments the files of a folder are applied first, as `haggle apply` would, and again on SIGHUP.
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

    @Option(help: "Threads that answer requests; default one a core.")
    var workers: Int?

    @Option(help: ArgumentHelp("Requests a second that each API key may send; beyond it 429. Default: no limit.", valueName: "n"))
    var rateLimit: Double?

    @Option(help: ArgumentHelp("Requests that may come at once under --rate-limit; default as many as in a second.", valueName: "n"))
    var rateBurst: Double?

    @Option(help: "Connections that may be open at once; further ones wait.")
    var maxConnections = 10_000

    @Option(help: ArgumentHelp("A connection without a request is closed after this time.", valueName: "seconds"))
    var idleTimeout = 75.0

    @Option(help: ArgumentHelp("A request has this long to arrive whole.", valueName: "seconds"))
    var requestTimeout = 30.0

    @OptionGroup var database: DatabaseOptions

    func validate() throws {
        if let workers, !(1...1024).contains(workers) { throw ValidationError("--workers: expected 1 to 1024, found \(workers)") }
        if let rateLimit, !(rateLimit > 0 && rateLimit.isFinite) {
            throw ValidationError("--rate-limit: expected a number above 0, found \(rateLimit)")
        }
        if let rateBurst, !(rateBurst >= 1 && rateBurst.isFinite) {
            throw ValidationError("--rate-burst: expected at least 1, found \(rateBurst)")
        }
        if rateBurst != nil, rateLimit == nil { throw ValidationError("--rate-burst: expected --rate-limit beside it") }
        guard maxConnections >= 1 else { throw ValidationError("--max-connections: expected at least 1, found \(maxConnections)") }
        for (name, seconds) in [("--idle-timeout", idleTimeout), ("--request-timeout", requestTimeout)]
        where !(seconds >= 0.1 && seconds <= 86_400) {
            throw ValidationError("\(name): expected 0.1 to 86400 seconds, found \(seconds)")
        }
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
            var settings = HaggleService.Configuration(
                target: target, host: host, port: port, role: role, isDurable: durability == .fsync, journal: kept)
            settings.workers = workers
            settings.rateLimit = rateLimit.map { ($0, rateBurst ?? max(1, $0)) }
            settings.maximumConnections = maxConnections
            settings.idleSeconds = idleTimeout
            settings.requestSeconds = requestTimeout
            settings.reload = experiments.map { path in { @Sendable [logger] in await Self.reload(path, target, logger) } }
            let service = HaggleService(settings, logger: logger) { port in
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
    /// Applies the files again, all or nothing: after any error the experiments stay as they are.
    private static func reload(_ path: String, _ target: ConnectionTarget, _ logger: Logger) async {
        let pool = ConnectionPool(target: target, size: 1, waitSeconds: 10, logger: logger)
        do {
            let files = try ExperimentFolder(paths: [path]).valid()
            let plan = try await Application(pool: pool).apply(files, confirmed: false, by: currentUser())
            for line in plan.lines { note(line) }
            note("haggle: experiments read again from \(path)")
        } catch {
            note("haggle: experiments not read again, nothing was changed: \(error)")
        }
        await pool.close()
    }

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
