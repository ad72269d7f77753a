package import HaggleCore
package import Postgres

/// The counted interactions of one experiment, in the order of the log, as it stood when the source was opened.
///
/// Rows come in chunks, each a short query of its own, so memory is bounded and no transaction stays open while they are used. A pass can be
/// repeated and gives the same rows.
package struct PostgresInteractionSource: InteractionSource {
    package struct Filter: Hashable, Sendable {
        /// Impressions from this time on.
        package var since: Timestamp?
        /// Impressions before this time.
        package var until: Timestamp?
        /// Only impressions whose window had closed at `asOf`.
        package var onlyMatured: Bool

        package init(since: Timestamp? = nil, until: Timestamp? = nil, onlyMatured: Bool = false) {
            self.since = since
            self.until = until
            self.onlyMatured = onlyMatured
        }
    }

    /// The experiment's arms, and behind them those of earlier versions.
    package let arms: [Arm]
    package let filter: Filter
    /// Decides what has matured.
    package let asOf: Timestamp
    /// The position up to which the log is read.
    package let through: Int64
    /// Impressions of the time span that are left out, by reason: those of assignments, `DUPLICATE`, `REPEATED`, `NOT_ACTIVATED`,
    /// `NOT_MATURED`, and `REMOVED_ARM` for arms that no version of the experiment names.
    package let excluded: [String: Int]

    private let reader: EventLogReader
    private let experiment: Experiment
    private let chunkSize: Int

    /// - Parameters:
    ///   - through: reads the log as it stood at this position; by default as it stands now.
    ///   - chunkSize: rows per query.
    package static func open(
        pool: ConnectionPool, experiment: Experiment, filter: Filter = Filter(), asOf: Timestamp, through: Int64? = nil,
        chunkSize: Int = 10_000
    ) async throws -> PostgresInteractionSource {
        let reader = EventLogReader(pool: pool)
        let arms = try await reader.arms(of: experiment)
        let position: Int64
        if let through { position = through } else { position = try await reader.highWater() }
        let excluded = try await reader.excluded(experiment, filter, asOf: asOf, through: position, arms: arms)
        return PostgresInteractionSource(
            arms: arms, filter: filter, asOf: asOf, through: position, excluded: excluded, reader: reader, experiment: experiment,
            chunkSize: chunkSize)
    }

    package func interactions() -> Interactions { Interactions(source: self) }

    package struct Interactions: AsyncSequence, Sendable {
        package typealias Element = Interaction

        fileprivate let source: PostgresInteractionSource

        package func makeAsyncIterator() -> Iterator { Iterator(source) }

        package struct Iterator: AsyncIteratorProtocol {
            private let source: PostgresInteractionSource
            private let rule: RewardRule
            private var places: ArmPlaces
            private var chunk: [Interaction] = []
            private var index = 0
            private var cursor: Int64? = 0

            fileprivate init(_ source: PostgresInteractionSource) {
                self.source = source
                rule = RewardRule(source.experiment.reward, arms: source.arms)
                places = ArmPlaces(source.arms)
            }

            package mutating func next() async throws -> Interaction? { try await next(isolation: nil) }

            /// On the caller's executor: without this, each row of a loop on an actor would cost two switches of threads.
            package mutating func next(isolation actor: isolated (any Actor)?) async throws -> Interaction? {
                while index == chunk.count {
                    guard let position = cursor else { return nil }
                    let rows = try await source.chunk(after: position)
                    // A chunk may hold nothing but removed arms, so its rows decide whether there are more.
                    cursor = rows.count < source.chunkSize ? nil : try rows.last?.decode(Column.position.rawValue, as: Int64.self)
                    chunk.removeAll(keepingCapacity: true)
                    index = 0
                    for row in rows {
                        if let interaction = try interaction(row) { chunk.append(interaction) }
                    }
                }
                defer { index += 1 }
                return chunk[index]
            }

            /// Columns by position, which saves looking up their names for every row.
            private enum Column: Int {
                case position, id, unit, context, eligible, propensities, arm, propensity, snapshot, occurredAt
                case events, reversals, value, givenMargin, unmarginedValue
            }

            private mutating func interaction(_ row: Row) throws -> Interaction? {
                func read<Value: SQLDecodable>(_ column: Column) throws -> Value { try row.decode(column.rawValue) }
                guard let arm = places[try read(.arm)], let positions = places.positions(of: try read(.eligible)) else { return nil }
                let id = ImpressionID(try read(.id) as UUIDWords)
                let json = try row.withText(Column.context.rawValue) { text in
                    if let text { [UInt8](copying: text) } else { [UInt8]() }
                }
                let sums = RewardSums(
                    events: try read(.events), reversals: try read(.reversals), value: try read(.value),
                    givenMargin: try read(.givenMargin),
                    unmarginedValue: try read(.unmarginedValue))
                let occurredAt = Timestamp(microseconds: try read(.occurredAt))
                let matures = occurredAt + source.experiment.reward.windowSeconds
                return Interaction(
                    impressionID: id, unit: (try read(.unit) as String?).map { UnitID($0) }, time: occurredAt,
                    context: try Context(json: json, impression: id),
                    eligible: places.eligible(positions), arm: arm, propensity: try read(.propensity),
                    propensities: (try read(.propensities) as [Double]?).map { places.vector($0, at: positions) },
                    reward: rule.reward(sums, arm: arm), snapshot: (try read(.snapshot) as Int?).map { SnapshotVersion($0) },
                    maturedAt: matures <= source.asOf ? matures : nil)
            }
        }
    }

    fileprivate func chunk(after position: Int64) async throws -> [Row] {
        try await reader.read { connection in
            try await connection.query(
                """
                WITH i AS MATERIALIZED (
                    SELECT * FROM shown_impressions(\(experiment.key), \(through)) i
                     WHERE i.counted AND i.position > \(position) AND \(fragment: timeFilter)
                     ORDER BY i.position
                     LIMIT \(chunkSize)
                )
                SELECT i.position, i.id, i.unit, i.context, i.eligible_arms, i.propensities, i.arm, i.propensity, i.snapshot,
                       (extract(epoch FROM i.occurred_at) * 1000000)::bigint, s.*
                  FROM i
                \(fragment: EventLogReader.rewardSums(windowSeconds: experiment.reward.windowSeconds, through: through))
                 ORDER BY i.position
                """)
        }
    }

    private var timeFilter: SQL {
        var until = filter.until
        if filter.onlyMatured {
            // Matured is occurred_at + window <= asOf; times are whole microseconds.
            let closed = Timestamp(microseconds: (asOf - experiment.reward.windowSeconds).microseconds + 1)
            until = min(until ?? closed, closed)
        }
        return filter.timeSpan(until: until)
    }
}

