import ArgumentParser
import Experiments
import HaggleCore
import Workbench

struct ValidateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate", abstract: "Check experiment files; every problem at once, with its place.")

    @Argument(help: "Files, or folders with .yaml files.")
    var paths: [String]

    @OptionGroup var formatting: FormatOption

    func run() async throws {
        let folder = try ExperimentFolder(paths: paths, allowingGrid: true)
        switch formatting.format {
        case .text:
            for problem in folder.problems { note(problem.description) }
            for file in folder.files { writeResult("\(file.path): valid (\(file.experiment.key))") }
        case .json:
            writeResult(
                try json(
                    Result(
                        valid: folder.files.map(\.path),
                        problems: folder.problems.map { .init(file: $0.file, line: $0.line, column: $0.column, message: $0.message) })))
        }
        if !folder.problems.isEmpty { throw ExitCode(1) }
    }

    private struct Result: Encodable {
        struct Entry: Encodable {
            let file: String
            let line: Int
            let column: Int
            let message: String
        }

        let valid: [String]
        let problems: [Entry]
    }
}

struct SchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema", abstract: "Print the JSON Schema of experiment files, for editors.",
        discussion: "Put `# yaml-language-server: $schema=FILE` on the first line of an experiment file to use it.")

    func run() { writeResult(JSONSchema.document) }
}

struct PlanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "Show the difference between experiment files and the database.")

    @Argument(help: "A folder with experiment files, or one file.")
    var directory: String

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var formatting: FormatOption

    func run() async throws {
        let files = try ExperimentFolder(paths: [directory]).valid()
        let plan = try await database.withPool(logger: commandLogger()) { try await Application(pool: $0).plan(files) }
        switch formatting.format {
        case .text: for line in plan.lines { writeResult(line) }
        case .json: writeResult(try json(plan))
        }
    }
}

struct ApplyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "apply", abstract: "Carry out the difference between experiment files and the database.",
        discussion: """
            An unchanged file changes nothing. A change that would re-randomise units or break the learned state is named and needs --yes.
            The first apply of a bandit publishes snapshot 1, the even prior, so exploration starts with the first request.
            """)

    @Argument(help: "A folder with experiment files, or one file.")
    var directory: String

    @Flag(name: .shortAndLong, help: "Carry out changes that re-randomise units or break the learned state.")
    var yes = false

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var formatting: FormatOption

    func run() async throws {
        let files = try ExperimentFolder(paths: [directory]).valid()
        let plan = try await database.withPool(logger: commandLogger()) {
            try await Application(pool: $0).apply(files, confirmed: yes, by: currentUser())
        }
        switch formatting.format {
        case .text: for line in plan.lines { writeResult(line) }
        case .json: writeResult(try json(plan))
        }
    }
}
