import Foundation

/// `haggle serve` in a process of its own, from the binary beside this one.
final class ServerProcess {
    let url: String
    /// From the start of the process to the answer of the first assignment.
    let startSeconds: Double
    private let process = Process()

    /// - Throws: `BenchError` where it does not serve.
    init(database: String, arguments: [String]) throws {
        let program = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appending(path: "haggle")
        guard FileManager.default.isExecutableFile(atPath: program.path) else { throw BenchError.programMissing(program.path) }
        process.executableURL = program
        process.arguments = ["serve", "--database", database, "--port", "0", "--role", "http"] + arguments
        let messages = Pipe()
        process.standardError = messages
        let start = ContinuousClock.now
        try process.run()
        var text = ""
        var found: String?
        while found == nil {
            let more = messages.fileHandleForReading.availableData
            if more.isEmpty { throw BenchError.programFailed(program.path, 0) }
            text += String(decoding: more, as: UTF8.self)
            found = text.split(separator: "\n").first { $0.hasPrefix("haggle: serving on ") }.map { String($0.dropFirst(19)) }
        }
        // What it says later must not fill the pipe.
        messages.fileHandleForReading.readabilityHandler = { _ = $0.availableData }
        guard let found, let port = found.split(separator: ":").last.flatMap({ UInt16($0) }), let socket = LoopbackSocket(port: port) else {
            throw BenchError.programFailed(program.path, 0)
        }
        url = found
        let body = #"{"unit":"first"}"#
        let head = "POST /v1/experiments/bench/assignments HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        guard socket.send(Array((head + "Content-Length: \(body.utf8.count)\r\n\r\n" + body).utf8)), socket.receiveResponse() == 200 else {
            throw BenchError.programFailed(program.path, 0)
        }
        let elapsed = (ContinuousClock.now - start).components
        startSeconds = Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18
    }

    /// Memory that the process holds now; NaN where the system does not tell.
    var residentMiB: Double {
        guard let status = try? String(contentsOfFile: "/proc/\(process.processIdentifier)/status", encoding: .utf8),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmRSS:") }),
            let kibibytes = line.split(separator: " ").compactMap({ Double($0) }).first
        else { return .nan }
        return kibibytes / 1024
    }

    /// Ends it as an operator would, and waits.
    func stop() {
        process.terminate()
        process.waitUntilExit()
    }
}
