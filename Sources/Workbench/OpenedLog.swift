import Catalog
import EventLog
import Experiments
import HaggleCore
import Policies
import Postgres

/// A log that is ready to be evaluated: its rows, and what is known about the experiment that made it.
struct OpenedLog: Sendable {
    /// In log order; a pass can be repeated.
    var source: any InteractionSource
    var schema: FeatureSchema
    /// Whether `--since` and `--until` have been applied already, in SQL.
    var isFilteredByTime: Bool
    /// Position of the arm to fall back to.
    var controlIndex: Int
    /// Bounds of the reward, if declared.
    var rewardRange: ClosedRange<Double>?
    /// The reward of an impression without a conversion, if declared.
    var defaultReward: Double?
    /// The attribution window, if there is one.
    var windowSeconds: Double?
    /// What a reward measures, and the currency of its amounts.
    var metric: RewardConfiguration.Metric?
    var currency: String?
    /// Rows that were left out before the filter, by reason.
    var excluded: [String: Int]
    /// What was read, for the record.
    var description: [String]
    /// Loads the policy of a serving snapshot; nil for a log that is not in a database.
    var snapshot: (@Sendable (SnapshotVersion) async throws -> ServingSnapshot)?

    /// An experiment's matured, counted impressions.
    static func experiment(
        _ key: ExperimentKey, pool: ConnectionPool, since: Timestamp?, until: Timestamp?, asOf now: Timestamp
    ) async throws -> OpenedLog {
        let stored = try await pool.withConnection { try await Catalog.experiment(key, on: $0) }
        let experiment = stored.experiment
        let source = try await PostgresInteractionSource.open(
            pool: pool, experiment: experiment, filter: .init(since: since, until: until, onlyMatured: true), asOf: now)
        var description = [
            "experiment \(key), version \(stored.version.rawValue), file digest \(stored.digest)",
            "event log up to position \(source.through), windows closed by \(now)",
        ]
        if let since { description.append("impressions from \(since)") }
        if let until { description.append("impressions before \(until)") }
        return OpenedLog(
            source: source, schema: experiment.context, isFilteredByTime: true, controlIndex: experiment.controlIndex,
            rewardRange: experiment.reward.range, defaultReward: experiment.reward.defaultReward,
            windowSeconds: experiment.reward.windowSeconds, metric: experiment.reward.metric, currency: experiment.currency,
            excluded: source.excluded, description: description,
            snapshot: { version in
                let stored = try await pool.withConnection { try await Catalog.snapshot(version, of: key, on: $0) }
                return try ServingSnapshot(serialised: stored.bytes)
            })
    }

    /// A file: CSV, NDJSON, dsjson or an Open Bandit folder.
    /// - Parameter declared: how context columns are read, so that a history becomes events; what it does not name is read as what it looks like.
    static func file(_ file: LogEvaluation.FileLog, schema declared: FeatureSchema? = nil) async throws -> OpenedLog {
        let source = try LogFile.open(
            path: file.path, format: file.format, columns: file.columns, schema: declared ?? FeatureSchema())
        var inference = SchemaInference()
        try await source.forEach { inference.see($0.context) }
        return OpenedLog(
            source: source, schema: inference.schema, isFilteredByTime: false, controlIndex: source.arms.firstIndex { $0.isControl } ?? 0,
            rewardRange: nil,
            windowSeconds: nil, excluded: source.excluded,
            description: ["\(file.path), digest \(try FileDigest(path: file.path).text)"], snapshot: nil)
    }
}
