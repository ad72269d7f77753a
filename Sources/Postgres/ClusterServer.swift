import Foundation
import Logging

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Initialises, starts and stops the server of a managed cluster. Every call blocks and needs the layout's lock.
struct ClusterServer: Sendable {
    let layout: ClusterLayout
    let configuration: ManagedCluster.Configuration
    private let account: ServerAccount?
    private let installation: PostgresInstallation
    private let logger: Logger

    var target: ConnectionTarget { ConnectionTarget(url: layout.url(database: "postgres")) }

    /// Chooses the installation: the one that made the cluster, or the first if there is no cluster yet.
    init(
        layout: ClusterLayout, account: ServerAccount?, installations: [PostgresInstallation], configuration: ManagedCluster.Configuration,
        logger: Logger
    ) throws {
        self.layout = layout
        self.account = account
        self.configuration = configuration
        self.logger = logger
        if let version = try? String(contentsOfFile: layout.data + "/PG_VERSION", encoding: .utf8) {
            let major = trimmed(version)
            guard let fitting = installations.first(where: { String($0.version) == major }) else {
                throw PostgresError.clusterOfOtherVersion(version: major, directory: layout.data, installed: installations.map(\.version))
            }
            installation = fitting
        } else {
            let newest = installations.first { $0.version >= PostgresInstallation.minimumVersion }
            guard let installation = newest else {
                throw PostgresError.serverTooOld(
                    version: installations[0].version, minimum: PostgresInstallation.minimumVersion, directory: installations[0].directory)
            }
            self.installation = installation
        }
    }

    /// Makes the server run and the database exist, from whatever state there is.
    func run() throws {
        if !FileManager.default.fileExists(atPath: layout.data + "/PG_VERSION") { try initialise() }
        let deadline = ContinuousClock.now + .seconds(configuration.startSeconds)
        if try !joins(until: deadline) { try start(until: deadline) }
        try createDatabase()
    }

    func stop() throws {
        guard isServerAlive else { return }
        logger.debug("stopping PostgreSQL", metadata: ["directory": "\(layout.data)"])
        try Command.require([installation.pgControl, "stop", "-D", layout.data, "-m", "fast", "-w", "-t", "60"], as: account)
    }

    // MARK: Initialising

