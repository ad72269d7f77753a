import Foundation

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// Where the files of a managed cluster lie: all in `postgres` under the data directory, save for the socket if that path is too long.
struct ClusterLayout: Sendable {
    let root: String
    let socketDirectory: String

    /// Held while initialising, starting or stopping.
    var lockFile: String { root + "/start.lock" }
    /// Held shared by every process that uses the cluster.
    var usageFile: String { root + "/users.lock" }
    var data: String { root + "/data" }
    var unfinishedData: String { root + "/data.new" }
    var logDirectory: String { root + "/log" }
    var log: String { logDirectory + "/postgres.log" }
    var processFile: String { data + "/postmaster.pid" }
    /// PostgreSQL names the socket after the port, which says nothing here: there is no TCP.
    var socket: String { socketDirectory + "/.s.PGSQL.5432" }

    /// A socket's path has 107 bytes on Linux and 103 on macOS; PostgreSQL appends a name of 14.
    private static let longestSocketDirectory = 85

    /// Makes the directories.
    init(dataDirectory: String, account: ServerAccount?) throws {
        let files = FileManager.default
        let wanted = URL(fileURLWithPath: dataDirectory).appendingPathComponent("postgres").path
        try Self.make(wanted, withParents: true)
        // One name for one directory, whichever links led there: the name is compared with the running server's arguments.
        guard let resolved = unsafe realpath(wanted, nil) else {
            throw PostgresError.fileFailed(path: wanted, operation: "resolve", reason: systemError())
        }
        defer { unsafe free(resolved) }  // allocated by realpath, copied before it is freed
        root = unsafe String(cString: resolved)

        // The server's user walks through to its own directories and can list nothing on the way.
        try Self.protect(root, mode: account == nil ? 0o700 : 0o711)
        if let account {
            let reach = try Command.run(account.wrap(["/bin/sh", "-c", "cd \"$1\"", "sh", root]))
            guard reach.status == 0 else { throw PostgresError.dataDirectoryUnreachable(directory: root, account: account.name) }
        }

        let near = root + "/run"
        let isNear = near.utf8.count <= Self.longestSocketDirectory && near.utf8.allSatisfy { $0 > 32 && $0 != 39 && $0 != 44 && $0 != 92 }
        socketDirectory = isNear ? near : try Self.farSocketDirectory(recordedIn: root + "/socket-directory", account: account)
        for directory in [logDirectory, socketDirectory] where !files.fileExists(atPath: directory) { try Self.make(directory) }
        for directory in [logDirectory, socketDirectory] {
            try Self.protect(directory, mode: 0o700)
            try account?.own(directory)
        }
    }

    /// `postgresql://` with the socket's directory as the host.
    func url(database: String) -> String {
        let unreserved = CharacterSet(charactersIn: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")
        func encode(_ text: String) -> String { text.addingPercentEncoding(withAllowedCharacters: unreserved) ?? text }
        return "postgresql://\(ManagedCluster.name)@/\(encode(database))?host=\(encode(socketDirectory))"
    }

    /// A new directory in /tmp whose name nobody can foresee, remembered for the next process.
    private static func farSocketDirectory(recordedIn record: String, account: ServerAccount?) throws -> String {
        if let recorded = try? String(contentsOfFile: record, encoding: .utf8), isOurs(recorded, account: account) { return recorded }
        var template = Array("/tmp/haggle-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else {  // writes into the template
            throw PostgresError.fileFailed(path: "/tmp", operation: "make a directory in", reason: systemError())
        }
        let made = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        do {
            try made.write(toFile: record, atomically: true, encoding: .utf8)
        } catch {
            throw PostgresError.fileFailed(path: record, operation: "write", reason: "\(error)")
        }
        return made
    }

    /// Whether a directory in /tmp is still the one we made: /tmp is cleaned now and then, and anybody may take a name there.
    private static func isOurs(_ path: String, account: ServerAccount?) -> Bool {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else { return false }  // fills the struct
        return status.st_mode & S_IFMT == S_IFDIR && [geteuid(), account?.userID ?? geteuid()].contains(status.st_uid)
            && status.st_mode & 0o077 == 0
    }

    private static func make(_ path: String, withParents: Bool = false) throws {
        do {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: withParents)
        } catch {
            throw PostgresError.fileFailed(path: path, operation: "make the directory", reason: "\(error)")
        }
    }

    private static func protect(_ path: String, mode: mode_t) throws {
        guard unsafe chmod(path, mode) == 0 else {  // the path lives during the call
            throw PostgresError.fileFailed(path: path, operation: "change the permissions of", reason: systemError())
        }
    }
}
