import ArgumentParser
import EventLog

struct JournalCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "journal", abstract: "Local journals of servers.", subcommands: [Drain.self])

    struct Drain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Copy the journals that a dead server left behind into the database, each record once.",
            discussion: """
                For a directory saved from a machine that does not come back. On a machine that runs, `haggle serve --journal DIR` does it by
                itself. Repeating it changes nothing. The files stay.
                """)

        @Argument(help: "What --journal named: holds a folder for each start of a server.")
        var directory: String

        @OptionGroup var database: DatabaseOptions

        func run() async throws {
            let done = try await database.with(logger: commandLogger()) {
                try await JournalEventSink.drain(directory: directory, target: $0)
            }
            for journal in done {
                writeResult("\(journal.journal): \(journal.copied) records copied, \(journal.deadLetters) to dead_letters")
            }
            if done.contains(where: { $0.deadLetters > 0 }) { throw ExitCode(1) }
        }
    }
}
