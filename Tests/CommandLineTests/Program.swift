import Foundation

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The `haggle` binary that was built beside these tests, run as a person runs it.
struct Program {
    struct Outcome {
        let status: Int32
        let output: String
        let errors: String
    }

    /// The folder of the test bundle on macOS and of the test executable on Linux holds the products.
    static var path: String {
        var folder = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        for _ in 0..<4 where !FileManager.default.isExecutableFile(atPath: folder.appending(path: "haggle").path) {
            folder.deleteLastPathComponent()
        }
        return folder.appending(path: "haggle").path
    }

    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path

    /// Runs a command to its end. Its output goes through files: a pipe would stay open in a server that the command leaves behind.
    static func run(_ arguments: [String], environment: [String: String] = [:]) throws -> Outcome {
        let folder = FileManager.default.temporaryDirectory.appending(path: "haggle-cli-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let process = try start(arguments, environment: environment, folder: folder)
        process.waitUntilExit()
        return Outcome(
            status: process.terminationStatus,
            output: (try? String(contentsOf: folder.appending(path: "out"), encoding: .utf8)) ?? "",
            errors: (try? String(contentsOf: folder.appending(path: "err"), encoding: .utf8)) ?? "")
    }

    /// Starts a command; its standard error goes to `err` in the folder.
    static func start(_ arguments: [String], environment: [String: String] = [:], folder: URL) throws -> Process {
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        var variables = ProcessInfo.processInfo.environment
        variables["DATABASE_URL"] = nil
        variables.merge(environment) { _, new in new }
        process.environment = variables
        process.currentDirectoryURL = URL(filePath: root)
        for (name, isOutput) in [("out", true), ("err", false)] {
            _ = FileManager.default.createFile(atPath: folder.appending(path: name).path, contents: nil)
            let handle = try FileHandle(forWritingTo: folder.appending(path: name))
            if isOutput { process.standardOutput = handle } else { process.standardError = handle }
        }
        process.standardInput = FileHandle.nullDevice
        try process.run()
        return process
    }
}