extension PostgresInteractionSource.Filter {
    fileprivate func timeSpan(until: Timestamp?) -> SQL {
        var sql: SQL = "true"
        if let since { sql += " AND i.occurred_at >= \(microseconds: since.microseconds)" }
        if let until { sql += " AND i.occurred_at < \(microseconds: until.microseconds)" }
        return sql
    }
}

extension EventLogReader {
    fileprivate func excluded(
        _ experiment: Experiment, _ filter: PostgresInteractionSource.Filter, asOf: Timestamp, through: Int64, arms: [Arm]
    ) async throws -> [String: Int] {
        let matured: SQL =
            filter.onlyMatured
            ? "i.occurred_at <= \(microseconds: (asOf - experiment.reward.windowSeconds).microseconds)" : "true"
        let rows = try await read { connection in
            try await connection.query(
                """
                SELECT why, count(*) AS impressions
                  FROM (
                    SELECT CASE
                               WHEN i.duplicate_of IS NOT NULL THEN 'DUPLICATE'
                               WHEN i.repeated_of IS NOT NULL THEN 'REPEATED'
                               WHEN i.reason <> 'POLICY' THEN i.reason
                               WHEN i.deferred AND NOT EXISTS (
                                    SELECT 1 FROM activations a WHERE a.impression_id = i.id AND a.position <= \(through)) THEN 'NOT_ACTIVATED'
                               WHEN NOT \(fragment: matured) THEN 'NOT_MATURED'
                               WHEN NOT i.eligible_arms <@ \(arms.map(\.key)) THEN 'REMOVED_ARM'
                           END AS why
                      FROM impressions i
                     WHERE i.experiment = \(experiment.key) AND i.position <= \(through) AND \(fragment: filter.timeSpan(until: filter.until))
                    ) i
                 WHERE why IS NOT NULL
                 GROUP BY why
                """)
        }
        var counts: [String: Int] = [:]
        for row in rows { counts[try row.decode("why")] = try row.decode("impressions", as: Int.self) }
        return counts
    }
}
