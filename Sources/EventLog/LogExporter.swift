package import HaggleCore
package import Postgres
package import Tabular

/// Writes an experiment's log as `haggle export` prints it: every shown impression, in the order of the log as it stood at the start.
///
/// Duplicates, repetitions and deferred impressions that were never activated are no rows of their own; their conversions stand with the row
/// that was drawn.
package struct LogExporter: Sendable {
    package enum Format: String, Hashable, Sendable, CaseIterable { case csv, ndjson, dsjson }

    private static let chunkSize = 5_000

    private let reader: EventLogReader
    private let experiment: Experiment
    private let asOf: Timestamp

    /// - Parameter asOf: decides what has matured.
    package init(pool: ConnectionPool, experiment: Experiment, asOf: Timestamp) {
        reader = EventLogReader(pool: pool)
        self.experiment = experiment
        self.asOf = asOf
    }

    /// - Parameters:
    ///   - unit: only this unit's rows.
    ///   - progress: rows written so far, after each chunk.
    /// - Returns: the number of rows.
    @discardableResult
    package func export(
        as format: Format, unit: UnitID? = nil, to output: inout RowOutput, progress: (Int) -> Void = { _ in }
    ) async throws -> Int {
        var csv = CSVWriter(columns: ExportedRow.fields)
        var json = JSONWriter()
        if format == .csv { try output.append(csv.header()) }
        let discounts = Dictionary(
            try await reader.arms(of: experiment).compactMap { arm in arm.discount.map { (arm.key, $0) } }
        ) { first, _ in first }
        var count = 0
        try await forEachChunk(unit: unit) { rows in
            for row in rows {
                switch format {
                case .csv: try output.append(try row.write(to: &csv))
                case .ndjson, .dsjson:
                    if format == .ndjson { try row.write(to: &json) } else { try row.writeDSJSON(to: &json, discounts: discounts) }
                    json.endLine()
                    try output.append(json.bytes)
                    json.removeAll()
                }
            }
            count += rows.count
            progress(count)
        }
        try output.flush()
        return count
    }

    /// The rows as values, some thousand at a time.
    package func forEachChunk(unit: UnitID? = nil, _ body: ([ExportedRow]) throws -> Void) async throws {
        let arms = try await reader.arms(of: experiment)
        let rule = RewardRule(experiment.reward, arms: arms)
        let places = ArmPlaces(arms)
        let through = try await reader.highWater()
        var cursor: Int64 = 0
        while true {
            let chunk = try await chunk(after: cursor, through: through, unit: unit)
            try body(try chunk.map { try ExportedRow(row: $0, rule: rule, places: places, experiment: experiment, asOf: asOf) })
            guard chunk.count == Self.chunkSize, let last = chunk.last else { return }
            cursor = try last.decode("position")
        }
    }

    private func chunk(after position: Int64, through: Int64, unit: UnitID?) async throws -> [Row] {
        let unitFilter: SQL = if let unit { "i.unit = \(unit)" } else { "true" }
        let window = experiment.reward.windowSeconds
        return try await reader.read { connection in
            try await connection.query(
                """
                WITH i AS MATERIALIZED (
                    SELECT * FROM shown_impressions(\(experiment.key), \(through)) i
                     WHERE i.position > \(position) AND \(fragment: unitFilter)
                     ORDER BY i.position
                     LIMIT \(Self.chunkSize)
                )
                SELECT i.*, c.*
                  FROM i
                 CROSS JOIN LATERAL (
                       SELECT coalesce(array_agg(c.conversion_id ORDER BY c.position), '{}') AS ids,
                              coalesce(array_agg(c.kind ORDER BY c.position), '{}') AS kinds,
                              coalesce(array_agg(c.value ORDER BY c.position), '{}') AS amounts,
                              coalesce(array_agg(c.margin ORDER BY c.position), '{}') AS margins,
                              coalesce(array_agg((extract(epoch FROM c.occurred_at) * 1000000)::bigint ORDER BY c.position), '{}') AS times
                         FROM conversions_of(
                              i.id, i.experiment, i.unit, i.occurred_at, i.counted, i.position, make_interval(secs => \(window)),
                              \(through)) c
                       ) c
                 ORDER BY i.position
                """)
        }
    }
}

extension ExportedRow {
    fileprivate init(row: Row, rule: RewardRule, places: ArmPlaces, experiment: Experiment, asOf: Timestamp) throws {
        impressionID = try row.impressionID("id")
        time = try row.timestamp("occurred_at")
        unit = try row.decode("unit")
        experimentVersion = ExperimentVersion(try row.decode("experiment_version"))
        variant = try row.variant("variant")
        reason = try row.reason("reason")
        context = try Context(json: Array(try row.decode("context", as: String.self).utf8), impression: impressionID)
        eligibleArms = try row.decode("eligible_arms", as: [String].self).map { ArmKey($0) }
        arm = try row.decode("arm")
        propensities = try row.decode("propensities")
        propensity = try row.decode("propensity")
        snapshot = try row.decode("snapshot", as: Int?.self).map { SnapshotVersion($0) }
        matured = time + experiment.reward.windowSeconds <= asOf
        let ids = try row.decode("ids", as: [String].self)
        let kinds = try row.decode("kinds", as: [String].self)
        let values = try row.decode("amounts", as: [Double].self)
        let margins = try row.decode("margins", as: [Double?].self)
        let times = try row.decode("times", as: [Int64].self)
        conversions = ids.indices.map {
            Event(
                id: ConversionID(ids[$0]), kind: kinds[$0], value: values[$0], margin: margins[$0],
                occurredAt: Timestamp(microseconds: times[$0]))
        }
        var sums = RewardSums()
        for event in conversions { sums.add(value: event.value, margin: event.margin) }
        // An arm that no version names has no discount to compute a margin with.
        reward = places[arm.rawValue].map { rule.reward(sums, arm: $0) } ?? experiment.reward.defaultReward
    }
}
