import ArgumentParser

/// The command line: parse flags, call one function, print.
@main
struct Haggle: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "haggle",
        abstract: "Contextual-bandit experiments for discounts: assign, log, learn, evaluate.",
        discussion: """
            Start with `haggle demo`: the whole loop on this machine in about a minute.

            Without --database (or DATABASE_URL) Haggle runs its own private PostgreSQL in its data directory.
            Results go to stdout; progress, warnings and logs to stderr.
            Exit codes: 0 done, 1 the work found a problem, 2 wrong usage.
            """,
        version: "0.1.0",
        groupedSubcommands: [
            CommandGroup(name: "Try it", subcommands: [DemoCommand.self, ShopCommand.self]),
            CommandGroup(
                name: "Experiments", subcommands: [ValidateCommand.self, SchemaCommand.self, PlanCommand.self, ApplyCommand.self]),
            CommandGroup(
                name: "Serving",
                subcommands: [ServeCommand.self, AssignCommand.self, SimulateCommand.self, KeysCommand.self, MigrateCommand.self]),
            CommandGroup(
                name: "The log",
                subcommands: [
                    FeaturesCommand.self, ImportCommand.self, ExportCommand.self, ReportCommand.self, AuditCommand.self,
                    JournalCommand.self,
                ]),
            CommandGroup(
                name: "Evaluation",
                subcommands: [EvaluateCommand.self, EvaluateShardCommand.self, EvaluateMergeCommand.self, BakeoffCommand.self]),
            CommandGroup(
                name: "The model",
                subcommands: [TrainCommand.self, ModelCommand.self, ExplainCommand.self, RecommendCommand.self]),
        ])

    /// Wrong usage exits 2, as the agreement has it; ArgumentParser's own code would be 64.
    static func main() async {
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let error as ExitCode {
            exit(withError: error)
        } catch {
            finish(after: error)
        }
    }

    private static func finish(after error: any Error) -> Never {
        let code = exitCode(for: error)
        if code == .validationFailure {
            Terminal.standardError.write(fullMessage(for: error) + "\n")
            exit(withError: ExitCode(2))
        }
        if code == .success { exit(withError: error) }
        Terminal.standardError.write("haggle: \(error.explanation)\n")
        exit(withError: ExitCode(1))
    }
}

extension Error {
    /// What to print: our errors describe themselves, the others through their own words.
    fileprivate var explanation: String {
        let text = String(describing: self)
        return text.isEmpty ? localizedDescriptionOrType : text
    }

    private var localizedDescriptionOrType: String { String(reflecting: type(of: self)) }
}
