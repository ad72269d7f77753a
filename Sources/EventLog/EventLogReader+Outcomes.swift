package import HaggleCore
import Postgres

/// What one unit got and what it brought, for analyses that randomise units: A/B experiments and the lift over the holdout.
package struct UnitOutcome: Hashable, Sendable {
    package var unit: UnitID
    /// The branch of its first impression by policy, split or holdout.
    package var variant: Variant
    /// The arm of that impression.
    package var arm: ArmKey
    package var firstAt: Timestamp
    /// Impressions of the unit that count or belong to the holdout.
    package var impressionCount: Int
    /// Of its conversions inside the window from its first impression, by the experiment's metric.
    package var reward: Double
    package var conversionCount: Int
    /// Whether that window has closed.
    package var isMatured: Bool

    package init(
        unit: UnitID, variant: Variant, arm: ArmKey, firstAt: Timestamp, impressionCount: Int, reward: Double, conversionCount: Int,
        isMatured: Bool
    ) {
        self.unit = unit
        self.variant = variant
        self.arm = arm
        self.firstAt = firstAt
        self.impressionCount = impressionCount
        self.reward = reward
        self.conversionCount = conversionCount
        self.isMatured = isMatured
    }
}

/// Impressions of one day by arm.
package struct DailyAllocation: Hashable, Sendable, Codable {
    /// `2026-11-01`, UTC.
    package var day: String
    package var variant: String
    package var reason: Reason
    package var arm: ArmKey
    package var impressions: Int
    package var units: Int

    package init(day: String, variant: String, reason: Reason, arm: ArmKey, impressions: Int, units: Int) {
        self.day = day
        self.variant = variant
        self.reason = reason
        self.arm = arm
        self.impressions = impressions
        self.units = units
    }
}

/// What the shown impressions of one day and arm have earned so far.
package struct DailyReward: Hashable, Sendable, Codable {
    /// `2026-11-01`, UTC.
    package var day: String
    package var variant: String
    package var arm: ArmKey
    package var counted: Bool
    package var impressions: Int
    package var conversions: Int
    package var value: Double
    package var reward: Double

    package init(
        day: String, variant: String, arm: ArmKey, counted: Bool, impressions: Int, conversions: Int, value: Double, reward: Double
    ) {
        self.day = day
        self.variant = variant
        self.arm = arm
        self.counted = counted
        self.impressions = impressions
        self.conversions = conversions
        self.value = value
        self.reward = reward
    }
}

/// Where the log's conversions stand.
package struct ConversionCounts: Hashable, Sendable, Codable {
    package var total: Int
    /// Without a shown impression, and their window may still be open.
    package var pending: Int
    /// Without a shown impression although every window has closed.
    package var orphaned: Int

    package init(total: Int, pending: Int, orphaned: Int) {
        self.total = total
        self.pending = pending
        self.orphaned = orphaned
    }
}

extension EventLogReader {
    /// One outcome per unit that the policy, the split or the holdout has chosen for, ordered by unit.
    ///
    /// The window runs from the unit's first impression. A refund that comes later counts if it names that impression. Memory holds all units.
    package func unitOutcomes(of experiment: Experiment, asOf now: Timestamp, through: Int64 = latest) async throws -> [UnitOutcome] {
        let arms = try await arms(of: experiment)
        let places = Dictionary(arms.enumerated().map { ($1.key, $0) }) { first, _ in first }
        let rule = RewardRule(experiment.reward, arms: arms)
        let window = experiment.reward.windowSeconds
        let rows = try await read { connection in
            try await connection.query(
                """
                WITH shown AS MATERIALIZED (
                    SELECT i.id, i.experiment, i.unit, i.variant, i.arm, i.occurred_at, i.counted, i.position
                      FROM shown_impressions(\(experiment.key), \(through)) i
                     WHERE i.unit IS NOT NULL AND i.reason IN ('POLICY', 'HOLDOUT')
                ), units AS MATERIALIZED (
                    SELECT DISTINCT ON (unit) unit, id, variant, arm, occurred_at, count(*) OVER (PARTITION BY unit) AS impressions
                      FROM shown ORDER BY unit, occurred_at, position
                ), sums AS (
                    SELECT i.unit, i.arm,
                           count(*) FILTER (WHERE c.value >= 0) AS events,
                           count(*) FILTER (WHERE c.value < 0) AS reversals,
                           coalesce(sum(c.value ORDER BY c.position), 0) AS value,
                           coalesce(sum(c.margin ORDER BY c.position), 0) AS given_margin,
                           coalesce(sum(c.value ORDER BY c.position) FILTER (WHERE c.margin IS NULL), 0) AS unmargined_value
                      FROM shown i
                      JOIN units u ON u.unit = i.unit
                     CROSS JOIN LATERAL conversions_of(
                           i.id, i.experiment, i.unit, i.occurred_at, i.counted, i.position, make_interval(secs => \(window)), \(through)) c
                     WHERE c.occurred_at < u.occurred_at + make_interval(secs => \(window)) OR (c.value < 0 AND i.id = u.id)
                     GROUP BY i.unit, i.arm
                )
                SELECT u.unit, u.variant, u.arm AS first_arm, u.occurred_at, u.impressions, s.arm, coalesce(s.events, 0) AS events,
                       coalesce(s.reversals, 0) AS reversals, coalesce(s.value, 0) AS value, coalesce(s.given_margin, 0) AS given_margin,
                       coalesce(s.unmargined_value, 0) AS unmargined_value
                  FROM units u
                  LEFT JOIN sums s ON s.unit = u.unit
                 ORDER BY u.unit COLLATE "C", s.arm
                """)
        }
        var outcomes: [UnitOutcome] = []
        var parts: [(arm: Int, sums: RewardSums)] = []
        for row in rows {
            let unit = try row.decode("unit", as: UnitID.self)
            if outcomes.last?.unit != unit {
                parts = []
                let firstAt = try row.timestamp("occurred_at")
                outcomes.append(
                    UnitOutcome(
                        unit: unit, variant: try row.variant("variant"), arm: try row.decode("first_arm"), firstAt: firstAt,
                        impressionCount: try row.decode("impressions"), reward: experiment.reward.defaultReward, conversionCount: 0,
                        isMatured: firstAt + window <= now))
            }
            guard let arm: ArmKey = try row.decode("arm", as: ArmKey?.self), let place = places[arm] else { continue }
            parts.append((place, try RewardSums(row: row)))
            outcomes[outcomes.count - 1].reward = rule.reward(parts)
            outcomes[outcomes.count - 1].conversionCount = parts.reduce(0) { $0 + $1.sums.events + $1.sums.reversals }
        }
        return outcomes
    }

