import HaggleCore
import Postgres

/// Writes one batch in one transaction.
///
/// Whoever takes positions holds the transaction advisory lock of the log, so positions follow commit order. Every statement may be carried
/// out again with the same records, because their ids come from the caller.
struct LogWriter: Sendable {
    /// The advisory lock of the log, held to the end of a transaction that takes positions ("log" in ASCII).
    static let positionLock: Int64 = 0x68_61_67_67_6c_65_01
    /// The advisory lock of whoever makes partitions.
    static let partitionLock: Int64 = 0x68_61_67_67_6c_65_02

    var partitions = PartitionKeeper()

    /// - Parameter isRetry: whether an earlier try may have been committed without our knowing.
    mutating func write(_ batch: LogBatch, isRetry: Bool, on connection: Connection) async throws -> LogBatch.Outcome {
        try await partitions.prepare(for: batch.impressions.lazy.map(\.impression.id), on: connection)
        // A batch of one statement needs no transaction around it, which saves three round trips.
        let hasKeys = batch.impressions.contains { $0.requestID != nil || $0.stickySalt != nil }
        if !hasKeys, !isRetry, batch.activations.isEmpty, batch.conversions.isEmpty || batch.impressions.isEmpty {
            return try await write(batch, isRetry: false, in: connection)
        }
        return try await connection.transaction { connection in
            try await connection.execute("SELECT pg_advisory_xact_lock(\(Self.positionLock))")
            return try await write(batch, isRetry: isRetry, in: connection)
        }
    }

    /// Writes a batch inside of a transaction that holds the lock of positions.
    /// - Parameter areStaged: whether `stage` has brought the impressions.
    func write(
        _ batch: LogBatch, isRetry: Bool, areStaged: Bool = false, in connection: Connection
    ) async throws -> LogBatch.Outcome {
        var outcome = LogBatch.Outcome()
        if areStaged {
            try await insertStaged(in: connection)
            outcome.impressions = batch.impressions.map { .success(.stored($0.impression)) }
        } else if !batch.impressions.isEmpty {
            let resolved = try await resolve(batch.impressions, in: connection)
            try await insert(resolved, contexts: try batch.impressions.map { try $0.contextText() }, in: connection)
            outcome.impressions = resolved.map { .success($0.appended) }
        }
        if !batch.activations.isEmpty { outcome.activations = try await activate(batch.activations, in: connection).map { .success($0) } }
        if !batch.conversions.isEmpty { outcome.conversions = try await insert(batch.conversions, isRetry: isRetry, in: connection) }
        return outcome
    }

    // MARK: Impressions

    /// An impression with the row to write and what to answer.
    struct Resolved: Sendable {
        var row: Impression
        var appended: AppendedImpression
    }

    /// Finds the impressions whose request or sticky unit is known and marks them.
    private func resolve(_ pending: [LogBatch.PendingImpression], in connection: Connection) async throws -> [Resolved] {
        var resolver = RepetitionResolver(pending)
        if let requests = resolver.requests() {
            resolver.take(try await firsts(of: requests, in: connection), for: .request)
            resolver.takeRows(try await impressions(resolver.unknownRows, in: connection))
            resolver.resolveDuplicates()
        }
        if let units = resolver.stickyUnits() {
            resolver.take(try await firsts(of: units, in: connection), for: .sticky)
            resolver.takeRows(try await impressions(resolver.unknownRows, in: connection))
            resolver.resolveRepetitions()
        }
        return resolver.resolved
    }

    /// Registers request ids where they are new; returns the impression that holds each.
    private func firsts(of requests: RepetitionResolver.Requests, in connection: Connection) async throws -> [ImpressionID] {
        try await connection.query(
            """
            WITH given AS (
                SELECT * FROM unnest(\(requests.experiments), \(requests.requestIDs), \(requests.impressions.map(\.words)))
                    WITH ORDINALITY AS g (experiment, request_id, impression_id, ordinal)
            ), added AS (
                INSERT INTO request_keys (experiment, request_id, impression_id)
                SELECT experiment, request_id, impression_id FROM given ORDER BY ordinal
                ON CONFLICT DO NOTHING
                RETURNING experiment, request_id, impression_id
            )
            SELECT coalesce(a.impression_id, (
                       SELECT k.impression_id FROM request_keys k WHERE k.experiment = g.experiment AND k.request_id = g.request_id)) AS first
              FROM given g
              LEFT JOIN added a USING (experiment, request_id)
             ORDER BY g.ordinal
            """
        ).map { try $0.impressionID("first") }
    }

