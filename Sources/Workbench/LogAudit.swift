package import Catalog
import EventLog
package import HaggleCore
import Policies
package import Postgres
package import Reporting
import Serving

/// `haggle audit EXPERIMENT`: computes every logged decision again from the versions that its row names.
///
/// Rows come in the order of the log, in chunks that are each a short query, up to the position at which the audit began. Versions and
/// snapshots are read once while they are in use, so memory is bounded.
package struct LogAudit: Sendable {
    private let pool: ConnectionPool
    private let build: BuildIdentity
    private let chunkSize: Int

    /// - Parameter build: what audits; rows that nothing else served must agree in their bits.
    package init(pool: ConnectionPool, build: BuildIdentity = .current, chunkSize: Int = 2000) {
        self.pool = pool
        self.build = build
        self.chunkSize = chunkSize
    }

    /// Audits the whole log of an experiment.
    /// - Parameter progress: called after every chunk with the number of rows so far.
    /// - Throws: `CatalogError.unknownExperiment` for one without any version, `CancellationError`, and what the database refuses.
    @concurrent
    package func run(_ key: ExperimentKey, progress: (@Sendable (Int) -> Void)? = nil) async throws -> AuditReport {
        _ = try await pool.withConnection { try await Catalog.experiment(key, on: $0) }
        let through = try await EventLogReader(pool: pool).highWater()
        var report = AuditReport(experiment: key, through: through, build: build.build, platform: build.platform)
        var judges = BoundedCache<Pair, Judge>(capacity: 32)
        var position: Int64 = 0
        while true {
            try Task.checkCancellation()
            let after = position
            let rows = try await pool.withConnection { try await chunk(of: key, after: after, through: through, on: $0) }
            for row in rows { try await add(row, to: &report, &judges) }
            guard let last = rows.last else { return report }
            position = last.position
            progress?(report.rows)
        }
    }

    /// What decides how a row is recomputed.
    private struct Pair: Hashable, Sendable {
        var version: ExperimentVersion
        var snapshot: SnapshotVersion?
    }

    /// A version and a snapshot, ready to recompute; or why they are not.
    private enum Judge: Sendable {
        /// `isSameBuild`: nothing else served the pair.
        case ready(Recomputation, isSameBuild: Bool)
        case obstacle(AuditReport.Obstacle)
        /// The two do not belong together: no server would have served them.
        case unfit(AuditReport.Difference)
    }

    /// A row of the log.
    private struct LoggedRow {
        var position: Int64
        var impression: Impression
        /// The arm of the row that it repeats; nil where it repeats none, or none that is stored.
        var originalArm: ArmKey?

        /// The row that it repeats.
        var original: ImpressionID? { impression.duplicateOf ?? impression.repeatedOf }
        /// A decision of a server of ours always has a draw key.
        var isImported: Bool { impression.drawKey == nil }
    }

    private func add(_ row: LoggedRow, to report: inout AuditReport, _ judges: inout BoundedCache<Pair, Judge>) async throws {
        let impression = row.impression
        guard !row.isImported else { return report.count(.imported) }
        if row.original != nil, row.originalArm == nil { return report.count(.unknownOriginal) }
        let pair = Pair(version: impression.experimentVersion, snapshot: impression.snapshot)
        let judge = try await judges.value(for: pair) { try await self.judge(pair, of: impression.experiment) }
        func mismatch(_ differences: [AuditReport.Difference]) {
            report.count(
                AuditReport.Mismatch(
                    position: row.position, impression: impression.id.description, experimentVersion: pair.version,
                    snapshot: pair.snapshot, differences: differences))
        }
        switch judge {
        case .obstacle(let obstacle): report.count(obstacle)
        case .unfit(let difference): mismatch([difference])
        case .ready(let recomputation, let isSameBuild):
            let result = recomputation.check(impression, repeating: row.originalArm)
            if isSameBuild { report.sameBuild += 1 }
            switch result.match {
            case .bits:
                report.rows += 1
                report.bits += 1
            case .close where !isSameBuild:
                report.rows += 1
                report.close += 1
            case .close, .mismatch:
                mismatch(result.differences.map { .init(field: $0.field, expected: $0.expected, found: $0.found) })
            }
        }
    }

    private func judge(_ pair: Pair, of key: ExperimentKey) async throws -> Judge {
        try await pool.withConnection { connection in
            let experiment: Experiment
            do {
                experiment = try await Catalog.experiment(key, version: pair.version, on: connection)
            } catch CatalogError.unknownExperiment {
                return .obstacle(.unknownVersion)
            }
            var snapshot: ServingSnapshot?
            if let version = pair.snapshot {
                let stored: StoredSnapshot
                do {
                    stored = try await Catalog.snapshot(version, of: key, on: connection)
                } catch CatalogError.unknownSnapshot {
                    return .obstacle(.unknownSnapshot)
                }
                let read = try ServingSnapshot(serialised: stored.bytes)
                guard stored.experimentVersion == pair.version, read.arms == experiment.arms.map(\.key) else {
                    return .unfit(
                        .init(
                            field: "snapshot", expected: "one of experiment version \(pair.version)",
                            found: "\(version), of version \(stored.experimentVersion)"))
                }
                snapshot = read
            }
            let builds = try await Catalog.servingBuilds(of: key, version: pair.version, snapshot: pair.snapshot, on: connection)
            let recomputation = try Recomputation(experiment: experiment, version: pair.version, snapshot: snapshot)
            return .ready(recomputation, isSameBuild: !builds.isEmpty && builds.allSatisfy { $0.isSame(as: build) })
        }
    }

    private func chunk(of key: ExperimentKey, after: Int64, through: Int64, on connection: Connection) async throws -> [LoggedRow] {
        var rows = try await connection.query(
            """
            SELECT position, id, experiment_version, unit, variant, reason, context::text AS context, eligible_arms, propensities, arm,
                   propensity, snapshot, draw_key, deferred, duplicate_of, repeated_of, occurred_at, received_at
              FROM impressions
             WHERE experiment = \(key) AND position > \(after) AND position <= \(through)
             ORDER BY position
             LIMIT \(chunkSize)
            """
        ).map { try Self.read($0, key) }
        let originals = rows.compactMap(\.original)
        guard !originals.isEmpty else { return rows }
        // By id, which finds the partition; few rows repeat another.
        let found = try await connection.query(
            "SELECT id, arm FROM impressions WHERE id = ANY (\(originals.map(\.description))::uuid[])")
        var arms: [ImpressionID: ArmKey] = [:]
        for row in found { arms[try row.impressionID("id")] = ArmKey(try row.decode("arm", as: String.self)) }
        for index in rows.indices { rows[index].originalArm = rows[index].original.flatMap { arms[$0] } }
        return rows
    }

    private static func read(_ row: Row, _ key: ExperimentKey) throws -> LoggedRow {
        let id = try row.impressionID("id")
        guard let variant = Variant(try row.decode("variant", as: String.self)),
            let reason = Reason(rawValue: try row.decode("reason", as: String.self))
        else { throw EventLogError.unreadable(column: "reason", id: id) }
        let impression = Impression(
            id: id, experiment: key, experimentVersion: ExperimentVersion(try row.decode("experiment_version", as: Int.self)),
            unit: try row.decode("unit", as: String?.self).map { UnitID($0) }, variant: variant, reason: reason,
            context: try row.context("context"), eligibleArms: try row.decode("eligible_arms", as: [String].self).map { ArmKey($0) },
            propensities: try row.decode("propensities", as: [Double]?.self), arm: ArmKey(try row.decode("arm", as: String.self)),
            propensity: try row.decode("propensity", as: Double?.self),
            snapshot: try row.decode("snapshot", as: Int?.self).map { SnapshotVersion($0) },
            drawKey: try row.decode("draw_key", as: String?.self),
            isDeferred: try row.decode("deferred", as: Bool.self), duplicateOf: try row.optionalImpressionID("duplicate_of"),
            repeatedOf: try row.optionalImpressionID("repeated_of"), occurredAt: try row.timestamp("occurred_at"),
            receivedAt: try row.timestamp("received_at"))
        return LoggedRow(position: try row.decode("position", as: Int64.self), impression: impression)
    }
}
