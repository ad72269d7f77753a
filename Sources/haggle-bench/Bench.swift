import Foundation
import HaggleCore
import Logging
import Postgres

/// `make bench`: speed, as figures and ratios measured in one run on this machine. Everything listens on loopback and ends by itself.
@main
struct Bench {
    static func main() async throws {
        var logger = Logger(label: "bench") { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = .error
        let seconds = ProcessInfo.processInfo.environment["HAGGLE_BENCH_SECONDS"].flatMap { Int($0) } ?? 6
        let subject = try BenchSubject()
        // One section alone, for whoever works on it.
        let only = ProcessInfo.processInfo.environment["HAGGLE_BENCH_ONLY"]
        func isWanted(_ section: String) -> Bool { only == nil || only == section }
        if isWanted("process") {
            print("in process (20 features, 6 arms, hidden [64, 32])")
            InProcessBench(subject: subject).run()
        }
        if isWanted("learning") {
            print("\nlearning, one thread, the peers in the same run")
            try LearningBench(subject: subject).run()
        }
        let directory = FileManager.default.temporaryDirectory.appending(path: "haggle-bench-\(getpid())").path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        for part in ["files", "service"] {
            try FileManager.default.createDirectory(atPath: "\(directory)/\(part)", withIntermediateDirectories: true)
        }
        if isWanted("evaluation") {
            let rows = ProcessInfo.processInfo.environment["HAGGLE_BENCH_ROWS"].flatMap { Int($0) } ?? 1_000_000
            print("\noff-policy evaluation from files, \(rows) rows, 10 arms, given estimates of the reward model")
            try EvaluationBench(directory: "\(directory)/files", rowCount: rows).run()
        }
        guard isWanted("copy") || isWanted("service") else { return }
        let cluster = try await ManagedCluster.start(dataDirectory: directory + "/cluster", logger: logger)
        do {
            if isWanted("copy") {
                print("\nrows into PostgreSQL")
                try await CopyBench(subject: subject, url: cluster.url, logger: logger).run()
            }
            if isWanted("service") {
                print("\nHTTP on loopback: the server and wrk on the same machine, \(seconds) s each")
                try await ServiceBench(subject: subject, cluster: cluster, seconds: seconds, directory: directory + "/service").run()
            }
        } catch {
            await cluster.stop()
            throw error
        }
        await cluster.stop()
    }

    /// Prints one aligned line.
    static func report(_ name: String, _ value: String) {
        print("  " + name + String(repeating: " ", count: max(1, 58 - name.count)) + value)
    }

    /// Seconds that a block takes.
    static func seconds(_ body: () throws -> Void) rethrows -> Double {
        let elapsed = try ContinuousClock().measure(body).components
        return Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18
    }

    static func seconds(_ body: () async throws -> Void) async rethrows -> Double {
        let start = ContinuousClock.now
        try await body()
        let elapsed = (ContinuousClock.now - start).components
        return Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18
    }

    static func fixed(_ value: Double, _ decimals: Int = 1) -> String { String(format: "%.\(decimals)f", value) }
}