    /// Registers sticky units where they are new; returns the impression that was drawn for each.
    private func firsts(of units: RepetitionResolver.StickyUnits, in connection: Connection) async throws -> [ImpressionID] {
        try await connection.query(
            """
            WITH given AS (
                SELECT * FROM unnest(\(units.experiments), \(units.salts), \(units.units), \(units.impressions.map(\.words)))
                    WITH ORDINALITY AS g (experiment, salt, unit, impression_id, ordinal)
            ), added AS (
                INSERT INTO sticky_units (experiment, salt, unit, impression_id)
                SELECT experiment, salt, unit, impression_id FROM given ORDER BY ordinal
                ON CONFLICT DO NOTHING
                RETURNING experiment, salt, unit, impression_id
            )
            SELECT coalesce(a.impression_id, (
                       SELECT k.impression_id FROM sticky_units k
                        WHERE k.experiment = g.experiment AND k.salt = g.salt AND k.unit = g.unit)) AS first
              FROM given g
              LEFT JOIN added a USING (experiment, salt, unit)
             ORDER BY g.ordinal
            """
        ).map { try $0.impressionID("first") }
    }

    private func impressions(_ ids: [ImpressionID], in connection: Connection) async throws -> [Impression] {
        guard !ids.isEmpty else { return [] }
        return try await connection.query(
            "SELECT \(raw: Impression.columns) FROM impressions WHERE id = ANY (\(ids.map(\.words)))"
        ).map { try Impression(row: $0) }
    }

    private static let stagedColumns: SQL = """
        id, experiment, experiment_version, unit, variant, reason, context, eligible_arms, propensities, arm, propensity, snapshot, draw_key,
        deferred, occurred_at, received_at
        """

    /// Brings impressions by COPY, which costs the database less than parameters do, to a table of this session alone; for impressions without
    /// a key, in the transaction that writes them.
    ///
    /// Before the lock of positions is taken: whoever is stopped in the middle of a COPY keeps its locks for as long as it likes, because
    /// PostgreSQL counts that as work and not as an idle transaction.
    /// - Returns: false where an impression has a key; then nothing was brought.
    func stage(_ impressions: [LogBatch.PendingImpression], in connection: Connection) async throws -> Bool {
        guard !impressions.isEmpty, impressions.allSatisfy({ $0.requestID == nil && $0.stickySalt == nil }) else { return false }
        try await connection.executeScript(
            """
            SET LOCAL client_min_messages = warning;
            CREATE TEMPORARY TABLE IF NOT EXISTS staged_impressions (
                id uuid, experiment text, experiment_version integer, unit text, variant text, reason text, context jsonb,
                eligible_arms text[], propensities double precision[], arm text, propensity double precision, snapshot integer, draw_key text,
                deferred boolean, occurred_at timestamptz, received_at timestamptz) ON COMMIT DELETE ROWS;
            """)
        try await connection.copyIn("COPY staged_impressions (\(fragment: Self.stagedColumns)) FROM STDIN (FORMAT binary)") { writer in
            for pending in impressions {
                let row = pending.impression
                let context = JSONText(try pending.contextText())
                try await writer.binaryRow { copy in
                    copy.append(row.id.words)
                    copy.append(row.experiment)
                    copy.append(Int32(row.experimentVersion.rawValue))
                    copy.append(row.unit?.rawValue)
                    copy.append(row.variant.description)
                    copy.append(row.reason)
                    copy.append(context)
                    copy.append(row.eligibleArms.map(\.rawValue))
                    copy.append(row.propensities)
                    copy.append(row.arm)
                    copy.append(row.propensity)
                    copy.append(row.snapshot.map { Int32($0.rawValue) })
                    copy.append(row.drawKey)
                    copy.append(row.isDeferred)
                    copy.append(row.occurredAt.instant)
                    copy.append(row.receivedAt.instant)
                }
            }
        }
        return true
    }

