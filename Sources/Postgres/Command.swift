import Dispatch
import Foundation
import Synchronization

/// Runs a program to its end. Blocks.
enum Command {
    struct Outcome {
        let status: Int32
        /// Standard output and error together.
        let output: String
    }

    static func run(_ command: [String]) throws -> Outcome {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: command[0])
        process.arguments = Array(command.dropFirst())
        // Not the caller's directory, which the server's user may not be allowed to enter, nor its PG... variables.
        process.currentDirectoryURL = URL(fileURLWithPath: "/")
        process.environment = ["PATH": "/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin:/opt/homebrew/bin", "LC_ALL": "C", "TZ": "UTC"]
        process.standardInput = FileHandle.nullDevice
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        let ended = DispatchSemaphore(value: 0)
        process.terminationHandler = { _ in ended.signal() }
        do {
            try process.run()
        } catch {
            throw PostgresError.fileFailed(path: command[0], operation: "run", reason: "\(error)")
        }
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        ended.wait()
        return Outcome(status: process.terminationStatus, output: trimmed(String(decoding: output, as: UTF8.self)))
    }

    /// Runs a program that has to succeed.
    @discardableResult
    static func require(_ command: [String], as account: ServerAccount?) throws -> String {
        let outcome = try run(account?.wrap(command) ?? command)
        guard outcome.status == 0 else {
            throw PostgresError.commandFailed(command: command.joined(separator: " "), status: outcome.status, output: outcome.output)
        }
        return outcome.output
    }
}
