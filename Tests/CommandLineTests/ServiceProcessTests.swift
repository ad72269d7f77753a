import Foundation
import HaggleCore
import Postgres
import TestSupport
import Testing

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The service as its own process.
@Suite(.serialized) struct ServiceProcessTests {
    /// `kill -9` under load: what was acknowledged is in the log, once, and nothing else is but what was in flight.
    ///
    /// Reduced to 2 kills; `HAGGLE_SOAK=1` does 50.
    @Test func killingTheServerLosesNothingAcknowledged() async throws {
        let kills = ProcessInfo.processInfo.environment["HAGGLE_SOAK"] == nil ? 2 : 50
        try await withDatabase { target in
            for round in 0..<kills {
                let folder = FileManager.default.temporaryDirectory.appending(path: "haggle-kill-\(UUID().uuidString)")
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
                defer { try? FileManager.default.removeItem(at: folder) }
                let server = try Program.start(
                    ["serve", "--port", "0", "--experiments", "experiments/shop-demo.yaml", "--database", target.url], folder: folder)
                let port = try await Self.port(folder)
                let clients = 8
                let load = AssignmentLoad(port: port, clients: clients, unitPrefix: "r\(round)-")
                try await Task.sleep(for: .milliseconds(700))
                kill(server.processIdentifier, SIGKILL)
                server.waitUntilExit()
                let told = try await load.stop()
                #expect(told.count > 50, "the load was too small to mean anything")
                let prefix = "r\(round)-%"
                let logged = try await Connection.with(target) { connection in
                    try await connection.query("SELECT id::text AS id FROM impressions WHERE unit LIKE \(prefix)")
                        .map { try $0.decode("id", as: String.self) }
                }
                #expect(Set(logged).count == logged.count)
                #expect(told.subtracting(logged).isEmpty, "acknowledged rows are missing")
                // A row whose answer was on its way when the process died may be there without its client knowing.
                #expect(logged.count - told.count <= clients)
            }
        }
    }

    @Test func sigtermFinishesAndExitsZero() async throws {
        try await withDatabase { target in
            let folder = FileManager.default.temporaryDirectory.appending(path: "haggle-term-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let server = try Program.start(
                ["serve", "--port", "0", "--experiments", "experiments/shop-demo.yaml", "--database", target.url], folder: folder)
            let port = try await Self.port(folder)
            let socket = try #require(LoopbackConnection(port: port))
            #expect(socket.assign(unit: "one") != nil)
            kill(server.processIdentifier, SIGTERM)
            server.waitUntilExit()
            #expect(server.terminationStatus == 0)
        }
    }

