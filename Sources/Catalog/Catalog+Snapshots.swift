import Crypto
import Foundation
package import HaggleCore
package import Postgres

extension Catalog {
    /// The newest serving snapshot with its bytes; nil for an experiment that has none.
    package static func newestSnapshot(of key: ExperimentKey, on connection: Connection) async throws -> StoredSnapshot? {
        let rows = try await connection.query(
            """
            SELECT \(raw: description), bytes, checksum FROM snapshots WHERE experiment = \(key) ORDER BY version DESC LIMIT 1
            """)
        return try rows.first.map { try stored($0, key, withBytes: true) }
    }

    /// One snapshot with its bytes.
    /// - Throws: `CatalogError.unknownSnapshot`, `CatalogError.checksumMismatch`.
    package static func snapshot(
        _ version: SnapshotVersion, of key: ExperimentKey, on connection: Connection
    ) async throws -> StoredSnapshot {
        let rows = try await connection.query(
            """
            SELECT \(raw: description), bytes, checksum FROM snapshots
             WHERE experiment = \(key) AND version = \(version)
            """)
        guard let row = rows.first else { throw CatalogError.unknownSnapshot(key, version) }
        return try stored(row, key, withBytes: true)
    }

    /// All snapshots without their bytes, newest first.
    package static func snapshots(of key: ExperimentKey, limit: Int, on connection: Connection) async throws -> [StoredSnapshot] {
        try await connection.query(
            "SELECT \(raw: description) FROM snapshots WHERE experiment = \(key) ORDER BY version DESC LIMIT \(limit)"
        ).map { try stored($0, key, withBytes: false) }
    }

    /// Publishes a snapshot by compare-and-set: its version must be the next one after `parent`, and `parent` must still be the newest. Tells
    /// the servers when the caller's transaction commits.
    /// - Throws: `CatalogError.snapshotConflict` when somebody else published first.
    package static func publish(_ snapshot: StoredSnapshot, on connection: Connection) async throws {
        let key = snapshot.experiment.rawValue
        let inserted = try await connection.execute(
            """
            INSERT INTO snapshots (experiment, version, parent, kind, experiment_version, network_version, bytes, checksum, metrics)
            SELECT \(key), \(snapshot.version)::int, \(snapshot.parent)::int, \(snapshot.kind),
                   \(snapshot.experimentVersion)::int, \(snapshot.networkVersion)::int, \(snapshot.bytes),
                   \(checksum(of: snapshot.bytes)), \(snapshot.metrics)::jsonb
             WHERE (SELECT max(version) FROM snapshots WHERE experiment = \(key)) IS NOT DISTINCT FROM \(snapshot.parent)::int
            ON CONFLICT DO NOTHING
            """)
        guard inserted == 1 else { throw CatalogError.snapshotConflict(snapshot.experiment, parent: snapshot.parent) }
        try await tell(CatalogChannel.snapshots, snapshot.experiment, on: connection)
    }

    private static let description = """
        version, parent, kind, experiment_version, network_version, metrics::text AS metrics,
        (extract(epoch FROM created_at) * 1000000)::bigint AS created_at
        """

    static func checksum(of bytes: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: bytes)) }

    private static func stored(_ row: Row, _ key: ExperimentKey, withBytes: Bool) throws -> StoredSnapshot {
        let version = SnapshotVersion(try row.decode("version", as: Int.self))
        let bytes = withBytes ? try row.decode("bytes", as: [UInt8].self) : []
        if withBytes, try row.decode("checksum", as: [UInt8].self) != checksum(of: bytes) {
            throw CatalogError.checksumMismatch(key, version)
        }
        return StoredSnapshot(
            experiment: key, version: version, parent: try row.decode("parent", as: Int?.self).map { SnapshotVersion($0) },
            kind: StoredSnapshot.Kind(rawValue: try row.decode("kind", as: String.self)) ?? .increment,
            experimentVersion: ExperimentVersion(try row.decode("experiment_version", as: Int.self)),
            networkVersion: SnapshotVersion(try row.decode("network_version", as: Int.self)), bytes: bytes,
            metrics: try row.decode("metrics", as: String.self),
            createdAt: Timestamp(microseconds: try row.decode("created_at", as: Int64.self)))
    }
}
