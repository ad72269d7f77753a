import ArgumentParser
import Foundation
import HaggleCore
import HaggleServer
import Logging
import Postgres
import Reporting
import Simulation
import Workbench

struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "The whole loop on one machine in about a minute.",
        discussion: """
            Starts a private PostgreSQL, applies an example experiment, serves it, lets simulated customers shop, learns from what they buy,
            and reports: what the learned policy truly earns, and off-policy estimates held against the simulator's truth.
            """)

    @Option(help: "Number of simulated customers.")
    var customers = 20_000

    @Option(help: "Seed of the simulated shop.")
    var seed: UInt64 = 1

    @Option(help: "Customers that arrive in a second.")
    var rate = 500.0

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var formatting: FormatOption

    func validate() throws {
        guard customers >= 1000 else { throw ValidationError("--customers: expected at least 1000, found \(customers)") }
        guard rate > 0, rate <= 5000 else { throw ValidationError("--rate: expected a number in 0...5000, found \(rate)") }
    }

    func run() async throws {
        let logger = commandLogger()
        let isText = formatting.format == .text
        if isText { note("1/5  PostgreSQL: \(database.url == nil ? "starting a private one in \(database.dataDirectory)" : "as given")") }
        let summary = try await database.with(logger: logger) { target in
            try await Self.inFreshDatabase(target) { target in
                try await DemoRun(customers: customers, seed: seed, perSecond: rate, target: target, logger: logger) { text in
                    if isText { note(text) }
                }.run()
            }
        }
        switch formatting.format {
        case .json: writeResult(try json(summary))
        case .text: writeResult(summary.text(isTerminal: Terminal.standardOutput.isInteractive))
        }
        // A demo whose promise does not hold must not look like success.
        guard summary.trueValue.policy > summary.trueValue.uniform, summary.trueValue.policy > summary.trueValue.control,
            summary.impressionsLogged == summary.assignments
        else { throw ExitCode(1) }
    }

    /// The demo works in a database of its own on that server, made for it and dropped afterwards, so that it never touches a real log.
    private static func inFreshDatabase<Value>(
        _ target: ConnectionTarget, _ body: (ConnectionTarget) async throws -> Value
    ) async throws -> Value {
        let name = "haggle_demo_\(ProcessInfo.processInfo.processIdentifier)"
        try await Connection.with(target) { connection in
            _ = try await connection.execute("DROP DATABASE IF EXISTS \(identifier: name) WITH (FORCE)")
            _ = try await connection.execute("CREATE DATABASE \(identifier: name)")
        }
        func drop() async throws {
            try await Connection.with(target) { connection in
                _ = try await connection.execute("DROP DATABASE IF EXISTS \(identifier: name) WITH (FORCE)")
            }
        }
        let result: Value
        do {
            let own = try target.replacing(["dbname": name])
            _ = try await migrateDatabase(own)
            result = try await body(own)
        } catch {
            try? await drop()
            throw error
        }
        try await drop()
        return result
    }
}
