import Crypto
import Foundation
package import HaggleCore
package import Postgres

extension Catalog {
    /// The versions in force, by key.
    package static func experiments(on connection: Connection) async throws -> [StoredExperiment] {
        try await connection.query("\(fragment: selection) ORDER BY e.key").map { try stored($0) }
    }

    /// The version in force of one experiment.
    /// - Throws: `CatalogError.unknownExperiment`.
    package static func experiment(_ key: ExperimentKey, on connection: Connection) async throws -> StoredExperiment {
        guard let row = try await connection.query("\(fragment: selection) WHERE e.key = \(key)").first else {
            throw CatalogError.unknownExperiment(key)
        }
        return try stored(row)
    }

    /// One applied version, current or not.
    package static func experiment(_ key: ExperimentKey, version: ExperimentVersion, on connection: Connection) async throws -> Experiment {
        let rows = try await connection.query(
            "SELECT document::text AS document FROM experiment_versions WHERE experiment = \(key) AND version = \(version)")
        guard let row = rows.first else { throw CatalogError.unknownExperiment(key) }
        return try document(row.decode("document", as: String.self), key, version)
    }

    /// Stores a new version and makes it the one in force, inside the caller's transaction. Tells the servers when that commits.
    /// - Returns: the new version.
    package static func store(
        _ experiment: Experiment, sourceText: String, by actor: String, on connection: Connection
    ) async throws -> ExperimentVersion {
        let rows = try await connection.query(
            """
            INSERT INTO experiments (key, version) VALUES (\(experiment.key), 1)
            ON CONFLICT (key) DO UPDATE SET version = experiments.version + 1 RETURNING version
            """)
        let version = try ExperimentVersion(rows[0].decode("version", as: Int.self))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let document = String(decoding: try encoder.encode(experiment), as: UTF8.self)
        _ = try await connection.execute(
            """
            INSERT INTO experiment_versions (experiment, version, source_text, document, digest, applied_by)
            VALUES (\(experiment.key), \(version)::int, \(sourceText), \(document)::jsonb, \(digest(of: sourceText)), \(actor))
            """)
        try await record("apply", experiment: experiment.key, by: actor, detail: "{\"version\": \(version)}", on: connection)
        try await tell(CatalogChannel.experiments, experiment.key, on: connection)
        return version
    }

    /// Turns the kill switch: everybody gets control on every server until it is turned back.
    package static func setPaused(
        _ isPaused: Bool, experiment key: ExperimentKey, by actor: String, note: String?, on connection: Connection
    ) async throws {
        _ = try await experiment(key, on: connection)
        if isPaused {
            _ = try await connection.execute(
                """
                INSERT INTO experiment_pauses (experiment, paused_by, note) VALUES (\(key), \(actor), \(note))
                ON CONFLICT (experiment) DO NOTHING
                """)
        } else {
            _ = try await connection.execute("DELETE FROM experiment_pauses WHERE experiment = \(key)")
        }
        try await record(isPaused ? "pause" : "resume", experiment: key, by: actor, detail: "{}", on: connection)
        try await tell(CatalogChannel.experiments, key, on: connection)
    }

    /// Writes one line of the audit log.
    package static func record(
        _ action: String, experiment: ExperimentKey?, by actor: String, detail: String, on connection: Connection
    ) async throws {
        _ = try await connection.execute(
            """
            INSERT INTO audit_log (actor, action, experiment, detail)
            VALUES (\(actor), \(action), \(experiment), \(detail)::jsonb)
            """)
    }

    /// SHA-256 of a file's text, in hexadecimal.
    package static func digest(of sourceText: String) -> String {
        SHA256.hash(data: Data(sourceText.utf8)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    static func tell(_ channel: String, _ key: ExperimentKey, on connection: Connection) async throws {
        _ = try await connection.query("SELECT pg_notify(\(channel)::text, \(key)::text)")
    }

    private static let selection: SQL = """
        SELECT e.key, e.version, v.digest, v.source_text, v.document::text AS document,
               (extract(epoch FROM v.applied_at) * 1000000)::bigint AS applied_at, p.experiment IS NOT NULL AS paused,
               (SELECT max(s.version) FROM snapshots s WHERE s.experiment = e.key) AS snapshot
          FROM experiments e
          JOIN experiment_versions v ON v.experiment = e.key AND v.version = e.version
          LEFT JOIN experiment_pauses p ON p.experiment = e.key
        """

    private static func stored(_ row: Row) throws -> StoredExperiment {
        let key = ExperimentKey(try row.decode("key", as: String.self))
        let version = ExperimentVersion(try row.decode("version", as: Int.self))
        return StoredExperiment(
            experiment: try document(row.decode("document", as: String.self), key, version), version: version,
            digest: try row.decode("digest", as: String.self), sourceText: try row.decode("source_text", as: String.self),
            appliedAt: Timestamp(microseconds: try row.decode("applied_at", as: Int64.self)),
            isPaused: try row.decode("paused", as: Bool.self),
            snapshot: try row.decode("snapshot", as: Int?.self).map { SnapshotVersion($0) })
    }

    private static func document(_ text: String, _ key: ExperimentKey, _ version: ExperimentVersion) throws -> Experiment {
        do {
            return try JSONDecoder().decode(Experiment.self, from: Data(text.utf8))
        } catch {
            throw CatalogError.unreadableDocument(key, version, reason: "\(error)")
        }
    }
}
