import Foundation

/// The server programs of one PostgreSQL version on this machine.
package struct PostgresInstallation: Hashable, Sendable {
    /// Partitions are detached concurrently, which 14 brought.
    static let minimumVersion = 14

    let directory: String
    let version: Int

    var initdb: String { directory + "/initdb" }
    var pgControl: String { directory + "/pg_ctl" }

    /// Where to look: the search path first, because it is the user's choice; then the places of Debian, Red Hat, Homebrew and
    /// Postgres.app.
    package static func usualDirectories(searchPath: String?) -> [String] {
        (searchPath ?? "").split(separator: ":").map(String.init) + [
            "/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin",
            "/home/linuxbrew/.linuxbrew/opt/postgresql*/bin", "/Applications/Postgres.app/Contents/Versions/*/bin", "/usr/local/pgsql/bin",
        ]
    }

    /// The installations in these directories (`*` stands for any part of one name), in their order and the newest first within a pattern.
    /// - Throws: `PostgresError.serverProgramsNotFound` where there is none.
    package static func all(in directories: [String]) throws -> [PostgresInstallation] {
        var found: [PostgresInstallation] = []
        for pattern in directories {
            let installations = expand(pattern).compactMap { directory in
                found.contains { $0.directory == directory } ? nil : PostgresInstallation(directory: directory)
            }
            found += installations.sorted { $0.version > $1.version }
        }
        if found.isEmpty { throw PostgresError.serverProgramsNotFound(searched: directories) }
        return found
    }

    /// Nil unless the directory has all three programs.
    private init?(directory: String) {
        for program in ["initdb", "pg_ctl", "postgres"] where !FileManager.default.isExecutableFile(atPath: "\(directory)/\(program)") {
            return nil
        }
        // "postgres (PostgreSQL) 15.4 (Debian 15.4-1)"
        guard let outcome = try? Command.run(["\(directory)/postgres", "--version"]), outcome.status == 0,
            let word = outcome.output.split(separator: " ").first(where: { $0.first?.isNumber ?? false }),
            let version = Int(word.prefix { $0.isNumber })
        else { return nil }
        self.directory = directory
        self.version = version
    }

    private static func expand(_ pattern: String) -> [String] {
        var paths = [""]
        for component in pattern.split(separator: "/") {
            guard let star = component.firstIndex(of: "*") else {
                paths = paths.map { $0 + "/" + component }
                continue
            }
            let (prefix, suffix) = (component[..<star], component[component.index(after: star)...])
            paths = paths.flatMap { path in
                let names = (try? FileManager.default.contentsOfDirectory(atPath: path.isEmpty ? "/" : path)) ?? []
                return names.filter { $0.hasPrefix(prefix) && $0.hasSuffix(suffix) && !$0.hasPrefix(".") }.sorted().map { path + "/" + $0 }
            }
        }
        return paths
    }
}