    /// Under another name first, so that what an interrupted initdb leaves is never taken for a cluster.
    private func initialise() throws {
        logger.debug("initialising PostgreSQL", metadata: ["directory": "\(layout.data)", "version": "\(installation.version)"])
        let files = FileManager.default
        do {
            for leftover in [layout.unfinishedData, layout.data] where files.fileExists(atPath: leftover) {
                try files.removeItem(atPath: leftover)
            }
            try files.createDirectory(
                atPath: layout.unfinishedData, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
        } catch {
            throw PostgresError.fileFailed(path: layout.unfinishedData, operation: "make the directory", reason: "\(error)")
        }
        try account?.own(layout.unfinishedData)
        // Byte order and UTF-8 whatever the machine's language is: the same on every machine, and the fastest.
        var command = [
            installation.initdb, "-D", layout.unfinishedData, "-U", ManagedCluster.name, "--encoding=UTF8", "--locale=C",
            "--auth=trust", "--data-checksums",
        ]
        if !configuration.isDurable { command.append("--no-sync") }
        try Command.require(command, as: account)
        guard unsafe rename(layout.unfinishedData, layout.data) == 0 else {  // paths live during the call
            throw PostgresError.fileFailed(path: layout.unfinishedData, operation: "rename", reason: systemError())
        }
    }

    /// The server's whole configuration, written before each start so that it is this version's.
    private func configure() throws {
        let durability = configuration.isDurable ? "on" : "off"
        let settings = """
            # Written by Haggle at each start of the server.
            listen_addresses = ''
            unix_socket_directories = '\(layout.socketDirectory)'
            unix_socket_permissions = 0700
            max_connections = \(configuration.maxConnections)
            shared_buffers = 128MB
            fsync = \(durability)
            synchronous_commit = \(durability)
            full_page_writes = \(durability)
            # Nobody replicates a private cluster, and bulk loads into new tables need no log.
            wal_level = minimal
            max_wal_senders = 0
            max_wal_size = 2GB
            # A query may touch a partition for each day.
            max_locks_per_transaction = 256
            jit = off
            timezone = 'UTC'
            log_timezone = 'UTC'
            # Neither statements nor rows, which hold customers' data.
            log_min_messages = warning
            log_min_error_statement = panic
            log_error_verbosity = terse

            """
        // "trust", because peer authentication compares the names of system users and root is not the server's user. Who may connect is decided by
        // the file system: the socket (0700) lies in a directory (0700) of the server's user, so only that user and root reach it.
        let access = "local all all trust\n"
        for (name, content) in [("postgresql.conf", settings), ("pg_hba.conf", access)] {
            let path = layout.data + "/" + name
            do {
                // In place, so that the file keeps its owner.
                try Data(content.utf8).write(to: URL(fileURLWithPath: path))
            } catch {
                throw PostgresError.fileFailed(path: path, operation: "write", reason: "\(error)")
            }
            try account?.own(path)
        }
    }

    // MARK: Starting

    /// Waits for a server that another process started and that may be recovering; false if there is none.
    private func joins(until deadline: ContinuousClock.Instant) throws -> Bool {
        while true {
            if target.answer == .accepting { return true }
            guard isServerAlive else { return false }
            guard ContinuousClock.now < deadline else { throw didNotStart }
            Thread.sleep(forTimeInterval: 0.05)
        }
    }

    private func start(until deadline: ContinuousClock.Instant) throws {
        logger.debug("starting PostgreSQL", metadata: ["directory": "\(layout.data)", "version": "\(installation.version)"])
        try configure()
        while true {
            forgetDeadServer()
            truncateLog()
            let logged = logSize
            let command = [installation.pgControl, "start", "-D", layout.data, "-l", layout.log, "-w", "-t", "60", "-s"]
            let outcome = try Command.run(account?.wrap(command) ?? command)
            // Recovery may take longer than pg_ctl waits.
            if outcome.status == 0 || isServerAlive, try joins(until: deadline) { return }
            // After the death of the postmaster alone its other processes take a moment to notice, and hold the shared memory until then.
            guard logTail(from: logged).contains("still in use"), ContinuousClock.now < deadline else { throw didNotStart }
            Thread.sleep(forTimeInterval: 0.2)
        }
    }

    private var didNotStart: PostgresError { .serverDidNotStart(seconds: configuration.startSeconds, log: logTail()) }

    private func createDatabase() throws {
        var connection = ConnectionHandle()
        try connection.open(target)
        let there = try connection.run("SELECT FROM pg_database WHERE datname = $1", [ManagedCluster.name.sqlBinding]).rowCount
        if there == 0 { _ = try connection.script("CREATE DATABASE \(ManagedCluster.name)") }
    }

    /// Whether the process that `postmaster.pid` names runs and is the server of this directory.
    private var isServerAlive: Bool { process(in: layout.processFile).map { arguments(of: $0).contains(layout.data) } ?? false }

    /// The process that a lock file of PostgreSQL names on its first line.
    private func process(in file: String) -> Int32? {
        let line = (try? String(contentsOfFile: file, encoding: .utf8))?.split(separator: "\n").first
        return line.flatMap { Int32($0.trimmingCharacters(in: .whitespaces)) }
    }

    /// The command line of a running process, empty if there is none. Everybody may read it, unlike its executable or directory.
    private func arguments(of process: Int32) -> String {
        #if canImport(Darwin)
        (try? Command.run(["/bin/ps", "-ww", "-o", "command=", "-p", "\(process)"]))?.output ?? ""
        #else
        // A file of /proc says it has no length: read until its end. It is empty for a zombie.
        FileHandle(forReadingAtPath: "/proc/\(process)/cmdline").flatMap { try? $0.readToEnd() }.map { String(decoding: $0, as: UTF8.self) }
            ?? ""
        #endif
    }

    /// Removes the lock files of a killed server if another program has its process number by now, as after a restart of the machine or of a
    /// container: PostgreSQL would take that program for a server. In all other cases PostgreSQL itself does what is right, and it finds live
    /// processes of the old server by their shared memory with or without the files.
    private func forgetDeadServer() {
        for file in [layout.processFile, layout.socket + ".lock"] {
            guard let process = process(in: file), process > 0, kill(process, 0) == 0 || errno == EPERM else { continue }
            _ = unsafe unlink(file)  // the path lives during the call
        }
    }

    // MARK: Log

    private func truncateLog() {
        if logSize > 10_000_000 { _ = unsafe truncate(layout.log, 0) }  // the path lives during the call
    }

    private var logSize: Int { (try? FileManager.default.attributesOfItem(atPath: layout.log)[.size] as? Int) ?? 0 }

    /// The last lines of the server's log, of those written after `start` bytes.
    private func logTail(from start: Int = 0) -> String {
        guard let file = FileHandle(forReadingAtPath: layout.log) else { return "" }
        defer { try? file.close() }
        // However long it is, its end is enough.
        try? file.seek(toOffset: UInt64(max(start, logSize - 8192, 0)))
        let text = String(decoding: (try? file.readToEnd()) ?? Data(), as: UTF8.self)
        return text.split(separator: "\n").suffix(12).joined(separator: "\n")
    }
}
