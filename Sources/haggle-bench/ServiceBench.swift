import Catalog
import Foundation
import HaggleCore
import HaggleSQL
import Learning
import Logging
import Policies
import Postgres

/// The service as it is deployed, the binary in a process of its own, under wrk: assignments against the same server's plain-text route, with
/// the journal draining into PostgreSQL meanwhile and with PostgreSQL stopped; its start and its memory.
struct ServiceBench {
    let subject: BenchSubject
    let cluster: ManagedCluster
    /// Of each measurement.
    let seconds: Int
    /// Holds the journals and the request bodies; removed by whoever made it.
    let directory: String

    func run() async throws {
        try await prepare()
        let script = try writeScript()
        try await committing(script: script)
        let peer = try peer()
        try await journaling(script: script, peer: peer)
    }

    /// The experiment and its trained snapshot.
    private func prepare() async throws {
        try await Connection.with(cluster.target) { connection in
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
    }

    /// 500 requests, sent in turn.
    private func writeScript() throws -> String {
        let encoder = JSONEncoder()
        var text = "bodies = {"
        for (index, context) in subject.contexts.prefix(500).enumerated() {
            text += "[[{\"unit\":\"c-\(index)\",\"context\":" + String(decoding: try encoder.encode(context), as: UTF8.self) + "}]],\n"
        }
        text += """
            }
            wrk.method = 'POST'
            wrk.headers['Content-Type'] = 'application/json'
            local n = 0
            local made = {}
            request = function()
                n = n % 500 + 1
                if not made[n] then made[n] = wrk.format(nil, '/v1/experiments/bench/assignments', nil, bodies[n]) end
                return made[n]
            end
            """
        let path = directory + "/assign.lua"
        try Data(text.utf8).write(to: URL(filePath: path))
        return path
    }

    /// Answers that wait for PostgreSQL's own commit.
    private func committing(script: String) async throws {
        let server = try ServerProcess(database: cluster.url, arguments: [])
        defer { server.stop() }
        let load = try Wrk(url: server.url, connections: 32, seconds: seconds).run(script: script, path: "")
        Bench.report("assignment, no journal: committed before the answer, 32 connections", load.line)
    }

    private func journaling(script: String, peer: Double?) async throws {
        let journal = directory + "/journal"
        let server = try ServerProcess(database: cluster.url, arguments: ["--journal", journal])
        defer { server.stop() }
        Bench.report("start of the process to its first answer", "\(Bench.fixed(server.startSeconds * 1000, 0)) ms")
        let wrk = Wrk(url: server.url, connections: 32, seconds: seconds)
        let memory = server.residentMiB
        for connections in [8, 32] {
            let wrk = Wrk(url: server.url, connections: connections, seconds: seconds)
            let plain = try wrk.run(script: nil, path: "/healthz")
            let assigned = try wrk.run(script: script, path: "")
            Bench.report("plain text, \(connections) connections", plain.line)
            Bench.report("assignment, journal synced and draining, \(connections) connections", assigned.line)
            Bench.report("ratio", Bench.fixed(assigned.perSecond / plain.perSecond, 3))
            if let peer { Bench.report("ratio to the service written by hand", Bench.fixed(assigned.perSecond / peer, 1)) }
        }
        let lag = try await caughtUp(server)
        Bench.report("journal drained after the load", "\(Bench.fixed(lag, 1)) s")
        let before = try wrk.run(script: script, path: "")
        await cluster.stop()
        let away = try wrk.run(script: script, path: "")
        Bench.report("assignment again, 32 connections", before.line)
        Bench.report("the same with PostgreSQL stopped", away.line)
        Bench.report("ratio", Bench.fixed(away.perSecond / before.perSecond, 3))
        Bench.report("memory, before and after", "\(Bench.fixed(memory, 0)) MiB, \(Bench.fixed(server.residentMiB, 0)) MiB")
    }

    /// Seconds until everything acknowledged is in PostgreSQL.
    private func caughtUp(_ server: ServerProcess) async throws -> Double {
        try await Bench.seconds {
            var last = -1
            while true {
                let rows = try await Connection.with(cluster.target) { connection in
                    try await connection.query("SELECT sum(segment::bigint << 32 | byte_offset) AS at FROM journal_offsets")
                        .first?.decode("at", as: Double?.self)
                }
                let now = Int(rows ?? 0)
                if now == last { return }
                last = now
                try await Task.sleep(for: .milliseconds(500))
            }
        }
    }

    /// A service written by hand, named by environment variables: a shell command that serves on `$PORT` with the database `$PG`, and the wrk
    /// script that sends it the same kind of request. It must end when its input does.
    private func peer() throws -> Double? {
        let environment = ProcessInfo.processInfo.environment
        guard let command = environment["HAGGLE_BENCH_PEER"], let script = environment["HAGGLE_BENCH_PEER_SCRIPT"] else {
            Bench.report("a service written by hand", "not measured: HAGGLE_BENCH_PEER and HAGGLE_BENCH_PEER_SCRIPT name none")
            return nil
        }
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", "exec " + command]
        process.environment = environment.merging(["PORT": "18480", "PG": cluster.url]) { _, own in own }
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        defer {
            process.terminate()
            process.waitUntilExit()
        }
        for _ in 0..<100 where LoopbackSocket(port: 18480) == nil { usleep(100_000) }
        let load = try Wrk(url: "http://127.0.0.1:18480", connections: 32, seconds: seconds).run(script: script, path: "")
        guard load.requests > 0 else { throw BenchError.programFailed(command, process.terminationStatus) }
        Bench.report("a service written by hand, 32 connections", load.line)
        return load.perSecond
    }
}
