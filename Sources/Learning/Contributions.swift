import EventLog
import HaggleCore
import Postgres

/// What each counted impression has contributed to an experiment's posterior, and what the log says it should.
///
/// Runs on a connection inside the learner's transaction (repeatable read), so that everything it reads belongs to one moment of the log.
/// Positions follow commit order: what that moment does not show has a position above all that it shows.
struct Contributions {
    /// One impression with the reward that the log gives it now.
    struct Entry: Sendable {
        let id: ImpressionID
        let arm: ArmKey
        let context: Context
        /// What has been folded in; nil where nothing has.
        let booked: Double?
        let sums: RewardSums
        let occurredAt: Timestamp
        /// Of every arm of the experiment when this one was drawn; nil where the row does not say, or names an arm that is gone.
        let propensities: [Double]?
    }

    let experiment: Experiment
    let connection: Connection

    private var key: String { experiment.key.rawValue }
    private var windowSeconds: Double { experiment.reward.windowSeconds }

    /// The highest position of the moment that this transaction sees.
    func highWater() async throws -> Int64 {
        try await connection.query(
            """
            SELECT greatest(
                coalesce((SELECT max(position) FROM impressions WHERE experiment = \(key)), 0),
                coalesce((SELECT max(position) FROM activations), 0),
                coalesce((SELECT max(position) FROM conversions), 0)) AS high
            """)[0].decode("high", as: Int64.self)
    }

    /// Opens a contribution for every impression that began to count after `low`, up to `high`.
    func open(after low: Int64, through high: Int64) async throws {
        _ = try await connection.execute(
            """
            WITH arrived AS (
                SELECT i.* FROM impressions i
                 WHERE i.experiment = \(key) AND i.position > \(low) AND i.position <= \(high)
                   AND (NOT i.deferred OR EXISTS (
                        SELECT 1 FROM activations a
                         WHERE a.impression_id = i.id AND a.position <= \(high)
                           AND NOT activation_is_late(i.experiment, i.experiment_version, i.occurred_at, a.occurred_at)))
                UNION ALL
                SELECT i.* FROM activations a JOIN impressions i ON i.id = a.impression_id
                 WHERE a.position > \(low) AND a.position <= \(high) AND i.experiment = \(key) AND i.deferred AND i.position <= \(low)
                   AND NOT activation_is_late(i.experiment, i.experiment_version, i.occurred_at, a.occurred_at)
            )
            INSERT INTO contributions (experiment, impression_id, occurred_at, matures_at)
            SELECT experiment, id, occurred_at, occurred_at + make_interval(secs => \(windowSeconds))
              FROM arrived
             WHERE reason = 'POLICY' AND duplicate_of IS NULL AND repeated_of IS NULL
            ON CONFLICT DO NOTHING
            """)
    }

    /// Contributions whose window has closed and that are not booked yet, oldest first.
    func matured(by now: Timestamp, through high: Int64, limit: Int) async throws -> [Entry] {
        try await entries(
            """
            SELECT impression_id, reward FROM contributions
             WHERE experiment = \(key) AND reward IS NULL AND matures_at <= \(microseconds: now.microseconds)
             ORDER BY matures_at, impression_id LIMIT \(limit)
            """, through: high)
    }

    /// Booked contributions whose reward may have changed because of conversions, or of impressions that arrived or were activated late and
    /// took over a conversion by unit, with positions above `low` up to `high`.
    func touched(after low: Int64, through high: Int64) async throws -> [Entry] {
        let window: SQL = "make_interval(secs => \(windowSeconds))"
        return try await entries(
            """
            SELECT k.impression_id, k.reward FROM contributions k WHERE k.experiment = \(key) AND k.reward IS NOT NULL AND k.impression_id IN (
                SELECT c.impression_id FROM conversions c
                 WHERE c.position > \(low) AND c.position <= \(high) AND c.impression_id IS NOT NULL
                UNION
                SELECT r.root FROM conversions c JOIN redirects r ON r.impression_id = c.impression_id
                 WHERE c.position > \(low) AND c.position <= \(high)
                UNION
                SELECT r.root FROM redirects r WHERE r.position > \(low) AND r.position <= \(high)
                UNION
                SELECT i.id FROM conversions c
                  JOIN impressions i ON i.experiment = c.experiment AND i.unit = c.unit
                   AND i.occurred_at <= c.occurred_at AND i.occurred_at > c.occurred_at - \(fragment: window)
                 WHERE c.experiment = \(key) AND c.unit IS NOT NULL AND c.position > \(low) AND c.position <= \(high)
                UNION
                SELECT o.id FROM impressions n
                  JOIN impressions o ON o.experiment = n.experiment AND o.unit = n.unit AND o.id <> n.id
                   AND o.occurred_at > n.occurred_at - \(fragment: window) AND o.occurred_at < n.occurred_at + \(fragment: window)
                 WHERE n.experiment = \(key) AND n.position > \(low) AND n.position <= \(high)
                   AND EXISTS (SELECT 1 FROM conversions c WHERE c.experiment = n.experiment AND c.unit = n.unit)
                UNION
                SELECT o.id FROM activations a
                  JOIN impressions n ON n.id = a.impression_id
                  JOIN impressions o ON o.experiment = n.experiment AND o.unit = n.unit AND o.id <> n.id
                   AND o.occurred_at > n.occurred_at - \(fragment: window) AND o.occurred_at < n.occurred_at + \(fragment: window)
                 WHERE n.experiment = \(key) AND a.position > \(low) AND a.position <= \(high)
                   AND EXISTS (SELECT 1 FROM conversions c WHERE c.experiment = n.experiment AND c.unit = n.unit))
            """, through: high)
    }

