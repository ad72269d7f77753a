import Catalog
import Foundation
import HaggleCore
import HaggleSQL
import HaggleServer
import Learning
import Logging
import Policies
import Postgres

/// Assignments over HTTP, each answered after its row is committed, against the server's own plain-text route.
struct ServiceBench {
    let subject: BenchSubject
    let target: ConnectionTarget
    let seconds: Double
    let logger: Logger

    func run() async throws {
        try await Connection.with(target) { connection in
            _ = try await Migrator.migrate(connection, migrations: HaggleSQL.migrations.map { Migration(name: $0.name, sql: $0.sql) })
            try await connection.transaction { connection in
                let version = try await Catalog.store(subject.experiment, sourceText: "bench", by: "bench", on: connection)
                try await SnapshotPublisher.adopt(subject.experiment, version: version, startsOver: false, on: connection)
                try await Catalog.publish(
                    StoredSnapshot(
                        experiment: subject.experiment.key, version: 2, parent: 1, kind: .retrain, experimentVersion: version,
                        networkVersion: 2, bytes: subject.snapshot.serialised()), on: connection)
            }
        }
        let (ports, opened) = AsyncStream.makeStream(of: Int.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            let service = HaggleService(.init(target: target, port: 0, role: .http), logger: logger) { port in
                opened.yield(port)
                opened.finish()
            }
            group.addTask { try await service.run(signals: false) }
            var port = 0
            for await opened in ports { port = opened }
            try await measure(port: UInt16(port))
            group.cancelAll()
            while (try? await group.next()) != nil {}
        }
    }

    @concurrent
    private func measure(port: UInt16) async throws {
        let health = Array("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)
        let encoder = JSONEncoder()
        let bodies = try subject.contexts.prefix(500).enumerated().map { index, context -> [UInt8] in
            let body = "{\"unit\":\"c-\(index)\",\"context\":" + String(decoding: try encoder.encode(context), as: UTF8.self) + "}"
            let head = "POST /v1/experiments/bench/assignments HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            return Array((head + "Content-Length: \(body.utf8.count)\r\n\r\n" + body).utf8)
        }
        for connections in [8, 32] {
            let load = LoadGenerator(port: port, connections: connections, seconds: seconds)
            let plain = load.run { _, _ in health }
            let assigned = load.run { connection, index in bodies[(connection * 37 + index) % bodies.count] }
            Bench.report("plain text, \(connections) connections", line(plain))
            Bench.report("assignment with its row committed, \(connections) connections", line(assigned))
            Bench.report("ratio", Bench.fixed(assigned.perSecond / plain.perSecond, 3))
        }
    }

    private func line(_ outcome: LoadGenerator.Outcome) -> String {
        let median = Bench.fixed((outcome.latency(quantile: 0.5) ?? .nan) * 1000, 2)
        let slow = Bench.fixed((outcome.latency(quantile: 0.99) ?? .nan) * 1000, 2)
        let failures = outcome.failures > 0 ? ", \(outcome.failures) FAILED" : ""
        return "\(Int(outcome.perSecond))/s, p50 \(median) ms, p99 \(slow) ms\(failures)"
    }
}
