package import HaggleCore
package import Postgres

/// Brings a log from elsewhere into PostgreSQL, once however often it is repeated.
///
/// Rows without an id get one from their time, the file's digest and their number, so a second import of the same file finds everything there.
/// The file is checked as a whole before the first row is written. An interrupted import is completed by repeating it.
package struct LogImporter: Sendable {
    package struct Report: Hashable, Sendable, Codable {
        /// Rows of the file.
        package var rows = 0
        /// Impressions that were not there before.
        package var impressions = 0
        /// Conversions that were not there before.
        package var conversions = 0
        package var firstTime: Timestamp?
        package var lastTime: Timestamp?
        /// Rows without a propensity: learning may use them, off-policy evaluation cannot.
        package var withoutPropensity = 0
        /// Lines of the file that were left out, by reason.
        package var excluded: [String: Int] = [:]
    }

    /// The kind of the conversion that carries an imported reward.
    package static let rewardKind = "imported"
    /// When row 0 of a file without times took place; each row one second after the one before.
    package static let timeOrigin = Timestamp(microseconds: 946_684_800_000_000)

    /// Rows of one transaction, which holds the log's lock while it inserts.
    private static let chunkSize = 2_000

    private let pool: ConnectionPool
    private let experiment: Experiment
    private let version: ExperimentVersion
    private let receivedAt: Timestamp

    /// - Parameters:
    ///   - version: the experiment's version that rows without one belong to.
    ///   - receivedAt: now.
    package init(pool: ConnectionPool, experiment: Experiment, version: ExperimentVersion, receivedAt: Timestamp) {
        self.pool = pool
        self.experiment = experiment
        self.version = version
        self.receivedAt = receivedAt
    }

    /// - Parameter progress: rows so far and whether they were written or only checked.
    /// - Throws: `TabularError`, `EventLogError` for the first row that is wrong, before anything is written.
    package func run(_ source: some ImportSource, progress: (Int, Phase) -> Void = { _, _ in }) async throws -> Report {
        let digest = try FileDigest(path: source.path)
        let known = Set(try await EventLogReader(pool: pool).arms(of: experiment).map(\.key))
        var report = Report()
        report.excluded = source.excluded
        try await source.forEachRow { row in
            try check(row, arms: known)
            let time = row.time ?? Self.time(ofRow: report.rows)
            report.firstTime = min(report.firstTime ?? time, time)
            report.lastTime = max(report.lastTime ?? time, time)
            if row.propensity == nil { report.withoutPropensity += 1 }
            report.rows += 1
            if report.rows.isMultiple(of: Self.chunkSize) { progress(report.rows, .checking) }
        }
        try await pool.withConnection { connection in
            try await write(source, digest, on: connection, into: &report, progress)
        }
        return report
    }

    package enum Phase: Sendable { case checking, writing }

    private static func time(ofRow number: Int) -> Timestamp {
        Timestamp(microseconds: timeOrigin.microseconds + Int64(number) * 1_000_000)
    }

    private func check(_ row: ImportedRow, arms: Set<ArmKey>) throws {
        let keys = experiment.arms.map(\.key)
        guard arms.contains(row.arm) else { throw EventLogError.unknownArm(row.place, found: row.arm.rawValue, known: keys) }
        for arm in row.eligibleArms ?? [] where !arms.contains(arm) {
            throw EventLogError.unknownArm(row.place, found: arm.rawValue, known: keys)
        }
        if let eligible = row.eligibleArms, !eligible.contains(row.arm) {
            throw EventLogError.armNotEligible(row.place, arm: row.arm)
        }
        if let propensity = row.propensity, Propensity(propensity) == nil {
            throw EventLogError.propensityOutOfRange(row.place, found: propensity)
        }
    }

    // MARK: Rows

    private func impression(_ row: ImportedRow, number: Int, _ digest: FileDigest) -> Impression {
        let time = row.time ?? Self.time(ofRow: number)
        var context = row.context
        // A time made up from the row's number says nothing of an hour.
        if let time = row.time { TimeFeatures.add(to: &context, at: time, for: experiment.context) }
        let variant: Variant = row.variant ?? (experiment.kind == .ab ? .arm(row.arm) : .policy)
        return Impression(
            id: row.id ?? digest.id(row: number, time: time), experiment: experiment.key,
            experimentVersion: row.experimentVersion ?? version, unit: row.unit, variant: variant, reason: row.reason,
            context: context, eligibleArms: row.eligibleArms ?? experiment.eligibleByDefault(with: row.arm),
            propensities: row.propensities, arm: row.arm, propensity: row.propensity, snapshot: row.snapshot, drawKey: nil,
            occurredAt: time, receivedAt: receivedAt)
    }

    private func conversions(_ row: ImportedRow, of impression: Impression) -> [Conversion] {
        switch row.result {
        case .events(let events):
            events.map {
                Conversion(
                    id: $0.id, subject: .impression(impression.id), kind: $0.kind, value: $0.value, margin: $0.margin,
                    occurredAt: $0.occurredAt, receivedAt: receivedAt)
            }
        case .reward(experiment.reward.defaultReward): []
        case .reward(let reward):
            // The margin too, so that the metric `margin` does not take the reward for an amount paid.
            [
                Conversion(
                    id: ConversionID("import:\(impression.id)"), subject: .impression(impression.id), kind: Self.rewardKind, value: reward,
                    margin: reward, occurredAt: impression.occurredAt, receivedAt: receivedAt)
            ]
        }
    }

    // MARK: Writing

    private func write(
        _ source: some ImportSource, _ digest: FileDigest, on connection: Connection, into report: inout Report,
        _ progress: (Int, Phase) -> Void
    ) async throws {
        try await connection.executeScript(
            """
            CREATE TEMPORARY TABLE IF NOT EXISTS import_impressions (
                ordinal bigint, id uuid, experiment_version integer, unit text, variant text, reason text, context jsonb,
                eligible_arms text[], propensities double precision[], arm text, propensity double precision, snapshot integer,
                occurred_at timestamptz) ON COMMIT DELETE ROWS;
            CREATE TEMPORARY TABLE IF NOT EXISTS import_conversions (
                ordinal bigint, conversion_id text, impression_id uuid, kind text, value double precision, margin double precision,
                occurred_at timestamptz) ON COMMIT DELETE ROWS;
            """)
        var partitions = PartitionKeeper()
        var chunk: [(Impression, [Conversion])] = []
        var number = 0
        var added = (impressions: 0, conversions: 0)
        func flush() async throws {
            guard !chunk.isEmpty else { return }
            let (impressions, conversions) = try await write(chunk, on: connection, &partitions)
            added.impressions += impressions
            added.conversions += conversions
            chunk.removeAll(keepingCapacity: true)
            progress(number, .writing)
        }
        try await source.forEachRow { row in
            let impression = impression(row, number: number, digest)
            chunk.append((impression, conversions(row, of: impression)))
            number += 1
            if chunk.count == Self.chunkSize { try await flush() }
        }
        try await flush()
        report.impressions = added.impressions
        report.conversions = added.conversions
    }

    private func write(
        _ chunk: [(Impression, [Conversion])], on connection: Connection, _ partitions: inout PartitionKeeper
    ) async throws -> (Int, Int) {
        try await partitions.prepare(for: chunk.lazy.map(\.0.id), on: connection)
        return try await connection.transaction { connection in
            try await connection.executeScript("SET LOCAL jit = off")
            try await copy(chunk.map(\.0), on: connection)
            try await copy(chunk.flatMap(\.1), on: connection)
            // Only now, so that the servers' writers wait as briefly as may be.
            try await connection.execute("SELECT pg_advisory_xact_lock(\(LogWriter.positionLock))")
            let impressions = try await connection.execute(
                """
                INSERT INTO impressions (
                    id, experiment, experiment_version, unit, variant, reason, context, eligible_arms, propensities, arm, propensity,
                    snapshot, occurred_at, received_at)
                SELECT id, \(experiment.key), experiment_version, unit, variant, reason, context, eligible_arms, propensities, arm,
                       propensity, snapshot, occurred_at, \(microseconds: receivedAt.microseconds)
                  FROM import_impressions ORDER BY ordinal
                    ON CONFLICT (id) DO NOTHING
                """)
            if impressions < chunk.count {
                let taken = try await connection.queryOptional(
                    """
                    SELECT i.experiment FROM import_impressions n JOIN impressions i ON i.id = n.id
                     WHERE i.experiment <> \(experiment.key) LIMIT 1
                    """)
                if let taken { throw EventLogError.idsTaken(by: try taken.decode("experiment")) }
            }
            let conversions = try await connection.execute(
                """
                INSERT INTO conversions (conversion_id, impression_id, kind, value, margin, occurred_at, received_at)
                SELECT conversion_id, impression_id, kind, value, margin, occurred_at, \(microseconds: receivedAt.microseconds)
                  FROM import_conversions ORDER BY ordinal
                    ON CONFLICT DO NOTHING
                """)
            return (impressions, conversions)
        }
    }

    private func copy(_ impressions: [Impression], on connection: Connection) async throws {
        try await connection.copyIn("COPY import_impressions FROM STDIN (FORMAT binary)") { writer in
            for (ordinal, row) in impressions.enumerated() {
                let context = JSONText(try row.context.jsonText())
                try await writer.binaryRow { copy in
                    copy.append(Int64(ordinal))
                    copy.append(row.id.words)
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
                    copy.append(row.occurredAt.instant)
                }
            }
        }
    }

    private func copy(_ conversions: [Conversion], on connection: Connection) async throws {
        guard !conversions.isEmpty else { return }
        try await connection.copyIn("COPY import_conversions FROM STDIN (FORMAT binary)") { writer in
            for (ordinal, row) in conversions.enumerated() {
                try await writer.binaryRow { copy in
                    copy.append(Int64(ordinal))
                    copy.append(row.id)
                    copy.append(row.impressionID?.words)
                    copy.append(row.kind)
                    copy.append(row.value)
                    copy.append(row.margin)
                    copy.append(row.occurredAt.instant)
                }
            }
        }
    }
}

extension Experiment {
    /// All arms, and an arm of an earlier version that a row shows although it does not say what was eligible.
    fileprivate func eligibleByDefault(with arm: ArmKey) -> [ArmKey] {
        let keys = arms.map(\.key)
        return keys.contains(arm) ? keys : keys + [arm]
    }
}
