package import HaggleCore
package import Postgres

extension Catalog {
    /// Candidates that were kept back can be published later while they are among so many newest.
    package static let keptCandidates = 24

    /// Where the gate stands.
    /// - Throws: `CatalogError.unknownSnapshot` for an experiment without any.
    package static func gateHistory(of key: ExperimentKey, on connection: Connection) async throws -> GateHistory {
        let row = try await connection.query(
            """
            WITH lineage AS (
                SELECT coalesce(max(version) FILTER (WHERE kind = 'prior'), min(version)) AS version
                  FROM snapshots WHERE experiment = \(key))
            SELECT l.version AS lineage,
                   (SELECT count(*) FROM gate_looks g WHERE g.experiment = \(key) AND g.lineage = l.version) AS looks,
                   (SELECT (extract(epoch FROM max(g.judged_at)) * 1000000)::bigint
                      FROM gate_looks g WHERE g.experiment = \(key) AND g.lineage = l.version) AS last_judged,
                   (SELECT max(a.version) FROM (
                        SELECT g.published AS version FROM gate_looks g
                         WHERE g.experiment = \(key) AND g.lineage = l.version AND g.approved
                         UNION ALL
                        SELECT s.version FROM snapshots s
                         WHERE s.experiment = \(key) AND s.version > l.version AND s.kind = 'rollback') a) AS approved
              FROM lineage l
            """)[0]
        guard let lineage = try row.decode("lineage", as: Int?.self) else { throw CatalogError.unknownSnapshot(key, 1) }
        return GateHistory(
            lineage: SnapshotVersion(lineage), lookCount: try row.decode("looks", as: Int.self),
            lastJudged: try row.decode("last_judged", as: Int64?.self).map { Timestamp(microseconds: $0) },
            approved: try row.decode("approved", as: Int?.self).map { SnapshotVersion($0) })
    }

    /// Writes down a look, inside the transaction that publishes what it decided.
    /// - Parameter bytes: the candidate, where it is kept back.
    /// - Returns: the candidate's number.
    @discardableResult
    package static func record(_ look: StoredGateLook, keeping bytes: [UInt8]?, on connection: Connection) async throws -> Int {
        let key = look.experiment
        let rows = try await connection.query(
            """
            INSERT INTO gate_looks (experiment, candidate, lineage, look, judged_at, experiment_version, serving, decision, reason, numbers,
                                    approved, published, bytes, checksum)
            SELECT \(key), coalesce(max(candidate), 0) + 1, \(look.lineage)::int, \(look.look)::int,
                   \(microseconds: look.judgedAt.microseconds), \(look.experimentVersion)::int, \(look.serving)::int, \(look.decision)::text,
                   \(look.reason)::text, \(json: look.numbers), \(look.isApproved), \(look.published)::int, \(bytes),
                   \(bytes.map { checksum(of: $0) })
              FROM gate_looks WHERE experiment = \(key)
            RETURNING candidate
            """)
        _ = try await connection.execute(
            """
            UPDATE gate_looks SET bytes = NULL, checksum = NULL
             WHERE experiment = \(key) AND bytes IS NOT NULL AND candidate IN (
                   SELECT candidate FROM gate_looks WHERE experiment = \(key) AND bytes IS NOT NULL
                    ORDER BY candidate DESC OFFSET \(keptCandidates))
            """)
        return try rows[0].decode("candidate", as: Int.self)
    }

    /// The newest looks, newest first.
    package static func gateLooks(of key: ExperimentKey, limit: Int, on connection: Connection) async throws -> [StoredGateLook] {
        try await connection.query(
            "SELECT \(raw: lookColumns) FROM gate_looks WHERE experiment = \(key) ORDER BY candidate DESC LIMIT \(limit)"
        ).map { try look($0, key) }
    }

    /// The look that published a snapshot; nil for one that no gate let through.
    package static func gateLook(
        publishing version: SnapshotVersion, of key: ExperimentKey, on connection: Connection
    ) async throws -> StoredGateLook? {
        try await connection.query(
            "SELECT \(raw: lookColumns) FROM gate_looks WHERE experiment = \(key) AND published = \(version)"
        ).first.map { try look($0, key) }
    }

    /// A candidate that was kept back, with its bytes.
    /// - Throws: `CatalogError.unknownCandidate`, `candidateGone`, `checksumMismatch`.
    package static func candidate(
        _ number: Int, of key: ExperimentKey, on connection: Connection
    ) async throws -> (look: StoredGateLook, bytes: [UInt8]) {
        let rows = try await connection.query(
            "SELECT \(raw: lookColumns), bytes, checksum FROM gate_looks WHERE experiment = \(key) AND candidate = \(number)")
        guard let row = rows.first else { throw CatalogError.unknownCandidate(key, number) }
        let look = try look(row, key)
        guard look.published == nil else { return (look, []) }
        guard let bytes = try row.decode("bytes", as: [UInt8]?.self) else { throw CatalogError.candidateGone(key, number) }
        guard try row.decode("checksum", as: [UInt8].self) == checksum(of: bytes) else {
            throw CatalogError.checksumMismatch(key, look.serving)
        }
        return (look, bytes)
    }

    /// Notes that a person published a candidate, and approves it: later ones are held against it.
    package static func approve(
        candidate: Int, of key: ExperimentKey, published version: SnapshotVersion, note: String, on connection: Connection
    ) async throws {
        _ = try await connection.execute(
            """
            UPDATE gate_looks SET published = \(version)::int, note = \(note), approved = true, bytes = NULL, checksum = NULL
             WHERE experiment = \(key) AND candidate = \(candidate)
            """)
    }

    private static let lookColumns = """
        candidate, lineage, look, (extract(epoch FROM judged_at) * 1000000)::bigint AS judged_at, experiment_version, serving, decision,
        reason, numbers::text AS numbers, approved, published, note
        """

    private static func look(_ row: Row, _ key: ExperimentKey) throws -> StoredGateLook {
        StoredGateLook(
            experiment: key, candidate: try row.decode("candidate", as: Int.self),
            lineage: SnapshotVersion(try row.decode("lineage", as: Int.self)), look: try row.decode("look", as: Int.self),
            judgedAt: Timestamp(microseconds: try row.decode("judged_at", as: Int64.self)),
            experimentVersion: ExperimentVersion(try row.decode("experiment_version", as: Int.self)),
            serving: SnapshotVersion(try row.decode("serving", as: Int.self)), decision: try row.decode("decision", as: String.self),
            reason: try row.decode("reason", as: String.self), numbers: try row.decode("numbers", as: String.self),
            isApproved: try row.decode("approved", as: Bool.self),
            published: try row.decode("published", as: Int?.self).map { SnapshotVersion($0) },
            note: try row.decode("note", as: String?.self))
    }
}