    private func insertStaged(in connection: Connection) async throws {
        try await connection.execute(
            """
            INSERT INTO impressions (\(fragment: Self.stagedColumns)) SELECT \(fragment: Self.stagedColumns) FROM staged_impressions
                ON CONFLICT (id) DO NOTHING
            """)
    }

    private func insert(_ resolved: [Resolved], contexts: [String], in connection: Connection) async throws {
        let rows = resolved.map(\.row)
        // The cross join makes the lock come before the first position; inside a transaction that has it, it is granted at once.
        try await connection.execute(
            """
            INSERT INTO impressions (
                id, experiment, experiment_version, unit, variant, reason, context, eligible_arms, propensities, arm, propensity, snapshot,
                draw_key, deferred, duplicate_of, repeated_of, occurred_at, received_at)
            SELECT g.id, g.experiment, g.experiment_version, g.unit, g.variant, g.reason, g.context, g.eligible_arms::text[],
                   g.propensities::double precision[], g.arm, g.propensity, g.snapshot, g.draw_key, g.deferred, g.duplicate_of, g.repeated_of,
                   g.occurred_at, g.received_at
              FROM (SELECT pg_advisory_xact_lock(\(Self.positionLock))) AS lock
             CROSS JOIN unnest(
                   \(rows.map(\.id.words)), \(rows.map(\.experiment)), \(rows.map { Int32($0.experimentVersion.rawValue) }),
                   \(rows.map(\.unit)), \(rows.map(\.variant.description)), \(rows.map(\.reason)),
                   \(json: contexts), \(rows.map { ArrayLiteral.text($0.eligibleArms.map(\.rawValue)) }),
                   \(rows.map { $0.propensities.map { ArrayLiteral.text($0) } }), \(rows.map(\.arm)), \(rows.map(\.propensity)),
                   \(rows.map { $0.snapshot.map { Int32($0.rawValue) } }), \(rows.map(\.drawKey)), \(rows.map(\.isDeferred)),
                   \(rows.map(\.duplicateOf?.words)), \(rows.map(\.repeatedOf?.words)), \(rows.map(\.occurredAt.instant)),
                   \(rows.map(\.receivedAt.instant))
                   ) AS g (
                   id, experiment, experiment_version, unit, variant, reason, context, eligible_arms, propensities, arm, propensity, snapshot,
                   draw_key, deferred, duplicate_of, repeated_of, occurred_at, received_at)
                ON CONFLICT (id) DO NOTHING
            """)
        let redirected = rows.filter { $0.duplicateOf != nil || $0.repeatedOf != nil }
        guard !redirected.isEmpty else { return }
        try await connection.execute(
            """
            INSERT INTO redirects (impression_id, root)
            SELECT * FROM unnest(\(redirected.map(\.id.words)), \(redirected.map { ($0.repeatedOf ?? $0.duplicateOf ?? $0.id).words }))
                ON CONFLICT DO NOTHING
            """)
        // An activation that came before its impression could not know whom else it shows.
        try await connection.execute(
            """
            INSERT INTO activations (impression_id, occurred_at, received_at)
            SELECT DISTINCT ON (r.root) r.root, a.occurred_at, a.received_at
              FROM redirects r JOIN activations a ON a.impression_id = r.impression_id
             WHERE r.impression_id = ANY (\(redirected.map(\.id.words)))
             ORDER BY r.root, a.occurred_at
                ON CONFLICT DO NOTHING
            """)
    }

    // MARK: Activations

    /// Keeps activations whose impressions need not be known: another server's journal may still hold them.
    func activateAhead(_ activations: [LogBatch.Activation], in connection: Connection) async throws {
        try await connection.execute(
            """
            INSERT INTO activations (impression_id, occurred_at, received_at)
            SELECT DISTINCT ON (id) id, occurred_at, clock_timestamp()
              FROM unnest(\(activations.map(\.id.words)), \(activations.map(\.time.instant))) AS g (id, occurred_at)
             ORDER BY id, occurred_at
                ON CONFLICT DO NOTHING
            """)
        _ = try await activate(activations, in: connection)
    }

