package import Catalog
import EventLog
package import HaggleCore
import Policies
package import Postgres
package import Reporting
import Serving

/// `haggle audit EXPERIMENT`: computes every logged decision again from the versions that its row names.
///
/// Rows come in the order of the log, as they are asked for, up to the position at which the audit began. Versions and snapshots are read once
/// while they are in use, so memory is bounded. Needs two connections of the pool.
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
        var chunk: [LoggedRow] = []
        for try await row in EventLogReader(pool: pool).loggedRows(of: key, through: through) {
            chunk.append(row)
            guard chunk.count == chunkSize else { continue }
            try await add(chunk, to: &report, &judges)
            chunk.removeAll(keepingCapacity: true)
            progress?(report.rows)
        }
        try await add(chunk, to: &report, &judges)
        if !chunk.isEmpty { progress?(report.rows) }
        return report
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

    private func add(_ rows: [LoggedRow], to report: inout AuditReport, _ judges: inout BoundedCache<Pair, Judge>) async throws {
        try Task.checkCancellation()
        let arms = try await arms(of: rows.compactMap { Self.original(of: $0.impression) })
        for row in rows { try await add(row, arms, to: &report, &judges) }
    }

    /// The row that a row repeats.
    private static func original(of impression: Impression) -> ImpressionID? { impression.duplicateOf ?? impression.repeatedOf }

    /// - Parameter arms: of the rows that are repeated; without those that are not stored.
    private func add(
        _ row: LoggedRow, _ arms: [ImpressionID: ArmKey], to report: inout AuditReport, _ judges: inout BoundedCache<Pair, Judge>
    ) async throws {
        let impression = row.impression
        // A decision of a server of ours always has a draw key.
        guard impression.drawKey != nil else { return report.count(.imported) }
        let original = Self.original(of: impression)
        let originalArm = original.flatMap { arms[$0] }
        if original != nil, originalArm == nil { return report.count(.unknownOriginal) }
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
            let result = recomputation.check(impression, repeating: originalArm)
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

    private func arms(of originals: [ImpressionID]) async throws -> [ImpressionID: ArmKey] {
        guard !originals.isEmpty else { return [:] }
        // By id, which finds the partition; few rows repeat another.
        let found = try await pool.withConnection {
            try await $0.query("SELECT id, arm FROM impressions WHERE id = ANY (\(originals.map(\.description))::uuid[])")
        }
        var arms: [ImpressionID: ArmKey] = [:]
        for row in found { arms[try row.impressionID("id")] = ArmKey(try row.decode("arm", as: String.self)) }
        return arms
    }
}
