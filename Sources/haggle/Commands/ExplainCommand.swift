import Analysis
import ArgumentParser
import HaggleCore
import Workbench

struct ExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Why did this impression get its arm?",
        discussion: """
            Shows the distribution and how much of it was exploration, what every feature contributed to each arm's expected reward (Shapley
            values; beside them a linear fit around this customer), and the smallest change that would make another arm the best.
            """)

    @Argument(help: "The impression's id, as an assignment returns it.")
    var impression: String

    @Option(help: "Features to show per arm, the largest contributions first.")
    var features = 8

    @Option(help: ArgumentHelp("Logged contexts that `on average` is taken over.", valueName: "count"))
    var background = 60

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var formatting: FormatOption

    func validate() throws {
        guard features >= 0 else { throw ValidationError("--features: expected at least 0, found \(features)") }
        guard (1...5000).contains(background) else { throw ValidationError("--background: expected 1 to 5000, found \(background)") }
    }

    func run() async throws {
        guard let id = ImpressionID(impression) else {
            throw WorkbenchError.invalidOption(name: "IMPRESSION_ID", expected: "a UUID", found: impression)
        }
        let found = try await database.withPool(logger: commandLogger()) {
            try await ImpressionExplanation.explain(id, pool: $0, backgroundCount: background)
        }
        guard let found else {
            throw WorkbenchError.invalidOption(name: "IMPRESSION_ID", expected: "an impression of the log", found: impression)
        }
        switch formatting.format {
        case .json: writeResult(try json(found))
        case .text: writeResult(found.lines(featureLimit: features).joined(separator: "\n"))
        }
    }
}