    /// Activates the impressions that are known, and with a repeated one the one that was drawn, since that is what the unit saw.
    /// - Returns: whether each is known.
    private func activate(_ activations: [LogBatch.Activation], in connection: Connection) async throws -> [Bool] {
        let known = try await connection.query(
            """
            WITH given AS (
                SELECT * FROM unnest(\(activations.map(\.id.words)), \(activations.map(\.time.instant)))
                    WITH ORDINALITY AS g (id, occurred_at, ordinal)
            ), known AS (
                SELECT g.*, coalesce(i.repeated_of, i.duplicate_of, i.id) AS root FROM given g JOIN impressions i ON i.id = g.id
            ), added AS (
                INSERT INTO activations (impression_id, occurred_at, received_at)
                SELECT DISTINCT ON (id) id, occurred_at, clock_timestamp()
                  FROM (SELECT id, occurred_at, ordinal FROM known UNION ALL SELECT root, occurred_at, ordinal FROM known) shown
                 ORDER BY id, occurred_at
                ON CONFLICT DO NOTHING
            )
            SELECT id FROM known
            """
        ).map { try $0.impressionID("id") }
        let set = Set(known)
        return activations.map { set.contains($0.id) }
    }

    // MARK: Conversions

    private func insert(
        _ conversions: [Conversion], isRetry: Bool, in connection: Connection
    ) async throws -> [LogBatch.Outcome.OfConversion] {
        var added = Set(
            try await connection.query(
                """
                INSERT INTO conversions (conversion_id, impression_id, experiment, unit, kind, value, margin, occurred_at, received_at)
                SELECT g.*
                  FROM (SELECT pg_advisory_xact_lock(\(Self.positionLock))) AS lock
                 CROSS JOIN unnest(
                       \(conversions.map(\.id)), \(conversions.map(\.impressionID?.words)), \(conversions.map(\.experiment)),
                       \(conversions.map(\.unit)), \(conversions.map(\.kind)), \(conversions.map(\.value)), \(conversions.map(\.margin)),
                       \(conversions.map(\.occurredAt.instant)), \(conversions.map(\.receivedAt.instant))
                       ) AS g (conversion_id, impression_id, experiment, unit, kind, value, margin, occurred_at, received_at)
                    ON CONFLICT DO NOTHING
                RETURNING conversion_id
                """
            ).map { try $0.decode("conversion_id", as: String.self) })
        if isRetry { added.formUnion(try await alreadyOurs(conversions, in: connection)) }
        return conversions.map { added.remove($0.id.rawValue) != nil ? .accepted : .duplicate }
    }

    /// The conversions that an earlier try of this very batch has committed: stored with the microsecond in which we received them.
    private func alreadyOurs(_ conversions: [Conversion], in connection: Connection) async throws -> [String] {
        try await connection.query(
            """
            SELECT c.conversion_id
              FROM unnest(\(conversions.map(\.id)), \(conversions.map(\.receivedAt.instant))) AS g (conversion_id, received_at)
              JOIN conversions c USING (conversion_id, received_at)
            """
        ).map { try $0.decode("conversion_id", as: String.self) }
    }
}

extension Conversion {
    var impressionID: ImpressionID? { if case .impression(let id) = subject { id } else { nil } }
    var unit: UnitID? { if case .unit(let unit, _) = subject { unit } else { nil } }
    var experiment: ExperimentKey? { if case .unit(_, let experiment) = subject { experiment } else { nil } }
}

/// PostgreSQL's text form of an array, for arrays of different lengths that travel as the elements of one parameter.
enum ArrayLiteral {
    static func text(_ values: [Double]) -> String {
        var text = "{"
        for (index, value) in values.enumerated() {
            if index > 0 { text += "," }
            text += value.description
        }
        return text + "}"
    }

    static func text(_ values: [String]) -> String {
        var text = "{"
        for (index, value) in values.enumerated() {
            text += index > 0 ? ",\"" : "\""
            for character in value.unicodeScalars {
                if character == "\"" || character == "\\" { text.unicodeScalars.append("\\") }
                text.unicodeScalars.append(character)
            }
            text += "\""
        }
        return text + "}"
    }
}
