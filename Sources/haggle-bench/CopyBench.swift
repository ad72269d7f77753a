import EventLog
import Foundation
import HaggleCore
import HaggleMath
import Logging
import Postgres

/// Rows per second through the event log's group commit, against psql's own `\copy` of the same rows into the same table.
struct CopyBench {
    let subject: BenchSubject
    let url: String
    let logger: Logger

    private let rowCount = 40_000

    func run() async throws {
        let target = ConnectionTarget(url: url)
        let now = Timestamp(seconds: Date().timeIntervalSince1970)
        let impressions = (0..<rowCount).map { impression($0, at: now) }
        let sink = PostgresEventSink(target: target, logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await sink.run() }
            _ = try await sink.append(impressions[0], requestID: nil, stickySalt: nil)
            let elapsed = try await Bench.seconds { try await appendAll(impressions, to: sink) }
            Bench.report("event log, answered row by row, group commit", "\(Int(Double(rowCount) / elapsed)) rows/s")
            await sink.shutdown()
            group.cancelAll()
            while (try? await group.next()) != nil {}
            try await copy(elapsed)
        }
    }

    private func appendAll(_ impressions: [Impression], to sink: PostgresEventSink) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for worker in 0..<500 {
                group.addTask {
                    for index in stride(from: worker + 1, to: impressions.count, by: 500) {
                        _ = try await sink.append(impressions[index], requestID: nil, stickySalt: nil)
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Copies the rows out, removes them, and lets psql bring them back.
    private func copy(_ logSeconds: Double) async throws {
        guard
            let psql = ["/usr/bin/psql", "/opt/homebrew/opt/libpq/bin/psql", "/usr/local/bin/psql"].first(where: {
                FileManager.default.isExecutableFile(atPath: $0)
            })
        else {
            Bench.report("psql \\copy", "not measured: psql was not found")
            return
        }
        let file = FileManager.default.temporaryDirectory.appending(path: "haggle-bench-\(getpid()).copy").path
        defer { try? FileManager.default.removeItem(atPath: file) }
        func run(_ command: String) throws -> Double {
            let process = Process()
            process.executableURL = URL(filePath: psql)
            process.arguments = ["-q", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", command]
            return try Bench.seconds {
                try process.run()
                process.waitUntilExit()
                guard process.terminationStatus == 0 else { throw BenchError.psqlFailed(process.terminationStatus) }
            }
        }
        _ = try run("\\copy (SELECT * FROM impressions WHERE experiment = 'bench-copy') TO '\(file)'")
        _ = try run("DELETE FROM impressions WHERE experiment = 'bench-copy'")
        let elapsed = try run("\\copy impressions FROM '\(file)'")
        Bench.report("psql \\copy of the same rows into the same table", "\(Int(Double(rowCount) / elapsed)) rows/s")
        Bench.report("ratio", Bench.fixed(elapsed / logSeconds, 2))
    }

    private func impression(_ index: Int, at now: Timestamp) -> Impression {
        let arms = subject.experiment.arms.map(\.key)
        return Impression(
            id: ImpressionID(time: now, random: (mix64(UInt64(index)), mix64(UInt64(index) &+ 1 << 40))), experiment: "bench-copy",
            experimentVersion: 1, unit: UnitID("c-\(index)"), variant: .policy, reason: .policy,
            context: subject.contexts[index % subject.contexts.count], eligibleArms: arms, propensities: arms.map { _ in 1.0 / 6 },
            arm: arms[index % 6], propensity: 1.0 / 6, snapshot: 2, drawKey: "k-\(index)", occurredAt: now, receivedAt: now)
    }
}
