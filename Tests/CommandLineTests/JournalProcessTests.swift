import Foundation
import HaggleCore
import Postgres
import TestSupport
import Testing

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The service with a local journal, as its own process, broken in the ways that machines break.
@Suite(.serialized) struct JournalProcessTests {
    private static func withFolder<Result>(_ body: (URL) async throws -> Result) async throws -> Result {
        let folder = FileManager.default.temporaryDirectory.appending(path: "haggle-journal-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try await body(folder)
    }

    private static func logged(_ target: ConnectionTarget) async throws -> [String] {
        try await Connection.with(target) { connection in
            try await connection.query("SELECT id::text AS id FROM impressions").map { try $0.decode("id", as: String.self) }
        }
    }

    /// `kill -9` under load, again and again on one journal directory: each server copies what its predecessors left, and in the end the rows
    /// are the acknowledged ids, each once.
    ///
    /// Reduced to 3 kills; `HAGGLE_SOAK=1` does 50.
    @Test func killingTheServerLosesNothingAcknowledged() async throws {
        let kills = ProcessInfo.processInfo.environment["HAGGLE_SOAK"] == nil ? 3 : 50
        try await withDatabase { target in
            try await Self.withFolder { folder in
                let journal = folder.appending(path: "journal").path
                var told: Set<String> = []
                let clients = 8
                for round in 0..<kills {
                    let own = folder.appending(path: "run-\(round)")
                    try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
                    let server = try Program.start(
                        [
                            "serve", "--port", "0", "--experiments", "experiments/shop-demo.yaml", "--journal", journal, "--database",
                            target.url,
                        ], folder: own)
                    let port = try await ServiceProcessTests.port(own)
                    let load = AssignmentLoad(port: port, clients: clients, unitPrefix: "r\(round)-")
                    try await Task.sleep(for: .milliseconds(300 + 137 * (round % 5)))
                    kill(server.processIdentifier, SIGKILL)
                    server.waitUntilExit()
                    let acknowledged = try await load.stop()
                    #expect(acknowledged.count > 50, "the load was too small to mean anything")
                    told.formUnion(acknowledged)
                }
                let drained = try Program.run(["journal", "drain", journal, "--database", target.url])
                #expect(drained.status == 0, "\(drained.output)\(drained.errors)")
                let rows = try await Self.logged(target)
                #expect(Set(rows).count == rows.count)
                let missing = told.subtracting(rows).count
                #expect(missing == 0, "of \(told.count) acknowledged rows")
                // A row whose answer was on its way when its process died may be there without its client knowing.
                #expect(rows.count - told.count <= clients * kills)
                // Draining again changes nothing.
                #expect(try Program.run(["journal", "drain", journal, "--database", target.url]).status == 0)
                #expect(try await Self.logged(target).count == rows.count)
                // What was chosen can be recomputed from what arrived.
                let audit = try Program.run(["audit", "shop-demo", "--database", target.url])
                #expect(audit.status == 0, "\(audit.output)\(audit.errors)")
            }
        }
    }

    /// A server that starts while the database is away serves what the last one had, and says so; its rows arrive when the database is back.
    @Test func aServerStartsWithoutTheDatabase() async throws {
        try await withDatabase { target in
            try await Self.withFolder { folder in
                let journal = folder.appending(path: "journal").path
                func serve(_ name: String, database: String) async throws -> (process: Process, port: UInt16) {
                    let own = folder.appending(path: name)
                    try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
                    let process = try Program.start(
                        [
                            "serve", "--port", "0", "--experiments", "experiments/shop-demo.yaml", "--journal", journal, "--database",
                            database,
                            "--role", "http",
                        ], folder: own)
                    return (process, try await ServiceProcessTests.port(own))
                }
                let nowhere = "postgresql:///haggle?host=" + folder.appending(path: "nothing").path
                // Nothing was kept yet: there is nothing to serve.
                let early = try Program.run(["serve", "--port", "0", "--journal", journal, "--database", nowhere])
                #expect(early.status != 0)
                let first = try await serve("first", database: target.url)
                first.process.terminate()
                first.process.waitUntilExit()
                let second = try await serve("second", database: nowhere)
                let ready = try await Self.get("/readyz", port: second.port)
                #expect(ready.contains("\"ready\":true") && ready.contains("kept on disk"), "\(ready)")
                let load = AssignmentLoad(port: second.port, clients: 2, unitPrefix: "away-")
                try await Task.sleep(for: .milliseconds(300))
                let told = try await load.stop()
                #expect(told.count > 20)
                // The row is read and recomputed from this machine alone.
                var reasons: [String: Int] = [:]
                for id in told.prefix(20) {
                    let row = try await Self.get("/v1/impressions/\(id)", port: second.port)
                    #expect(row.contains("\"stored_in\":\"journal\"") && row.contains("\"match\":\"bits\""), "\(row)")
                    reasons[row.contains("\"POLICY\"") ? "policy" : "other", default: 0] += 1
                }
                // Some units are in the holdout.
                #expect(reasons["policy", default: 0] > 0)
                second.process.terminate()
                second.process.waitUntilExit()
                let drained = try Program.run(["journal", "drain", journal, "--database", target.url])
                #expect(drained.status == 0, "\(drained.output)\(drained.errors)")
                let rows = try await Self.logged(target)
                #expect(Set(rows) == told && rows.count == told.count)
                #expect(try Program.run(["audit", "shop-demo", "--database", target.url]).status == 0)
            }
        }
    }

    private static func get(_ path: String, port: UInt16) async throws -> String {
        let (data, _) = try await URLSession.shared.data(from: URL(string: "http://127.0.0.1:\(port)\(path)")!)
        return String(decoding: data, as: UTF8.self)
    }

    /// Two servers drain into one database. One is stopped in the middle, whatever it holds; the other goes on, and its rows arrive. When the
    /// first is let go, its rows arrive too.
    @Test func aStoppedServerDoesNotStopTheOthers() async throws {
        try await withDatabase { target in
            try await Self.withFolder { folder in
                func serve(_ name: String) async throws -> (process: Process, port: UInt16) {
                    let own = folder.appending(path: name)
                    try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
                    let process = try Program.start(
                        [
                            "serve", "--port", "0", "--role", "http", "--experiments", "experiments/shop-demo.yaml", "--journal",
                            own.appending(path: "journal").path, "--database", target.url,
                        ], folder: own)
                    return (process, try await ServiceProcessTests.port(own))
                }
                let stopped = try await serve("stopped")
                let other = try await serve("other")
                let firstLoad = AssignmentLoad(port: stopped.port, clients: 4, unitPrefix: "s-")
                let load = AssignmentLoad(port: other.port, clients: 4, unitPrefix: "o-")
                try await Task.sleep(for: .milliseconds(500))
                kill(stopped.process.processIdentifier, SIGSTOP)
                try await Task.sleep(for: .milliseconds(500))
                let told = try await load.stop()
                #expect(told.count > 50)
                func missing(_ ids: Set<String>) async throws -> Int { ids.subtracting(try await Self.logged(target)).count }
                // The database ends a transaction that is left lying after 10 s.
                let deadline = ContinuousClock.now + .seconds(40)
                while try await missing(told) > 0, ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(100)) }
                #expect(try await missing(told) == 0)
                kill(stopped.process.processIdentifier, SIGCONT)
                let toldFirst = try await firstLoad.stop()
                #expect(toldFirst.count > 50)
                for server in [stopped, other] {
                    server.process.terminate()
                    server.process.waitUntilExit()
                }
                for name in ["stopped", "other"] {
                    let drained = try Program.run(
                        ["journal", "drain", folder.appending(path: "\(name)/journal").path, "--database", target.url])
                    #expect(drained.status == 0, "\(drained.output)\(drained.errors)")
                }
                let rows = try await Self.logged(target)
                #expect(Set(rows).count == rows.count)
                #expect(told.union(toldFirst).subtracting(rows).isEmpty)
                #expect(rows.count - told.count - toldFirst.count <= 8)
                #expect(try Program.run(["audit", "shop-demo", "--database", target.url]).status == 0)
            }
        }
    }

    /// The database dies under the server: assignments go on, and after it is back everything is there.
    @Test func assignmentsGoOnWithoutTheDatabase() async throws {
        try await Self.withFolder { folder in
            let data = folder.appending(path: "data").path
            let journal = folder.appending(path: "journal").path
            let server = try Program.start(
                [
                    "serve", "--port", "0", "--experiments", "experiments/shop-demo.yaml", "--journal", journal, "--data-dir", data,
                ], folder: folder)
            defer {
                kill(server.processIdentifier, SIGKILL)
                server.waitUntilExit()
            }
            let socket = try #require(LoopbackConnection(port: try await ServiceProcessTests.port(folder)))
            var told: Set<String> = []
            for index in 0..<20 { told.insert(try #require(socket.assign(unit: "with-\(index)"))) }
            // An immediate shutdown: no checkpoint, connections cut.
            let postmaster = try #require(Self.postmaster(below: data))
            kill(postmaster, SIGQUIT)
            while kill(postmaster, 0) == 0 { try await Task.sleep(for: .milliseconds(10)) }
            for index in 0..<200 { told.insert(try #require(socket.assign(unit: "without-\(index)"))) }
            #expect(told.count == 220)
            kill(server.processIdentifier, SIGTERM)
            server.waitUntilExit()
            #expect(server.terminationStatus == 0)

            // Any command starts the private database again.
            let drained = try Program.run(["journal", "drain", journal, "--data-dir", data])
            #expect(drained.status == 0, "\(drained.output)\(drained.errors)")
            let exported = try Program.run(["export", "shop-demo", "--format", "csv", "--data-dir", data])
            let missing = told.count { !exported.output.contains($0) }
            #expect(missing == 0, "of \(told.count); \(exported.errors)")
        }
    }

    @Test func aDirectoryWithoutJournalsIsAnError() async throws {
        try await withDatabase { target in
            try await Self.withFolder { folder in
                let outcome = try Program.run(["journal", "drain", folder.path, "--database", target.url])
                #expect(outcome.status == 1 && outcome.errors.contains("expected folders of journals"), "\(outcome.errors)")
            }
        }
    }

    private static func postmaster(below folder: String) -> Int32? {
        let files = FileManager.default.enumerator(atPath: folder)
        while let name = files?.nextObject() as? String {
            guard name.hasSuffix("postmaster.pid") else { continue }
            let text = try? String(contentsOfFile: "\(folder)/\(name)", encoding: .utf8)
            if let line = text?.split(separator: "\n").first, let pid = Int32(line) { return pid }
        }
        return nil
    }
}