    /// SIGHUP reads the experiment files again, all or nothing; the server goes on in either case.
    @Test func sighupAppliesTheFilesAgain() async throws {
        try await withDatabase { target in
            let folder = FileManager.default.temporaryDirectory.appending(path: "haggle-hup-\(UUID().uuidString)")
            let files = folder.appending(path: "experiments")
            try FileManager.default.createDirectory(at: files, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let file = files.appending(path: "shop-demo.yaml")
            let text = try String(contentsOfFile: "experiments/shop-demo.yaml", encoding: .utf8)
            try Data(text.utf8).write(to: file)
            let server = try Program.start(
                ["serve", "--port", "0", "--role", "http", "--experiments", files.path, "--database", target.url], folder: folder)
            let port = try await Self.port(folder)
            let socket = try #require(LoopbackConnection(port: port))
            #expect(socket.assign(unit: "one") != nil)
            func version() async throws -> Int {
                try await Connection.with(target) { connection in
                    try await connection.query("SELECT max(version) AS v FROM experiment_versions").first?.decode("v", as: Int.self) ?? 0
                }
            }
            func messages() throws -> String { try String(contentsOf: folder.appending(path: "err"), encoding: .utf8) }
            func eventually(_ condition: () async throws -> Bool) async throws -> Bool {
                let deadline = ContinuousClock.now + .seconds(30)
                while ContinuousClock.now < deadline {
                    if try await condition() { return true }
                    try await Task.sleep(for: .milliseconds(20))
                }
                return false
            }
            let first = try await version()
            try Data(text.replacing("owner:", with: "# owner:").utf8).write(to: file)
            kill(server.processIdentifier, SIGHUP)
            #expect(try await eventually { try await version() == first + 1 })
            // One file is broken: neither is applied.
            try Data(text.utf8).write(to: file)
            try Data("experiment: [".utf8).write(to: files.appending(path: "broken.yaml"))
            kill(server.processIdentifier, SIGHUP)
            #expect(try await eventually { try messages().contains("nothing was changed") })
            #expect(try messages().contains("broken.yaml:"))
            #expect(try await version() == first + 1)
            #expect(socket.assign(unit: "two") != nil)
            server.terminate()
            server.waitUntilExit()
            #expect(server.terminationStatus == 0)
        }
    }

    /// `explain` and `recommend` on what a service has logged and published, as a person types them.
    @Test func anAssignmentIsExplainedAndAFileScored() async throws {
        try await withDatabase { target in
            let folder = FileManager.default.temporaryDirectory.appending(path: "haggle-explain-\(UUID().uuidString)")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let server = try Program.start(
                ["serve", "--port", "0", "--experiments", "experiments/shop-demo.yaml", "--database", target.url], folder: folder)
            let socket = try #require(LoopbackConnection(port: try await Self.port(folder)))
            let id = try #require(socket.assign(unit: "one"))
            kill(server.processIdentifier, SIGTERM)
            server.waitUntilExit()

            let text = try Program.run(["explain", id, "--database", target.url])
            #expect(text.status == 0 && text.output.contains("Exploration is"), "\(text.output)\(text.errors)")
            let json = try Program.run(["explain", id, "--format", "json", "--database", target.url])
            let object = try #require(try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
            let arms = try #require((object["decision"] as? [String: Any])?["arms"] as? [[String: Any]])
            // Before anything is learned every arm is as likely as any other.
            #expect(arms.count == 5 && arms.allSatisfy { abs(($0["probability"] as? Double ?? 0) - 0.2) < 1e-12 })
            for (wrong, told) in [("first", "a UUID"), ("0190a8f4-0000-7000-8000-000000000000", "an impression of the log")] {
                let outcome = try Program.run(["explain", wrong, "--database", target.url])
                #expect(outcome.status == 1 && outcome.errors.contains(told), "\(outcome.errors)")
            }

            let customers = folder.appending(path: "customers.csv").path
            let strategy = folder.appending(path: "strategy.csv").path
            try "customer,recency_days,channel\na,3,web\nb,,app\nc,40,store\n".write(toFile: customers, atomically: true, encoding: .utf8)
            let scored = try Program.run([
                "recommend", "shop-demo", "--customers", customers, "--output", strategy, "--database", target.url,
            ])
            #expect(scored.status == 0 && scored.errors.contains("taken as missing for everybody"), "\(scored.errors)")
            let lines = try String(contentsOfFile: strategy, encoding: .utf8).split(separator: "\n")
            #expect(lines.count == 4 && lines[1].hasPrefix("a,") && lines[3].hasPrefix("c,"))
            try "customer,recency_days\na,soon\n".write(toFile: customers, atomically: true, encoding: .utf8)
            let refused = try Program.run([
                "recommend", "shop-demo", "--customers", customers, "--output", strategy, "--database", target.url,
            ])
            #expect(refused.status == 1 && refused.errors.contains("customers.csv:2"), "\(refused.errors)")
            let unknown = try Program.run([
                "recommend", "nobody", "--customers", customers, "--output", strategy, "--database", target.url,
            ])
            #expect(unknown.status == 1 && unknown.errors.contains("nobody"), "\(unknown.errors)")
        }
    }

    /// The port that the server prints once it answers.
    static func port(_ folder: URL) async throws -> UInt16 {
        for _ in 0..<400 {
            let text = (try? String(contentsOf: folder.appending(path: "err"), encoding: .utf8)) ?? ""
            if let match = text.firstMatch(of: /serving on http:\/\/127\.0\.0\.1:(\d+)\n/), let port = UInt16(match.1) { return port }
            try await Task.sleep(for: .milliseconds(50))
        }
        let text = (try? String(contentsOf: folder.appending(path: "err"), encoding: .utf8)) ?? ""
        throw NotServing(errors: text)
    }

    struct NotServing: Error { let errors: String }
}
