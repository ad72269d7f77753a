package import HaggleCore
import Postgres

/// An impression that counts, and the position from which it does.
package struct LoggedImpression: Hashable, Sendable {
    package var impression: Impression
    /// Of its row; of its activation where it was deferred.
    package var position: Int64

    package init(impression: Impression, position: Int64) {
        self.impression = impression
        self.position = position
    }
}

/// What a learner reads: it remembers one position, asks what is new up to another, and commits the second together with what it folded.
extension EventLogReader {
    /// Counted impressions whose position lies in `(after, through]`, in order. Deferred ones appear when they are activated.
    package func newImpressions(
        of experiment: ExperimentKey, after: Int64, through: Int64, limit: Int
    ) async throws -> [LoggedImpression] {
        let columns =
            "id, experiment, experiment_version, unit, variant, reason, context, eligible_arms, propensities, arm, propensity, snapshot"
        return try await read { connection in
            try await connection.query(
                """
                SELECT n.*, NULL::text AS draw_key, false AS deferred, NULL::uuid AS duplicate_of, NULL::uuid AS repeated_of,
                       n.occurred_at AS received_at
                  FROM (
                    (SELECT \(raw: columns), occurred_at, counts_from
                       FROM shown_impressions(\(experiment), \(through)) i
                      WHERE i.counted AND i.position > \(after) AND i.counts_from = i.position
                      ORDER BY i.position
                      LIMIT \(limit))
                    UNION ALL
                    (SELECT \(raw: columns), i.occurred_at, counts_from
                       FROM activations a
                       JOIN shown_impressions(\(experiment), \(through)) i ON i.id = a.impression_id
                      WHERE a.position > \(after) AND a.position <= \(through) AND i.counted AND i.counts_from = a.position
                      ORDER BY a.position
                      LIMIT \(limit))
                    ) n
                 ORDER BY n.counts_from
                 LIMIT \(limit)
                """
            ).map { LoggedImpression(impression: try Impression(row: $0), position: try $0.decode("counts_from")) }
        }
    }

    /// Counted impressions whose reward may have changed by what came at positions in `(after, through]`: conversions, rows that redirect to
    /// them, and impressions of the same unit that take over its conversions. A superset; ask `rewardSums` what the rewards are now.
    package func touchedImpressions(of experiment: Experiment, after: Int64, through: Int64) async throws -> [ImpressionID] {
        let key = experiment.key
        let window = experiment.reward.windowSeconds
        return try await read { connection in
            try await connection.query(
                """
                WITH arrived AS MATERIALIZED (
                    SELECT impression_id, experiment, unit, occurred_at FROM conversions
                     WHERE position > \(after) AND position <= \(through)
                ), shown AS MATERIALIZED (
                    SELECT i.unit, i.occurred_at FROM shown_impressions(\(key), \(through)) i
                     WHERE i.position > \(after) AND i.unit IS NOT NULL
                    UNION ALL
                    SELECT i.unit, i.occurred_at
                      FROM activations a
                      JOIN shown_impressions(\(key), \(through)) i ON i.id = a.impression_id
                     WHERE a.position > \(after) AND a.position <= \(through) AND i.unit IS NOT NULL
                ), late AS MATERIALIZED (
                    SELECT DISTINCT s.unit, s.occurred_at FROM shown s
                     WHERE EXISTS (
                           SELECT 1 FROM conversions c
                            WHERE c.experiment = \(key) AND c.unit = s.unit AND c.position <= \(after) AND c.occurred_at >= s.occurred_at)
                ), touched AS (
                    SELECT coalesce(r.root, a.impression_id) AS id
                      FROM arrived a
                      LEFT JOIN redirects r ON r.impression_id = a.impression_id AND r.position <= \(through)
                     WHERE a.impression_id IS NOT NULL
                    UNION
                    SELECT root FROM redirects WHERE position > \(after) AND position <= \(through)
                    UNION
                    SELECT i.id
                      FROM arrived a
                      JOIN shown_impressions(\(key), \(through)) i
                        ON i.unit = a.unit AND i.occurred_at <= a.occurred_at
                           AND i.occurred_at > a.occurred_at - make_interval(secs => \(window))
                     WHERE a.experiment = \(key)
                    UNION
                    SELECT i.id
                      FROM late l
                      JOIN shown_impressions(\(key), \(through)) i
                        ON i.unit = l.unit AND i.occurred_at <= l.occurred_at
                           AND i.occurred_at > l.occurred_at - make_interval(secs => \(window))
                )
                SELECT i.id FROM touched t JOIN shown_impressions(\(key), \(through)) i ON i.id = t.id WHERE i.counted ORDER BY i.position
                """
            ).map { try $0.impressionID("id") }
        }
    }

    /// The sums of the conversions of counted impressions, as the log stood at `through`. Impressions that do not count (any more) are absent.
    package func rewardSums(
        of ids: [ImpressionID], experiment: Experiment, through: Int64 = latest
    ) async throws -> [ImpressionID: RewardSums] {
        guard !ids.isEmpty else { return [:] }
        let rows = try await read { connection in
            try await connection.query(
                """
                SELECT i.id, s.*
                  FROM unnest(\(ids.map(\.words))) AS g (id)
                  JOIN shown_impressions(\(experiment.key), \(through)) i ON i.id = g.id
                \(fragment: Self.rewardSums(windowSeconds: experiment.reward.windowSeconds, through: through))
                 WHERE i.counted
                """)
        }
        var sums: [ImpressionID: RewardSums] = [:]
        for row in rows { sums[try row.impressionID("id")] = try RewardSums(row: row) }
        return sums
    }
}
