package import HaggleCore
package import Postgres

/// What PostgreSQL stores about experiments: applied versions, serving snapshots, the learner's state, the kill switch, the audit log.
///
/// Every function works on a connection that the caller lends, so that the caller decides what commits together.
package enum Catalog {
    /// When the caller's transaction began, by the database's clock, which all servers share.
    package static func now(on connection: Connection) async throws -> Timestamp {
        let row = try await connection.query("SELECT (extract(epoch FROM now()) * 1000000)::bigint AS now")[0]
        return Timestamp(microseconds: try row.decode("now", as: Int64.self))
    }
}
