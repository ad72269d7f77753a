import EventLog
import Foundation
import HaggleCore
import HaggleMath
import Logging
import Postgres
import TestSupport

/// A log in a database of its own, with an experiment registered and a sink running.
struct TestLog {
    static let start = Timestamp("2026-11-01T00:00:00Z")!
    static let day = 86_400.0

    let target: ConnectionTarget
    let pool: ConnectionPool
    let experiment: Experiment
    let sink: PostgresEventSink
    var reader: EventLogReader { EventLogReader(pool: pool) }

    static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    static func experiment(
        _ key: ExperimentKey = "checkout", metric: RewardConfiguration.Metric = .value, window: Double = 7 * day, defaultReward: Double = 0
    ) -> Experiment {
        Experiment(
            key: key, kind: .bandit,
            arms: [Arm(key: "none", discount: 0, isControl: true), Arm(key: "five", discount: 0.05), Arm(key: "ten", discount: 0.1)],
            context: FeatureSchema(features: [
                Feature(name: "recency", kind: .number(missing: .median, clip: .none, transform: .identity, scale: .standard)),
                Feature(name: "channel", kind: .category(values: ["web", "app"], missing: nil)),
            ]),
            reward: RewardConfiguration(metric: metric, marginRate: 0.35, windowSeconds: window, defaultReward: defaultReward),
            policy: PolicyConfiguration(algorithm: .uniform))
    }

    @discardableResult
    static func with<Result>(
        _ experiment: Experiment = experiment(), sink configuration: PostgresEventSink.Configuration = .init(),
        _ body: (TestLog) async throws -> Result
    ) async throws -> Result {
        try await withDatabase { target in
            let pool = ConnectionPool(target: target, size: 4, logger: silent)
            let log = TestLog(
                target: target, pool: pool, experiment: experiment,
                sink: PostgresEventSink(target: target, configuration: configuration, logger: silent))
            try await log.register(experiment, version: 1)
            let result = try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await log.sink.run() }
                let result: Result
                do { result = try await body(log) } catch {
                    group.cancelAll()
                    throw error
                }
                await log.sink.shutdown()
                try await group.waitForAll()
                return result
            }
            await pool.close()
            return result
        }
    }

    /// What `haggle apply` does to the tables that the log's views read.
    func register(_ experiment: Experiment, version: Int) async throws {
        let document = String(decoding: try JSONEncoder().encode(experiment), as: UTF8.self)
        try await pool.withTransaction { connection in
            try await connection.execute(
                """
                INSERT INTO experiments (key, version) VALUES (\(experiment.key), \(version)::int)
                    ON CONFLICT (key) DO UPDATE SET version = EXCLUDED.version
                """)
            try await connection.execute(
                """
                INSERT INTO experiment_versions (experiment, version, source_text, document, digest, applied_by)
                VALUES (\(experiment.key), \(version)::int, '', \(json: document), \(String(version)), 'test')
                """)
        }
    }

    /// An impression `seconds` after the start; equal numbers give equal ids.
    func impression(
        _ number: UInt64, at seconds: Double = 0, unit: UnitID? = nil, arm: ArmKey = "five", reason: Reason = .policy,
        context: Context = ["recency": 12, "channel": "web"], deferred: Bool = false
    ) -> Impression {
        let time = Self.start + seconds
        let isPolicy = reason == .policy
        let arm = isPolicy ? arm : "none"
        return Impression(
            id: ImpressionID(time: time, random: (number, mix64(number))), experiment: experiment.key, experimentVersion: 1,
            unit: unit ?? UnitID("unit-\(number)"), variant: isPolicy ? .policy : reason == .holdout ? .holdout : .control, reason: reason,
            context: context, eligibleArms: ["none", "five", "ten"],
            propensities: isPolicy ? [0.2, 0.3, 0.5] : [1, 0, 0],
            arm: arm, propensity: isPolicy ? ["none": 0.2, "five": 0.3, "ten": 0.5][arm] : 1, snapshot: isPolicy ? 3 : nil,
            drawKey: "draw-\(number)", isDeferred: deferred, occurredAt: time, receivedAt: time + 0.25)
    }

    func conversion(
        _ id: ConversionID, of subject: Conversion.Subject, at seconds: Double, value: Double = 10, margin: Double? = nil
    ) -> Conversion {
        Conversion(
            id: id, subject: subject, kind: value < 0 ? "refund" : "purchase", value: value, margin: margin,
            occurredAt: Self.start + seconds,
            receivedAt: Self.start + seconds)
    }

    /// The sums of one impression now.
    func sums(_ id: ImpressionID) async throws -> RewardSums? { try await reader.rewardSums(of: [id], experiment: experiment)[id] }

    func count(_ sql: SQL) async throws -> Int {
        try await pool.withConnection { try await $0.queryOne(sql) }.decode(0, as: Int.self)
    }
}

extension EventSink {
    /// An impression with neither a request id nor a sticky unit.
    @discardableResult
    func append(_ impression: Impression) async throws -> AppendedImpression {
        try await append(impression, requestID: nil, stickySalt: nil)
    }

    @discardableResult
    func append(_ conversion: Conversion) async throws -> ConversionReceipt { try await append([conversion]) }
}

/// All elements of a source.
func collect<Source: InteractionSource>(_ source: Source) async throws -> [Interaction] {
    var rows: [Interaction] = []
    for try await row in source.interactions() { rows.append(row) }
    return rows
}

/// Lends a file with this content.
@discardableResult
func withFile<Result>(_ text: String, name: String = "log.csv", _ body: (String) async throws -> Result) async throws -> Result {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("haggle-log-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let path = directory.appendingPathComponent(name).path
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    return try await body(path)
}
