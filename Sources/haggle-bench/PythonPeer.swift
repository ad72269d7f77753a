import Foundation

/// A Python with some library in it, named by an environment variable, that does the same work as ours for comparison.
struct PythonPeer {
    let python: String

    /// - Returns: nil where the variable is not set.
    init?(variable: String) {
        guard let python = ProcessInfo.processInfo.environment[variable], !python.isEmpty else { return nil }
        self.python = python
    }

    /// Runs a script that prints one JSON object of numbers, with every thread pool held to one thread.
    /// - Throws: `BenchError` where the program cannot be started, fails, or prints anything else: a peer that was asked for is not skipped.
    func run(_ script: String, _ arguments: [Int]) throws -> [String: Double] {
        guard FileManager.default.isExecutableFile(atPath: python) else { throw BenchError.programMissing(python) }
        let process = Process()
        process.executableURL = URL(filePath: python)
        process.arguments = ["-c", script] + arguments.map { String($0) }
        let single = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"].map { ($0, "1") }
        process.environment = ProcessInfo.processInfo.environment.merging(single) { _, one in one }
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw BenchError.programFailed(python, process.terminationStatus) }
        guard let object = try JSONSerialization.jsonObject(with: data) as? [String: Double] else {
            throw BenchError.programFailed(python, 0)
        }
        return object
    }
}
