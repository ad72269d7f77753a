import Foundation
package import Logging
import Synchronization

/// A private PostgreSQL server in Haggle's data directory, shared by the processes that use that directory.
///
/// It listens on a Unix socket only. The first process initialises and starts it, further ones join it, and the last one to `stop` stops it; a
/// process that ends without stopping (`kill -9`) leaves it running for the next.
package final class ManagedCluster: Sendable {
    package struct Configuration: Sendable {
        /// False gives up safety against a crash of the machine, for tests.
        package var isDurable: Bool
        package var maxConnections: Int
        /// How long the server may take to start, crash recovery included.
        package var startSeconds: Double
        /// Where to look for the server's programs.
        package var searchDirectories: [String]

        package init(isDurable: Bool = true, maxConnections: Int = 100, startSeconds: Double = 120, searchDirectories: [String]? = nil) {
            self.isDurable = isDurable
            self.maxConnections = maxConnections
            self.startSeconds = startSeconds
            self.searchDirectories =
                searchDirectories ?? PostgresInstallation.usualDirectories(searchPath: ProcessInfo.processInfo.environment["PATH"])
        }
    }

    /// The superuser and the database that `url` names.
    static let name = "haggle"

    private let server: ClusterServer
    private let logger: Logger
    /// Shared by every process that uses the cluster; whoever gets it exclusively is alone.
    private let usage: Mutex<FileLock?>

    private init(_ server: ClusterServer, usage: FileLock, logger: Logger) {
        self.server = server
        self.logger = logger
        self.usage = Mutex(usage)
    }

    /// How to connect. No password stands in it.
    package var url: String { server.layout.url(database: Self.name) }
    package var target: ConnectionTarget { ConnectionTarget(url: url) }
    /// The same for another database of the cluster.
    package func url(database: String) -> String { server.layout.url(database: database) }

    /// Initialises, starts or joins the cluster of a data directory, whatever state the last process left it in.
    package static func start(
        dataDirectory: String, configuration: Configuration = Configuration(), logger: Logger = .silent
    ) async throws -> ManagedCluster {
        try await onOwnThread("haggle-cluster") {
            try startBlocking(dataDirectory: dataDirectory, configuration: configuration, logger: logger)
        }
    }

    private static func startBlocking(dataDirectory: String, configuration: Configuration, logger: Logger) throws -> ManagedCluster {
        let installations = try PostgresInstallation.all(in: configuration.searchDirectories)
        let account = try ServerAccount.needed()
        let layout = try ClusterLayout(dataDirectory: dataDirectory, account: account)
        // Initialising, starting and stopping exclude one another across processes.
        let exclusive = try FileLock.exclusive(path: layout.lockFile, seconds: configuration.startSeconds + 30)
        defer { withExtendedLifetime(exclusive) {} }
        let usage = try FileLock(path: layout.usageFile)
        guard usage.tryShared() else { throw PostgresError.clusterBusy(lock: layout.usageFile, seconds: 0) }
        let server = try ClusterServer(
            layout: layout, account: account, installations: installations, configuration: configuration, logger: logger)
        try server.run()
        return ManagedCluster(server, usage: usage, logger: logger)
    }

    /// Starts the server again if it has crashed. Connections heal by themselves afterwards.
    package func restartIfNeeded() async throws {
        let server = server
        try await onOwnThread("haggle-cluster") {
            if server.target.answer == .accepting { return }
            let exclusive = try FileLock.exclusive(path: server.layout.lockFile, seconds: server.configuration.startSeconds + 30)
            defer { withExtendedLifetime(exclusive) {} }
            try server.run()
        }
    }

    /// Leaves the cluster, and stops the server if nobody else uses it. Further calls do nothing.
    package func stop() async {
        try? await onOwnThread("haggle-cluster") { self.stopBlocking() }
    }

    /// `stop` for the end of a process, where nothing asynchronous runs any more.
    package func stopBlocking() {
        guard let usage = usage.withLock({ $0.take() }) else { return }
        do {
            let exclusive = try FileLock.exclusive(path: server.layout.lockFile, seconds: server.configuration.startSeconds + 30)
            defer { withExtendedLifetime(exclusive) {} }
            // From shared to exclusive: possible only if no other process holds it shared.
            guard usage.tryExclusive() else {
                logger.debug("leaving PostgreSQL running for other processes")
                return
            }
            try server.stop()
        } catch {
            logger.debug("could not stop PostgreSQL", metadata: ["error": "\(error)"])
        }
    }
}
