package import HaggleCore
package import Postgres

extension Catalog {
    /// The learner's state; nil before the first `apply`.
    package static func learnerState(of key: ExperimentKey, on connection: Connection) async throws -> StoredLearnerState? {
        let rows = try await connection.query(
            """
            SELECT parent_snapshot, position, state, pinned, revision FROM learner_states WHERE experiment = \(key)
            """)
        return try rows.first.map { row in
            StoredLearnerState(
                experiment: key, parentSnapshot: SnapshotVersion(try row.decode("parent_snapshot", as: Int.self)),
                position: try row.decode("position", as: Int64.self), bytes: try row.decode("state", as: [UInt8].self),
                isPinned: try row.decode("pinned", as: Bool.self), revision: try row.decode("revision", as: Int64.self))
        }
    }

    /// The revision alone: cheap, to see whether somebody else changed the state.
    package static func learnerRevision(of key: ExperimentKey, on connection: Connection) async throws -> Int64? {
        try await connection.query("SELECT revision FROM learner_states WHERE experiment = \(key)")
            .first?.decode("revision", as: Int64.self)
    }

    /// Writes the state by compare-and-set on its revision, inside the caller's transaction.
    /// - Returns: the state with its new revision.
    /// - Throws: `CatalogError.learnerConflict` when somebody else changed it since it was read.
    package static func save(_ state: StoredLearnerState, on connection: Connection) async throws -> StoredLearnerState {
        let changed = try await connection.execute(
            """
            UPDATE learner_states
               SET parent_snapshot = \(state.parentSnapshot)::int, position = \(state.position), state = \(state.bytes),
                   pinned = \(state.isPinned), revision = revision + 1, updated_at = clock_timestamp()
             WHERE experiment = \(state.experiment) AND revision = \(state.revision)
            """)
        guard changed == 1 else { throw CatalogError.learnerConflict(state.experiment) }
        var saved = state
        saved.revision += 1
        return saved
    }

    /// Starts learning over: the state is replaced, whatever it was, and what had been booked is forgotten, so that the log is folded anew.
    package static func restartLearning(_ state: StoredLearnerState, on connection: Connection) async throws {
        let key = state.experiment.rawValue
        _ = try await connection.execute("DELETE FROM contributions WHERE experiment = \(key)")
        _ = try await connection.execute(
            """
            INSERT INTO learner_states (experiment, parent_snapshot, position, state, pinned)
            VALUES (\(key), \(state.parentSnapshot)::int, 0, \(state.bytes), false)
            ON CONFLICT (experiment) DO UPDATE
               SET parent_snapshot = excluded.parent_snapshot, position = 0, state = excluded.state, pinned = false,
                   revision = learner_states.revision + 1, updated_at = clock_timestamp()
            """)
    }
}
