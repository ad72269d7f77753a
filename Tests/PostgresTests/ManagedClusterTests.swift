import Foundation
import Postgres
import TestSupport
import Testing

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

@Suite(.serialized, .timeLimit(.minutes(2))) struct ManagedClusterTests {
    /// A short name, because the socket's path is limited, and a directory that the server's user may walk through, because root is not it.
    private func withDirectory(mode: mode_t = 0o711, _ body: (String) async throws -> Void) async throws {
        var template = Array("/tmp/hgl-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        chmod(directory, mode)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try await body(directory)
    }

    private func serverProcess(_ directory: String) throws -> Int32 {
        let file = try String(contentsOfFile: directory + "/postgres/data/postmaster.pid", encoding: .utf8)
        return try #require(file.split(separator: "\n").first.flatMap { Int32($0) })
    }

    private func isThere(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    private static let careless = ManagedCluster.Configuration(isDurable: false)

    /// One process starts the server and is gone, others join it, the last to stop stops it, and the data stay.
    @Test func processesShareOneServer() async throws {
        try await withDirectory { directory in
            // What an interrupted initdb leaves.
            try FileManager.default.createDirectory(atPath: directory + "/postgres/data.new/base", withIntermediateDirectories: true)
            await #expect(processExitsWith: .success) { [directory = directory as String] in
                let cluster = try await ManagedCluster.start(
                    dataDirectory: directory, configuration: ManagedCluster.Configuration(isDurable: false))
                try await Connection.with(cluster.target) { try await $0.executeScript("CREATE TABLE t (n int); INSERT INTO t VALUES (7)") }
                // Ends without stopping, as a killed process does.
            }
            let process = try serverProcess(directory)
            let owner = try FileManager.default.attributesOfItem(atPath: directory + "/postgres/data")[.ownerAccountID] as? Int
            #expect(geteuid() == 0 ? owner != 0 : owner == Int(geteuid()))

            let first = try await ManagedCluster.start(dataDirectory: directory, configuration: Self.careless)
            let second = try await ManagedCluster.start(dataDirectory: directory + "/.", configuration: Self.careless)
            #expect(try serverProcess(directory) == process)
            #expect(first.url == second.url)
            await #expect(processExitsWith: .success) { [directory = directory as String] in
                let cluster = try await ManagedCluster.start(
                    dataDirectory: directory, configuration: ManagedCluster.Configuration(isDurable: false))
                try await Connection.with(cluster.target) { try await $0.execute("UPDATE t SET n = n + 1") }
                await cluster.stop()
            }
            await first.stop()
            await first.stop()
            try await Connection.with(second.target) { connection in
                let row = try await connection.queryOne("SELECT n, current_setting('listen_addresses') AS addresses FROM t")
                #expect(try row["n"] == "8" && row["addresses"] == "")
            }
            #expect(kill(process, 0) == 0)
            await second.stop()
            await #expect(throws: DatabaseError.self) { try await Connection.open(second.target) }
            #expect(!isThere(directory + "/postgres/data/postmaster.pid"))

            let again = try await ManagedCluster.start(dataDirectory: directory, configuration: Self.careless)
            let row = try await Connection.with(again.target) { try await $0.queryOne("SELECT n FROM t") }
            #expect(try row["n"] == "8")
            await again.stop()

            // After a restart of the machine the numbers of the old processes belong to others: here, to a process of the same user.
            try await withEmptyDatabase { target in
                try await Connection.with(target) { other in
                    let data = directory + "/postgres/data"
                    try "\(await other.processID)\n\(data)\n".write(toFile: data + "/postmaster.pid", atomically: false, encoding: .utf8)
                    let restarted = try await ManagedCluster.start(dataDirectory: directory, configuration: Self.careless)
                    try await Connection.with(restarted.target) { try await expectUsable($0) }
                    await restarted.stop()
                    try await expectUsable(other)
                }
            }
        }
    }

    /// The server dies by `kill -9` with work in hand. What was committed is there afterwards, for the processes that go on and for new
    /// ones. The directory's name is too long for a socket and holds what needs quoting.
    @Test func aKilledServerRecovers() async throws {
        try await withDirectory { parent in
            let directory = parent + "/Ünïcode 'quoted' " + String(repeating: "long-", count: 20)
            let cluster = try await ManagedCluster.start(dataDirectory: directory)
            let pool = ConnectionPool(target: cluster.target, size: 2)
            try await pool.withConnection { try await $0.executeScript("CREATE TABLE t (n int); INSERT INTO t VALUES (1)") }
            try await pool.withConnection { connection in
                try await connection.execute("INSERT INTO t VALUES (2)")
                // A session in the middle of something keeps the shared memory in use for a moment.
                try await connection.executeScript("BEGIN; INSERT INTO t VALUES (3)")
                #expect(kill(try serverProcess(directory), SIGKILL) == 0)
                try await cluster.restartIfNeeded()
            }
            let counted = try await pool.withConnection { try await $0.queryOne("SELECT count(*) AS count FROM t") }
            #expect(try counted["count"] == "2")

            #expect(kill(try serverProcess(directory), SIGKILL) == 0)
            let joined = try await ManagedCluster.start(dataDirectory: directory)
            let again = try await pool.withConnection { try await $0.queryOne("SELECT count(*) AS count FROM t") }
            #expect(try again["count"] == "2")
            await pool.close()
            await joined.stop()
            #expect(isThere(directory + "/postgres/data/postmaster.pid"))
            await cluster.stop()
            #expect(!isThere(directory + "/postgres/data/postmaster.pid"))
            // The socket's directory lies elsewhere.
            let elsewhere = try String(contentsOfFile: directory + "/postgres/socket-directory", encoding: .utf8)
            #expect(elsewhere.hasPrefix("/tmp/haggle-"))
            try FileManager.default.removeItem(atPath: elsewhere)
        }
    }

    @Test func aMissingInstallationSaysHowToInstall() async throws {
        try await withDirectory { directory in
            let configuration = ManagedCluster.Configuration(searchDirectories: [])
            let error = await #expect(throws: PostgresError.self) {
                try await ManagedCluster.start(dataDirectory: directory + "/new", configuration: configuration)
            }
            #expect(error == .serverProgramsNotFound(searched: []))
            let text = error.map { "\($0)" } ?? ""
            #expect(text.contains("apt-get install postgresql") && text.contains("brew install postgresql"))
            #expect(!isThere(directory + "/new"))
        }
    }

    /// Programs that only tell their version.
    private func install(version: String, in directory: String) throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        for program in ["initdb", "pg_ctl", "postgres"] {
            try "#!/bin/sh\necho 'postgres (PostgreSQL) \(version)'\n".write(
                toFile: directory + "/" + program, atomically: false, encoding: .utf8)
            chmod(directory + "/" + program, 0o755)
        }
    }

    @Test func anInstallationThatDoesNotFitIsRefused() async throws {
        try await withDirectory { directory in
            let old = directory + "/postgresql/9.6/bin"
            try install(version: "9.6.24 (Debian 9.6.24-1)", in: old)
            let onlyOld = ManagedCluster.Configuration(searchDirectories: [directory + "/postgresql/*/bin"])
            await #expect(throws: PostgresError.serverTooOld(version: 9, minimum: 14, directory: old)) {
                try await ManagedCluster.start(dataDirectory: directory + "/a", configuration: onlyOld)
            }
            try install(version: "18beta1", in: directory + "/postgresql/18/bin")
            let data = directory + "/b/postgres/data"
            try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
            try "15\n".write(toFile: data + "/PG_VERSION", atomically: false, encoding: .utf8)
            let resolved = try #require(realpath(data, nil))
            defer { free(resolved) }
            await #expect(
                throws: PostgresError.clusterOfOtherVersion(version: "15", directory: String(cString: resolved), installed: [18, 9])
            ) {
                try await ManagedCluster.start(dataDirectory: directory + "/b", configuration: onlyOld)
            }
        }
    }

    /// PostgreSQL runs as another user than root, and that user does not get into root's private directories.
    @Test(.enabled(if: geteuid() == 0)) func aPrivateDirectoryOfRootIsRefused() async throws {
        try await withDirectory(mode: 0o700) { directory in
            let error = await #expect(throws: PostgresError.self) { try await ManagedCluster.start(dataDirectory: directory) }
            guard case .dataDirectoryUnreachable = error else {
                Issue.record("expected an unreachable directory, found \(String(describing: error))")
                return
            }
        }
    }
}
