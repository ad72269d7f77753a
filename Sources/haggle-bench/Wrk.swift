import Foundation

/// The load generator wrk, from the system's packages: one thread, keep-alive.
struct Wrk {
    let url: String
    let connections: Int
    let seconds: Int

    struct Outcome {
        var requests = 0.0
        var perSecond = 0.0
        /// In milliseconds.
        var median = 0.0
        var slow = 0.0
        /// Answers other than 2xx and 3xx, and requests without any.
        var failures = 0.0

        var line: String {
            let failed = failures > 0 ? ", \(Int(failures)) FAILED" : ""
            return "\(Int(perSecond))/s, p50 \(Bench.fixed(median, 2)) ms, p99 \(Bench.fixed(slow, 2)) ms\(failed)"
        }
    }

    /// - Parameter script: a Lua script that makes the requests; nil sends GET to `path`.
    /// - Throws: `BenchError.programMissing` without wrk, `BenchError.programFailed`.
    func run(script: String?, path: String) throws -> Outcome {
        let program = "/usr/bin/wrk"
        guard FileManager.default.isExecutableFile(atPath: program) else { throw BenchError.programMissing(program) }
        let summary = """
            done = function(s, l, r)
                io.write(string.format('{"requests":%d,"seconds":%.4f,"p50":%.3f,"p99":%.3f,"failures":%d}\\n', s.requests, s.duration / 1e6,
                    l:percentile(50) / 1e3, l:percentile(99) / 1e3,
                    s.errors.connect + s.errors.read + s.errors.write + s.errors.timeout + s.errors.status))
            end
            """
        let whole = FileManager.default.temporaryDirectory.appending(path: "haggle-bench-\(getpid()).lua")
        defer { try? FileManager.default.removeItem(at: whole) }
        // A script's own summary would come in the way of ours, which is defined last.
        let requests = try script.map { try String(contentsOfFile: $0, encoding: .utf8) } ?? ""
        try Data((requests + "\n" + summary).utf8).write(to: whole)
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = ["-t1", "-c\(connections)", "-d\(seconds)s", "--latency", "-s", whole.path, url + path]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0, let line = text.split(separator: "\n").last,
            let values = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Double], let requests = values["requests"],
            let elapsed = values["seconds"], let median = values["p50"], let slow = values["p99"], let failures = values["failures"]
        else { throw BenchError.programFailed(program, process.terminationStatus) }
        return Outcome(requests: requests, perSecond: requests / elapsed, median: median, slow: slow, failures: failures)
    }
}
