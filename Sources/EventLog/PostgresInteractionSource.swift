package import HaggleCore
package import Postgres
import Tabular

/// The counted interactions of one experiment, in the order of the log, as it stood when the source was opened.
///
/// A pass is one COPY in the order of positions, read as it is asked for, on a connection of the pool's: memory holds a chunk of it, and time is
/// linear. Opening attributes the conversions, once for all passes, and keeps sixteen bytes for each impression that has any. A pass can be
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
    /// Impressions of the time span that are left out, by reason: those of assignments, `DUPLICATE`, `REPEATED`, `NOT_ACTIVATED`, `ACTIVATED_LATE`,
    /// `NOT_MATURED`, and `REMOVED_ARM` for arms that no version of the experiment names.
    package let excluded: [String: Int]

    private let pool: ConnectionPool
    private let experiment: Experiment
    private let features: [String]?
    private let rewards: LoggedRewards

    /// - Parameters:
    ///   - through: reads the log as it stood at this position; by default as it stands now.
    ///   - features: the features of the context that are wanted; nil for all, empty for none. Fewer are read faster.
    package static func open(
        pool: ConnectionPool, experiment: Experiment, filter: Filter = Filter(), asOf: Timestamp, through: Int64? = nil,
        features: [String]? = nil
    ) async throws -> PostgresInteractionSource {
        let reader = EventLogReader(pool: pool)
        let arms = try await reader.arms(of: experiment)
        let position: Int64
        if let through { position = through } else { position = try await reader.highWater() }
        let condition = filter.condition(window: experiment.reward.windowSeconds, asOf: asOf)
        return PostgresInteractionSource(
            arms: arms, filter: filter, asOf: asOf, through: position,
            excluded: try await reader.excluded(experiment, filter, asOf: asOf, through: position, arms: arms), pool: pool,
            experiment: experiment, features: features,
            rewards: try await LoggedRewards(
                pool, experiment, rule: RewardRule(experiment.reward, arms: arms), arms: ArmPlaces(arms), through: position,
                condition: condition))
    }

    package func interactions() -> Interactions { Interactions(source: self) }

    package struct Interactions: AsyncSequence, Sendable {
        package typealias Element = Interaction

        fileprivate let source: PostgresInteractionSource

        package func makeAsyncIterator() -> Iterator { Iterator(source) }

        package struct Iterator: AsyncIteratorProtocol {
            private let stream: CopyStream
            private var rows = BinaryCopyRows(columnCount: Column.allCases.count)
            private var bytes: [UInt8] = []
            private var isAtEnd = false
            private var decoder: Decoder

            fileprivate init(_ source: PostgresInteractionSource) {
                stream = source.stream()
                decoder = Decoder(source)
            }

            package mutating func next() async throws -> Interaction? { try await next(isolation: nil) }

            /// On the caller's executor: without this, each row of a loop on an actor would cost two switches of threads.
            package mutating func next(isolation actor: isolated (any Actor)?) async throws -> Interaction? {
                while !isAtEnd {
                    while try rows.next(in: bytes) {
                        // Nil for a removed arm.
                        if let interaction = try decoder.interaction(rows, bytes) { return interaction }
                    }
                    bytes.removeSubrange(0..<rows.position)
                    rows.position = 0
                    isAtEnd = try await !stream.next(into: &bytes)
                }
                return nil
            }
        }
    }

    /// The columns of the COPY, in their order.
    private enum Column: Int, CaseIterable {
        case position, id, unit, context, eligible, propensities, arm, propensity, snapshot, occurredAt
    }

    private func stream() -> CopyStream {
        let context: SQL = features == [] ? "NULL::jsonb" : "i.context"
        return pool.copyOut(
            """
            COPY (
                SELECT i.position, i.id, i.unit, \(fragment: context), i.eligible_arms, i.propensities, i.arm, i.propensity, i.snapshot,
                       i.occurred_at
                  FROM shown_impressions(\(literal: experiment.key.rawValue), \(raw: String(through))) i
                 WHERE i.counted AND \(fragment: filter.condition(window: experiment.reward.windowSeconds, asOf: asOf))
                 ORDER BY i.position
            ) TO STDOUT (FORMAT binary)
            """,
            // Along the index on positions, whatever the planner thinks of a table it has not seen filled: a sort would write the log to disk
            // before the first row, and a hash join lose the order.
            settings: """
                SET LOCAL jit = off; SET LOCAL enable_sort = off; SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off;
                SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL max_parallel_workers_per_gather = 0
                """)
    }

    /// Makes interactions of rows.
    private struct Decoder {
        private let windowSeconds: Double
        private let asOf: Timestamp
        private var places: ArmPlaces
        private var rewards: LoggedRewards.Cursor
        private var context: ContextReader?
        /// The time features among those that are wanted.
        private let moments: FeatureSchema

        init(_ source: PostgresInteractionSource) {
            windowSeconds = source.experiment.reward.windowSeconds
            asOf = source.asOf
            places = ArmPlaces(source.arms)
            rewards = LoggedRewards.Cursor(source.rewards)
            context = source.features == [] ? nil : ContextReader(features: source.features)
            moments = source.experiment.context.timeFeatures(among: source.features)
        }

        mutating func interaction(_ rows: BinaryCopyRows, _ bytes: [UInt8]) throws -> Interaction? {
            let span = bytes.span
            func field(_ column: Column) -> Range<Int>? { rows.field(column.rawValue) }
            guard let arm = field(.arm).flatMap({ places.position(of: span, at: $0) }),
                let positions = try places.positions(ofArray: Column.eligible.rawValue, of: rows, in: span)
            else { return nil }
            let id = ImpressionID(rows.uuid(Column.id.rawValue, in: span))
            let occurredAt = Timestamp(microseconds: rows.instant(Column.occurredAt.rawValue, in: span).microseconds)
            let matures = occurredAt + windowSeconds
            var values = Context()
            // Behind a byte for the version of jsonb's binary form.
            if let place = field(.context), context != nil {
                values = try context?.read(bytes, from: place.lowerBound + 1, to: place.upperBound, impression: id) ?? values
            }
            TimeFeatures.add(to: &values, at: occurredAt, for: moments)
            return Interaction(
                impressionID: id, unit: rows.string(Column.unit.rawValue, in: span).map { UnitID($0) }, time: occurredAt,
                context: values, eligible: places.eligible(positions), arm: arm,
                propensity: rows.double(Column.propensity.rawValue, in: span),
                propensities: try rows.doubles(Column.propensities.rawValue, in: span).map { places.vector($0, at: positions) },
                reward: rewards.reward(at: rows.int64(Column.position.rawValue, in: span)),
                snapshot: rows.int32(Column.snapshot.rawValue, in: span).map { SnapshotVersion(Int($0)) },
                maturedAt: matures <= asOf ? matures : nil)
        }
    }
}

extension PostgresInteractionSource.Filter {
    /// On impressions `i`, as text without parameters, which COPY does not take.
    fileprivate func timeSpan(until: Timestamp?) -> SQL {
        var sql: SQL = "true"
        if let since { sql += " AND i.occurred_at >= \(literal: since.description)::timestamptz" }
        if let until { sql += " AND i.occurred_at < \(literal: until.description)::timestamptz" }
        return sql
    }

    fileprivate func condition(window: Double, asOf: Timestamp) -> SQL {
        guard onlyMatured else { return timeSpan(until: until) }
        // Matured is occurred_at + window <= asOf; times are whole microseconds.
        let closed = Timestamp(microseconds: (asOf - window).microseconds + 1)
        return timeSpan(until: min(until ?? closed, closed))
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
                               WHEN i.deferred AND EXISTS (
                                    SELECT 1 FROM activations a
                                     WHERE a.impression_id = i.id
                                       AND activation_is_late(i.experiment, i.experiment_version, i.occurred_at, a.occurred_at))
                                    THEN 'ACTIVATED_LATE'
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
