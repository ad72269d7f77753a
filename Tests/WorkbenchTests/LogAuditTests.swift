import Catalog
import EventLog
import Experiments
import Foundation
import HaggleCore
import HaggleMath
import Logging
import Policies
import Postgres
import Reporting
import Serving
import TestSupport
import Testing
import Workbench

/// A log that was really served, on a real database, audited as it is and after somebody changed a row.
@Suite struct LogAuditTests {
    private static let now = Timestamp("2026-11-15T12:00:00Z")!
    private static let other = BuildIdentity(build: "0123", platform: "linux-arm64-00000000")

    private struct Log {
        let pool: ConnectionPool
        let sink: PostgresEventSink

        func execute(_ sql: SQL) async throws -> Int { Int(try await pool.withConnection { try await $0.execute(sql) }) }

        func audit() async throws -> AuditReport { try await LogAudit(pool: pool, chunkSize: 37).run("checkout") }
    }

    private static func withLog(_ text: String = banditText, _ body: (Log) async throws -> Void) async throws {
        try await withDatabase { target in
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let log = Log(
                pool: ConnectionPool(target: target, size: 4, logger: logger), sink: PostgresEventSink(target: target, logger: logger))
            _ = try await Application(pool: log.pool).apply(ApplicationTests.files(text), confirmed: false, by: "test")
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await log.sink.run() }
                do { try await body(log) } catch {
                    group.cancelAll()
                    throw error
                }
                await log.sink.shutdown()
                try await group.waitForAll()
            }
            await log.pool.close()
        }
    }

    private static let banditText = """
        experiment: checkout
        type: bandit
        holdout: 0.1
        traffic: 0.8
        arms:
          - {key: none, discount: 0, control: true}
          - {key: five, discount: 0.05}
          - {key: ten, discount: 0.10}
        context:
          recency_days: {type: number}
        reward: {metric: margin, margin_rate: 0.35, window: 7d}
        policy: {algorithm: linear-thompson, floor: 0.02}
        """

    /// Publishes a snapshot that depends on the context, served by `build`.
    private static func publishLearned(_ log: Log, servedBy build: BuildIdentity) async throws -> Assigner {
        try await log.pool.withTransaction { connection in
            let stored = try await Catalog.experiment("checkout", on: connection)
            var generator = SeededGenerator(seed: 8)
            let rows = (0..<150).map { row in
                let recency = generator.normal()
                let reward = [0.0, 0.3 * recency, 0.1 - 0.2 * recency][row % 3] + generator.normal()
                return Interaction(context: ["recency_days": .number(recency)], arm: row % 3, propensity: nil, reward: reward)
            }
            let learner = try PolicyLearner.refit(stored.experiment, experimentVersion: stored.version, interactions: rows)
            let snapshot = learner.snapshot(version: 2)
            try await Catalog.publish(
                StoredSnapshot(
                    experiment: "checkout", version: 2, parent: 1, kind: .retrain, experimentVersion: stored.version, networkVersion: 2,
                    bytes: snapshot.serialised()), on: connection)
            for served in [nil, 2] as [SnapshotVersion?] {
                try await Catalog.noteServing("checkout", version: stored.version, snapshot: served, by: build, on: connection)
            }
            return try Assigner(experiment: stored.experiment, version: stored.version, isPaused: false, snapshot: snapshot)
        }
    }

    /// Rows of every kind that a server writes.
    private static func serve(_ count: Int, by assigner: Assigner, into log: Log) async throws {
        for number in 0..<count {
            var generator = SeededGenerator(seed: 9, stream: UInt64(number))
            let time = now + Double(number)
            let request = AssignmentRequest(
                unit: UnitID("unit-\(number % 90)"), context: ["recency_days": .number(generator.normal())],
                eligible: number % 7 == 0 ? [0, 2] : nil, requestID: number % 4 == 0 ? "request-\(number / 8)" : nil)
            let id = ImpressionID(time: time, random: (generator.next(), generator.next()))
            let row = assigner.assign(request, impressionID: id, now: time)
                .impression(arms: assigner.experiment.arms, isDeferred: number % 10 == 0, at: time)
            let sticky = assigner.isSticky && row.reason == .policy ? assigner.experiment.salt : nil
            _ = try await log.sink.append(row, requestID: request.requestID, stickySalt: sticky)
        }
    }

    @Test func servedLogAuditsClean() async throws {
        try await Self.withLog { log in
            try await Self.serve(200, by: Self.publishLearned(log, servedBy: .current), into: log)
            let report = try await log.audit()
            #expect(report.rows == 200 && report.bits == 200 && report.sameBuild == 200, "\(report)")
            #expect(report.isClean && report.firstMismatches.isEmpty && report.notRecomputable.isEmpty)
            // Requests came twice, so the log holds repeated rows, and rows of several reasons.
            let kinds = try await log.pool.withConnection {
                try await $0.query(
                    """
                    SELECT count(duplicate_of)::bigint AS duplicates, count(DISTINCT reason)::bigint AS reasons,
                           count(DISTINCT propensity)::bigint AS propensities
                      FROM impressions
                    """)
            }[0]
            #expect(try kinds.decode("duplicates", as: Int.self) > 0)
            #expect(try kinds.decode("reasons", as: Int.self) == 3)
            #expect(try kinds.decode("propensities", as: Int.self) > 50)
            #expect(report.build == BuildIdentity.current.build && report.build.count == 32)
        }
    }

    @Test func splitWithRepeatedUnitsAuditsClean() async throws {
        let text = """
            experiment: checkout
            type: ab
            arms:
              - {key: none, discount: 0, control: true}
              - {key: ten, discount: 0.10}
            reward: {metric: margin, margin_rate: 0.35, window: 7d}
            """
        try await Self.withLog(text) { log in
            let stored = try await log.pool.withConnection { try await Catalog.experiment("checkout", on: $0) }
            let assigner = try Assigner(experiment: stored.experiment, version: stored.version, isPaused: false, snapshot: nil)
            for number in 0..<60 {
                var generator = SeededGenerator(seed: 10, stream: UInt64(number))
                let time = Self.now + Double(number)
                let request = AssignmentRequest(unit: UnitID("unit-\(number % 20)"), context: [:])
                let row = assigner.assign(
                    request, impressionID: ImpressionID(time: time, random: (generator.next(), generator.next())), now: time
                ).impression(arms: stored.experiment.arms, isDeferred: false, at: time)
                _ = try await log.sink.append(row, requestID: nil, stickySalt: stored.experiment.salt)
            }
            let report = try await log.audit()
            #expect(report.rows == 60 && report.bits == 60 && report.isClean, "\(report)")
            // Nobody said who served it, so bits are not demanded.
            #expect(report.sameBuild == 0)
        }
    }

    /// What somebody might do to a row of the policy, and the field that gives it away.
    static let changes: [(field: String, sql: String)] = [
        ("propensity", "propensity = propensity * 0.9"),
        ("propensities", "propensities = propensities[2:] || propensities[1:1]"),
        ("propensity", "propensity = propensity * (1 + 1e-13)"),
        ("arm", "arm = (SELECT a FROM unnest(eligible_arms) a WHERE a <> arm LIMIT 1)"),
        ("propensities", "context = '{\"recency_days\": 60}'"),
        ("variant", "variant = 'control'"),
        ("reason", "reason = 'HOLDOUT'"),
        ("reason", "unit = (SELECT min(h.unit) FROM impressions h WHERE h.reason = 'HOLDOUT')"),
        ("propensities", "snapshot = 1"),
    ]

    @Test(arguments: changes.indices) func changedRowIsFound(_ index: Int) async throws {
        try await Self.withLog { log in
            try await Self.serve(60, by: Self.publishLearned(log, servedBy: .current), into: log)
            let chosen: SQL =
                "SELECT id FROM impressions WHERE reason = 'POLICY' AND draw_key = id::text AND cardinality(eligible_arms) = 3 ORDER BY position OFFSET 5 LIMIT 1"
            let id = try await log.pool.withConnection { try await $0.query(chosen)[0].impressionID("id") }
            #expect(try await log.execute("UPDATE impressions SET \(raw: Self.changes[index].sql) WHERE id = (\(fragment: chosen))") == 1)
            let report = try await log.audit()
            #expect(report.rows == 60 && report.mismatches == 1 && report.bits == 59, "\(report)")
            let mismatch = try #require(report.firstMismatches.first)
            #expect(mismatch.impression == id.description)
            #expect(mismatch.differences.contains { $0.field == Self.changes[index].field }, "\(mismatch.differences)")
        }
    }

    @Test func changedDrawKeyIsFound() async throws {
        try await Self.withLog { log in
            let assigner = try await Self.publishLearned(log, servedBy: .current)
            try await Self.serve(60, by: assigner, into: log)
            let row = try await log.pool.withConnection {
                try await $0.query(
                    """
                    SELECT id, arm, propensities, eligible_arms FROM impressions
                     WHERE reason = 'POLICY' AND draw_key = id::text AND cardinality(eligible_arms) = 3 ORDER BY position LIMIT 1
                    """)
            }[0]
            let distribution = try #require(ArmDistribution(given: try row.decode("propensities", as: [Double].self)))
            let arms = assigner.experiment.arms
            // A key that draws another arm: one that draws the same leaves a row that is right about all it says.
            let key = try #require(
                (0..<100).map { "forged-\($0)" }.first {
                    let drawn = distribution.draw(DrawHash.uniform(salt: assigner.experiment.salt, key: $0))
                    return (try? row.decode("arm", as: String.self)) != arms[drawn].key.rawValue
                })
            let id = try row.impressionID("id")
            #expect(try await log.execute("UPDATE impressions SET draw_key = \(key) WHERE id = \(id.description)::uuid") == 1)
            let report = try await log.audit()
            #expect(report.mismatches == 1)
            #expect(report.firstMismatches.first?.differences.contains { $0.field == "arm" } == true)
        }
    }

    /// Another build may round otherwise: its rows are held to 1e-9, and to no less.
    @Test func rowsOfAnotherBuildAreHeldToTheTolerance() async throws {
        try await Self.withLog { log in
            try await Self.serve(60, by: Self.publishLearned(log, servedBy: Self.other), into: log)
            let policyRows: SQL = "reason = 'POLICY' AND duplicate_of IS NULL"
            let changed = try await log.execute(
                "UPDATE impressions SET propensity = propensity * (1 - 1e-13) WHERE \(fragment: policyRows) AND propensity < 1")
            #expect(changed > 10)
            let report = try await log.audit()
            #expect(report.isClean && report.close == changed && report.bits == 60 - changed && report.sameBuild == 0, "\(report)")
            _ = try await log.execute("UPDATE impressions SET propensity = propensity - 1e-8 WHERE \(fragment: policyRows)")
            let worse = try await log.audit()
            #expect(worse.mismatches >= changed)
            #expect(worse.firstMismatches.count == min(worse.mismatches, AuditReport.describedMismatches))
            #expect(worse.firstMismatches.map(\.position) == worse.firstMismatches.map(\.position).sorted())
        }
    }

    @Test func whatCannotBeRecomputedIsCountedByWhy() async throws {
        try await Self.withLog { log in
            try await Self.serve(40, by: Self.publishLearned(log, servedBy: .current), into: log)
            let policyRow: SQL = "SELECT id FROM impressions WHERE reason = 'POLICY' AND draw_key = id::text ORDER BY position"
            #expect(try await log.execute("UPDATE impressions SET snapshot = 99 WHERE id = (\(fragment: policyRow) LIMIT 1)") == 1)
            #expect(
                try await log.execute("UPDATE impressions SET experiment_version = 99 WHERE id = (\(fragment: policyRow) OFFSET 1 LIMIT 1)")
                    == 1)
            let report = try await log.audit()
            #expect(report.notRecomputable == ["UNKNOWN_SNAPSHOT": 1, "UNKNOWN_VERSION": 1])
            #expect(report.rows == 40 && report.bits == 38 && report.isClean)
            await #expect(throws: CatalogError.unknownExperiment("nowhere")) { try await LogAudit(pool: log.pool).run("nowhere") }
        }
    }

    @Test func importedRowsAreCountedAsNotRecomputable() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "haggle-audit-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let csv = "segment,arm,reward\n" + (0..<50).map { "old,\($0 % 2 == 0 ? "a" : "b"),1\n" }.joined()
        try csv.write(to: folder.appending(path: "log.csv"), atomically: true, encoding: .utf8)
        try await ApplicationTests.withPool { pool in
            _ = try await LogTransfer(pool: pool).run(
                .init(
                    source: .csv, path: folder.appending(path: "log.csv").path, experiment: "mail",
                    map: "arm=arm,reward=reward,propensity=1/2",
                    create: folder.appending(path: "mail.yaml").path), by: "test", now: Timestamp(microseconds: 1_800_000_000_000_000))
            let report = try await LogAudit(pool: pool).run("mail")
            #expect(report.rows == 50 && report.notRecomputable == ["IMPORTED": 50] && report.isClean)
        }
    }
}
