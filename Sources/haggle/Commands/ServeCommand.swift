import ArgumentParser
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

    @OptionGroup var database: DatabaseOptions

    func validate() throws {
        guard (0...65_535).contains(port) else { throw ValidationError("--port: expected 0 to 65535, found \(port)") }
    }

    func run() async throws {
        var logger = commandLogger()
        if logger.logLevel == .warning { logger.logLevel = .notice }
        let files = try experiments.map { try ExperimentFolder(paths: [$0]).valid() }
        try await database.with(logger: logger) { target in
            if let files {
                let pool = ConnectionPool(target: target, size: 1, waitSeconds: 10, logger: logger)
                let plan = try await Application(pool: pool).apply(files, confirmed: false, by: currentUser())
                await pool.close()
                for line in plan.lines { note(line) }
            }
            let service = HaggleService(
                .init(target: target, host: host, port: port, role: role, isDurable: durability == .fsync), logger: logger
            ) { port in
                note(role == .learner ? "haggle: learning" : "haggle: serving on http://\(host):\(port)")
            }
            try await service.run()
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