    /// Everything booked whose impression is not older than `since`, in order of time: what a retrain or a rollback accumulates anew. Arms are
    /// those of the experiment in force; impressions of others are left out.
    func booked(since: Timestamp) async throws -> [Interaction] {
        let rows = try await connection.query(
            """
            SELECT k.impression_id, k.reward, i.unit, i.arm, i.context::text AS context, i.eligible_arms, i.propensities, i.propensity,
                   k.occurred_at
              FROM contributions k JOIN impressions i ON i.id = k.impression_id
             WHERE k.experiment = \(key) AND k.reward IS NOT NULL AND k.occurred_at >= \(microseconds: since.microseconds)
             ORDER BY k.occurred_at, k.impression_id
            """)
        let places = places
        return try rows.compactMap { row in
            guard let arm = places[ArmKey(try row.decode("arm", as: String.self))] else { return nil }
            let eligible = try row.decode("eligible_arms", as: [String].self).map { places[ArmKey($0)] }
            let time = try row.timestamp("occurred_at")
            var context = try row.context("context")
            TimeFeatures.add(to: &context, at: time, for: experiment.context)
            var interaction = Interaction(
                impressionID: try row.impressionID("impression_id"), unit: try row.decode("unit", as: String?.self).map { UnitID($0) },
                time: time, context: context, eligible: eligible.compactMap { $0 }.sorted(),
                arm: arm, propensity: try row.decode("propensity", as: Double?.self), reward: try row.decode("reward", as: Double.self))
            interaction.propensities = try LoggedPropensities.read(row, places)
            return interaction
        }
    }

    /// The position of every arm of the experiment.
    var places: [ArmKey: Int] {
        var places: [ArmKey: Int] = [:]
        for (index, arm) in experiment.arms.enumerated() { places[arm.key] = index }
        return places
    }

    /// Writes the rewards that have been folded in.
    func book(_ rewards: [(id: ImpressionID, reward: Double)]) async throws {
        guard !rewards.isEmpty else { return }
        _ = try await connection.execute(
            """
            UPDATE contributions k SET reward = b.reward
              FROM unnest(\(rewards.map { $0.id.description })::uuid[], \(rewards.map(\.reward))) AS b (id, reward)
             WHERE k.experiment = \(key) AND k.impression_id = b.id
            """)
    }

    /// Removes contributions that cannot be folded, so that nothing is ever corrected that was not added.
    func remove(_ ids: [ImpressionID]) async throws {
        guard !ids.isEmpty else { return }
        _ = try await connection.execute(
            "DELETE FROM contributions WHERE experiment = \(key) AND impression_id = ANY (\(ids.map(\.description))::uuid[])")
    }

    /// Forgets contributions older than the retraining window: the posterior no longer holds them, so nothing can be corrected.
    func forget(before time: Timestamp) async throws {
        _ = try await connection.execute(
            """
            DELETE FROM contributions
             WHERE experiment = \(key) AND reward IS NOT NULL AND occurred_at < \(microseconds: time.microseconds)
            """)
    }

    /// Forgets what was booked for arms that the experiment no longer has: the posterior holds them no more, also should they come back.
    func forgetArmsThatLeft() async throws {
        _ = try await connection.execute(
            """
            DELETE FROM contributions k USING impressions i
             WHERE k.experiment = \(key) AND k.reward IS NOT NULL AND i.id = k.impression_id
               AND i.arm <> ALL (\(experiment.arms.map(\.key.rawValue)))
            """)
    }

    /// Number of booked contributions whose impression is not older than `since`.
    func bookedCount(since: Timestamp) async throws -> Int {
        try await connection.query(
            """
            SELECT count(*) AS n FROM contributions
             WHERE experiment = \(key) AND reward IS NOT NULL AND occurred_at >= \(microseconds: since.microseconds)
            """)[0].decode("n", as: Int.self)
    }

    private func entries(_ chosen: SQL, through high: Int64) async throws -> [Entry] {
        let rows = try await connection.query(
            """
            SELECT k.impression_id, k.reward, i.arm, i.context::text AS context, i.occurred_at, i.eligible_arms, i.propensities,
                   s.events, s.reversals, s.value, s.given_margin, s.unmargined_value
              FROM (\(fragment: chosen)) k
              JOIN impressions i ON i.id = k.impression_id
             CROSS JOIN LATERAL (
                   SELECT count(*) FILTER (WHERE c.value >= 0) AS events,
                          count(*) FILTER (WHERE c.value < 0) AS reversals,
                          coalesce(sum(c.value ORDER BY c.position), 0) AS value,
                          coalesce(sum(c.margin ORDER BY c.position), 0) AS given_margin,
                          coalesce(sum(c.value ORDER BY c.position) FILTER (WHERE c.margin IS NULL), 0) AS unmargined_value
                     FROM conversions_of(
                          i.id, i.experiment, i.unit, i.occurred_at, true, i.position,
                          make_interval(secs => \(windowSeconds)), \(high)) c
                   ) s
             ORDER BY i.occurred_at, i.id
            """)
        let places = places
        return try rows.map { row in
            let time = try row.timestamp("occurred_at")
            var context = try row.context("context")
            TimeFeatures.add(to: &context, at: time, for: experiment.context)
            return Entry(
                id: try row.impressionID("impression_id"), arm: ArmKey(try row.decode("arm", as: String.self)),
                context: context, booked: try row.decode("reward", as: Double?.self),
                sums: RewardSums(
                    events: try row.decode("events", as: Int.self), reversals: try row.decode("reversals", as: Int.self),
                    value: try row.decode("value", as: Double.self), givenMargin: try row.decode("given_margin", as: Double.self),
                    unmarginedValue: try row.decode("unmargined_value", as: Double.self)),
                occurredAt: time, propensities: try LoggedPropensities.read(row, places))
        }
    }
}
