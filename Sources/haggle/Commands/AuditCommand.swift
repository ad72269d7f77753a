import ArgumentParser
import HaggleCore
import Reporting
import Workbench

struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Recompute every logged propensity and draw from the versions that the rows name.",
        discussion: """
            Rows that only this build on this platform served must agree in every bit; others are held to 1e-9, and the report says how many.
            Imported rows cannot be recomputed and are counted. Exits 1 where a row does not agree.
            """)

    @Argument(help: "The experiment's key.")
    var experiment: String

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var formatting: FormatOption

    func run() async throws {
        let report = try await database.withPool(logger: commandLogger()) { try await LogAudit(pool: $0).run(ExperimentKey(experiment)) }
        switch formatting.format {
        case .text: writeResult(report.text(isTerminal: Terminal.standardOutput.isInteractive))
        case .json: writeResult(try report.json())
        }
        if !report.isClean { throw ExitCode(1) }
    }
}
