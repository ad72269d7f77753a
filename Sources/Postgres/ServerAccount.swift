import Foundation

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

/// The unprivileged user that runs PostgreSQL when Haggle itself runs as root.
struct ServerAccount: Hashable, Sendable {
    let name: String
    let userID: uid_t
    let groupID: gid_t

    /// Nil when the current user may run PostgreSQL.
    static func needed() throws -> ServerAccount? {
        guard geteuid() == 0 else { return nil }
        guard let account = named("postgres") ?? named("nobody") else { throw PostgresError.noServerAccount }
        return account
    }

    private static func named(_ name: String) -> ServerAccount? {
        var entry = unsafe passwd()
        var found: UnsafeMutablePointer<passwd>?
        var strings = [CChar](repeating: 0, count: 1 << 14)
        // All three outlive the call, and only numbers are read afterwards.
        guard unsafe getpwnam_r(name, &entry, &strings, strings.count, &found) == 0, unsafe found != nil else { return nil }
        return unsafe ServerAccount(name: name, userID: entry.pw_uid, groupID: entry.pw_gid)
    }

    /// The command that runs `command` as this user, with whichever of the usual programs there is.
    func wrap(_ command: [String]) -> [String] {
        if let setpriv = Self.program("setpriv") {
            return [setpriv, "--reuid=\(userID)", "--regid=\(groupID)", "--clear-groups", "--"] + command
        }
        if let runuser = Self.program("runuser") { return [runuser, "-u", name, "--"] + command }
        // su takes one line for a shell: every word in single quotes.
        let line = command.map { "'" + $0.split(separator: "'", omittingEmptySubsequences: false).joined(separator: #"'\''"#) + "'" }
        return ["/usr/bin/env", "su", name, "-s", "/bin/sh", "-c", line.joined(separator: " ")]
    }

    func own(_ path: String) throws {
        guard unsafe chown(path, userID, groupID) == 0 else {  // the path lives during the call
            throw PostgresError.fileFailed(path: path, operation: "change the owner of", reason: systemError())
        }
    }

    private static func program(_ name: String) -> String? {
        ["/usr/bin", "/bin", "/usr/sbin", "/sbin"].map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }
}
