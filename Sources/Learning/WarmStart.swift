import Catalog
import EventLog
package import HaggleCore
package import Postgres

/// Reads what a new experiment is to learn from before its first impression: `warm_start` of its file.
package enum WarmStart {
    /// The newest rows of the source whose arm the experiment has: by key, for another experiment else by discount. Rewards of another
    /// experiment are computed by this one's metric and window; those of a file are its own.
    /// - Parameters:
    ///   - folder: of the experiment's file, from which a log file's path is relative.
    ///   - now: decides what has matured.
    /// - Returns: oldest first, `arm` a position in the experiment's arms; empty where the experiment starts from nothing.
    /// - Throws: `CatalogError.unknownExperiment`; `LearningError.nothingToStartFrom` where no row fits; `TabularError`, `EventLogError` for a
    ///   file, with the place of the first thing that is wrong.
    package static func rows(
        for experiment: Experiment, folder: String, now: Timestamp, on connection: Connection
    ) async throws -> [Interaction] {
        let rows: [Interaction]
        let name: String
        switch experiment.warmStart {
        case nil: return []
        case .experiment(let key):
            rows = try await logged(by: key, for: experiment, now: now, on: connection)
            name = "experiment '\(key)'"
        case .file(let path):
            rows = try await history(path: path.hasPrefix("/") || folder.isEmpty ? path : folder + "/" + path, for: experiment)
            name = path
        }
        guard !rows.isEmpty else {
            throw LearningError.nothingToStartFrom(experiment.key, source: name, arms: experiment.arms.map(\.key))
        }
        return rows
    }

    private static func logged(
        by key: ExperimentKey, for experiment: Experiment, now: Timestamp, on connection: Connection
    ) async throws -> [Interaction] {
        let source = try await Catalog.experiment(key, on: connection).experiment
        let arms = source.arms.map { position(of: $0, in: experiment) }
        let rule = RewardRule(experiment.reward, arms: source.arms)
        let window = experiment.reward.windowSeconds
        let rows = try await connection.query(
            """
            SELECT i.arm, i.context::text AS context, i.occurred_at, s.*
              FROM (
                    SELECT * FROM shown_impressions(\(key.rawValue), \(EventLogReader.latest))
                     WHERE counted AND occurred_at <= \(microseconds: (now - window).microseconds)
                     ORDER BY occurred_at DESC, position DESC LIMIT \(WarmRows.limit)
                   ) i
             \(fragment: EventLogReader.rewardSums(windowSeconds: window, through: EventLogReader.latest))
             ORDER BY i.occurred_at, i.position
            """)
        return try rows.compactMap { row in
            guard let shown = source.index(of: ArmKey(try row.decode("arm", as: String.self))), let arm = arms[shown] else { return nil }
            let time = try row.timestamp("occurred_at")
            var context = try row.context("context")
            TimeFeatures.add(to: &context, at: time, for: experiment.context)
            return Interaction(
                time: time, context: context, arm: arm, propensity: nil, reward: rule.reward(try RewardSums(row: row), arm: shown))
        }
    }

    private static func history(path: String, for experiment: Experiment) async throws -> [Interaction] {
        let source = try LogFile.history(path: path, schema: experiment.context)
        let arms = source.arms.map { position(of: $0, in: experiment) }
        var rows: [Interaction] = []
        try await source.forEach { row in
            guard let arm = arms[row.arm] else { return }
            var row = row
            row.arm = arm
            row.eligible = nil
            row.propensities = nil
            rows.append(row)
            // The newest are wanted, and a file may be long.
            if rows.count >= 2 * WarmRows.limit { rows.removeFirst(WarmRows.limit) }
        }
        return rows.suffix(WarmRows.limit)
    }

    /// The experiment's arm with that key, else the only one with that discount.
    private static func position(of arm: Arm, in experiment: Experiment) -> Int? {
        if let position = experiment.index(of: arm.key) { return position }
        guard let discount = arm.discount else { return nil }
        let equal = experiment.arms.indices.filter { index in experiment.arms[index].discount.map { abs($0 - discount) < 1e-9 } ?? false }
        return equal.count == 1 ? equal[0] : nil
    }
}
