package import HaggleCore
package import Postgres

extension Catalog {
    /// Notes that a program serves an experiment's version with a snapshot, so that an audit knows which rows must agree in their bits. A server
    /// calls this before it swaps the pair in; calling it again changes nothing.
    /// - Parameter snapshot: nil in an A/B experiment, or where none could be loaded.
    package static func noteServing(
        _ key: ExperimentKey, version: ExperimentVersion, snapshot: SnapshotVersion?, by build: BuildIdentity, on connection: Connection
    ) async throws {
        _ = try await connection.execute(
            """
            INSERT INTO serving_builds (experiment, experiment_version, snapshot, build, platform)
            VALUES (\(key), \(version)::int, \(snapshot?.rawValue ?? 0)::int, \(build.build), \(build.platform))
            ON CONFLICT DO NOTHING
            """)
    }

    /// The programs that served an experiment's version with a snapshot, as far as they said so.
    package static func servingBuilds(
        of key: ExperimentKey, version: ExperimentVersion, snapshot: SnapshotVersion?, on connection: Connection
    ) async throws -> Set<BuildIdentity> {
        let rows = try await connection.query(
            """
            SELECT build, platform FROM serving_builds
             WHERE experiment = \(key) AND experiment_version = \(version) AND snapshot = \(snapshot?.rawValue ?? 0)
            """)
        return Set(
            try rows.map { row in
                BuildIdentity(build: try row.decode("build", as: String.self), platform: try row.decode("platform", as: String.self))
            })
    }
}