    /// Impressions by day, variant, reason and arm, ordered by day.
    package func dailyAllocation(of experiment: ExperimentKey) async throws -> [DailyAllocation] {
        try await read { connection in
            try await connection.query(
                """
                SELECT day::text AS day, variant, reason, arm, impressions, units FROM daily_allocation WHERE experiment = \(experiment)
                 ORDER BY day, variant, reason, arm
                """)
        }.map {
            DailyAllocation(
                day: try $0.decode("day"), variant: try $0.decode("variant"), reason: try $0.reason("reason"), arm: try $0.decode("arm"),
                impressions: try $0.decode("impressions"), units: try $0.decode("units"))
        }
    }

    /// Rewards so far by day, variant and arm, ordered by day.
    package func dailyRewards(of experiment: ExperimentKey) async throws -> [DailyReward] {
        try await read { connection in
            try await connection.query(
                """
                SELECT day::text AS day, variant, arm, counted, impressions, conversions::bigint AS conversions, value, reward
                  FROM daily_rewards WHERE experiment = \(experiment)
                 ORDER BY day, variant, arm
                """)
        }.map {
            DailyReward(
                day: try $0.decode("day"), variant: try $0.decode("variant"), arm: try $0.decode("arm"), counted: try $0.decode("counted"),
                impressions: try $0.decode("impressions"), conversions: try $0.decode("conversions"), value: try $0.decode("value"),
                reward: try $0.decode("reward"))
        }
    }

    /// Impressions that are kept but do not count, by reason; `DUPLICATE`, `REPEATED`, `NOT_ACTIVATED` and
    /// `ACTIVATED_LATE` beside the reasons of assignments.
    package func uncountedImpressions(of experiment: ExperimentKey) async throws -> [String: Int] {
        let rows = try await read { connection in
            try await connection.query("SELECT why, impressions FROM uncounted_impressions WHERE experiment = \(experiment)")
        }
        var counts: [String: Int] = [:]
        for row in rows { counts[try row.decode("why")] = try row.decode("impressions", as: Int.self) }
        return counts
    }

    /// All conversions of the log, and those that belong to no shown impression.
    /// - Parameter windowSeconds: the longest attribution window of all experiments.
    package func conversionCounts(asOf now: Timestamp, longestWindowSeconds windowSeconds: Double) async throws -> ConversionCounts {
        try await read { connection in
            let row = try await connection.queryOne(
                """
                SELECT (SELECT count(*) FROM conversions) AS total,
                       count(*) FILTER (WHERE c.occurred_at > \(microseconds: (now - windowSeconds).microseconds)) AS pending,
                       count(*) FILTER (WHERE c.occurred_at <= \(microseconds: (now - windowSeconds).microseconds)) AS orphaned
                  FROM conversions c
                 WHERE NOT EXISTS (
                       SELECT 1 FROM impressions i
                        WHERE i.id = c.impression_id AND (
                              NOT i.deferred
                              OR EXISTS (
                                 SELECT 1 FROM activations a
                                  WHERE a.impression_id = coalesce(i.repeated_of, i.duplicate_of, i.id)
                                    AND NOT activation_is_late(i.experiment, i.experiment_version, i.occurred_at, a.occurred_at))))
                   AND NOT EXISTS (
                       SELECT 1 FROM impressions i
                        WHERE i.experiment = c.experiment AND i.unit = c.unit AND i.occurred_at <= c.occurred_at
                          AND i.occurred_at > c.occurred_at - make_interval(secs => \(windowSeconds)))
                """)
            return ConversionCounts(
                total: try row.decode("total"), pending: try row.decode("pending"), orphaned: try row.decode("orphaned"))
        }
    }
}
