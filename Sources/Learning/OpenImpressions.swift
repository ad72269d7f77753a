import EventLog
import HaggleCore
import Policies
import Postgres

/// Reads the impressions whose window is open, and how long conversions of the experiment's arms take, for `learn: early`.
///
/// Memory: about a hundred bytes for each open impression. Time: one attribution for each, and one for each of the newest closed impressions
/// that has a reward.
struct OpenImpressions {
    let experiment: Experiment
    let connection: Connection

    /// At most so many closed impressions, the newest, tell how long conversions take.
    private static let closedLimit = 20_000
    /// Contexts that are read at a time.
    private static let chunkSize = 5000

    private struct Open {
        let id: ImpressionID
        let arm: Int
        let occurredAt: Timestamp
        let reward: Double
        /// Seconds to the arrival of the first conversion that was not reversed since.
        let delay: Double?
    }

    /// What a learner of closed impressions would be with the open ones entered as `EarlyEntry` does.
    /// - Parameters:
    ///   - now: the clock against which windows close.
    ///   - since: closed impressions before this time tell nothing about delays.
    ///   - high: the position up to which the learner has seen the log.
    func entered(
        into learner: PolicyLearner, now: Timestamp, since: Timestamp, through high: Int64
    ) async throws -> (learner: PolicyLearner, entry: EarlyEntry) {
        let open = try await open(through: high)
        let closed = try await closed(since: since, through: high)
        var delays: [DelayDistribution?] = []
        for arm in experiment.arms.indices {
            let own = open.filter { $0.arm == arm }
            delays.append(
                DelayDistribution(
                    arrivals: own.compactMap(\.delay) + closed[arm].delays, closedCount: closed[arm].count - closed[arm].delays.count,
                    openAges: own.filter { $0.delay == nil }.map { now - $0.occurredAt }, hasClosed: closed[arm].count,
                    windowSeconds: experiment.reward.windowSeconds))
        }
        var entry = EarlyEntry(delays: delays, defaultReward: experiment.reward.defaultReward)
        var view = learner
        for start in stride(from: 0, to: open.count, by: Self.chunkSize) {
            let chunk = open[start..<min(start + Self.chunkSize, open.count)]
            let drawn = try await drawn(chunk.map(\.id))
            for row in chunk {
                var context = drawn[row.id]?.context ?? [:]
                TimeFeatures.add(to: &context, at: row.occurredAt, for: experiment.context)
                entry.enter(
                    context, arm: row.arm, reward: row.reward, at: row.occurredAt, age: now - row.occurredAt,
                    propensities: drawn[row.id]?.propensities, into: &view)
            }
        }
        return (view, entry)
    }

    private func open(through high: Int64) async throws -> [Open] {
        let rule = RewardRule(experiment.reward, arms: experiment.arms)
        let rows = try await connection.query(
            """
            SELECT k.impression_id, i.arm, k.occurred_at, s.*
              FROM contributions k
              JOIN impressions i ON i.id = k.impression_id
             \(fragment: Self.conversions(window: experiment.reward.windowSeconds, through: high))
             WHERE k.experiment = \(experiment.key.rawValue) AND k.reward IS NULL
             ORDER BY k.matures_at, k.impression_id
            """)
        return try rows.compactMap { row in
            guard let arm = experiment.index(of: ArmKey(try row.decode("arm", as: String.self))) else { return nil }
            let reward = rule.reward(
                RewardSums(
                    events: try row.decode("events", as: Int.self), reversals: try row.decode("reversals", as: Int.self),
                    value: try row.decode("value", as: Double.self), givenMargin: try row.decode("given_margin", as: Double.self),
                    unmarginedValue: try row.decode("unmargined_value", as: Double.self)), arm: arm)
            // What was reversed is as if it had not come: it brings nothing at the close either.
            let delay = reward == experiment.reward.defaultReward ? nil : try row.decode("delay", as: Double?.self)
            return Open(
                id: try row.impressionID("impression_id"), arm: arm, occurredAt: try row.timestamp("occurred_at"), reward: reward,
                delay: delay)
        }
    }

    /// By position of the arm: how many closed impressions there are, and the delays of those with a reward.
    private func closed(since: Timestamp, through high: Int64) async throws -> [(count: Int, delays: [Double])] {
        let rows = try await connection.query(
            """
            SELECT i.arm, count(*) AS impressions, array_agg(s.delay) FILTER (WHERE s.delay IS NOT NULL) AS delays
              FROM (
                    SELECT impression_id, reward FROM contributions
                     WHERE experiment = \(experiment.key.rawValue) AND reward IS NOT NULL
                       AND occurred_at >= \(microseconds: since.microseconds)
                     ORDER BY occurred_at DESC, impression_id LIMIT \(Self.closedLimit)
                   ) k
              JOIN impressions i ON i.id = k.impression_id
              LEFT JOIN LATERAL (
                    SELECT min(extract(epoch FROM greatest(v.received_at, c.occurred_at) - i.occurred_at))::double precision AS delay
                      FROM conversions_of(
                           i.id, i.experiment, i.unit, i.occurred_at, true, i.position,
                           make_interval(secs => \(experiment.reward.windowSeconds)), \(high)) c
                      JOIN conversions v ON v.conversion_id = c.conversion_id
                     WHERE c.value >= 0
                   ) s ON k.reward <> \(experiment.reward.defaultReward)
             GROUP BY i.arm
            """)
        var closed = experiment.arms.map { _ in (count: 0, delays: [Double]()) }
        for row in rows {
            guard let arm = experiment.index(of: ArmKey(try row.decode("arm", as: String.self))) else { continue }
            closed[arm] = (
                try row.decode("impressions", as: Int.self), try row.decode("delays", as: [Double]?.self) ?? []
            )
        }
        return closed
    }

    private func drawn(_ ids: [ImpressionID]) async throws -> [ImpressionID: (context: Context, propensities: [Double]?)] {
        let rows = try await connection.query(
            """
            SELECT id, context::text AS context, eligible_arms, propensities FROM impressions
             WHERE id = ANY (\(ids.map(\.description))::uuid[])
            """)
        let places = Contributions(experiment: experiment, connection: connection).places
        var drawn: [ImpressionID: (context: Context, propensities: [Double]?)] = [:]
        for row in rows {
            drawn[try row.impressionID("id")] = (try row.context("context"), try LoggedPropensities.read(row, places))
        }
        return drawn
    }

    /// `LATERAL` part for a row `i` of the impressions: the sums of its conversions so far, and when the first arrived.
    private static func conversions(window: Double, through high: Int64) -> SQL {
        """
        CROSS JOIN LATERAL (
            SELECT count(*) FILTER (WHERE c.value >= 0) AS events,
                   count(*) FILTER (WHERE c.value < 0) AS reversals,
                   coalesce(sum(c.value ORDER BY c.position), 0) AS value,
                   coalesce(sum(c.margin ORDER BY c.position), 0) AS given_margin,
                   coalesce(sum(c.value ORDER BY c.position) FILTER (WHERE c.margin IS NULL), 0) AS unmargined_value,
                   min(extract(epoch FROM greatest(v.received_at, c.occurred_at) - i.occurred_at))
                       FILTER (WHERE c.value >= 0)::double precision AS delay
              FROM conversions_of(
                       i.id, i.experiment, i.unit, i.occurred_at, true, i.position, make_interval(secs => \(window)), \(high)) c
              JOIN conversions v ON v.conversion_id = c.conversion_id
            ) s
        """
    }
}
