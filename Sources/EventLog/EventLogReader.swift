package import HaggleCore
package import Postgres

/// Reads the event log out of PostgreSQL.
///
/// Everything that learning reads is bounded by a position `through`, so that several calls see the log as it stood at one moment.
package struct EventLogReader: Sendable {
    /// As good as "everything".
    package static let latest = Int64.max

    let pool: ConnectionPool

    package init(pool: ConnectionPool) { self.pool = pool }

    /// One impression as it is stored.
    package func impression(_ id: ImpressionID) async throws -> Impression? {
        try await pool.withConnection {
            try await $0.queryOptional("SELECT \(raw: Impression.columns) FROM impressions WHERE id = \(id.words)")
        }.map { try Impression(row: $0) }
    }

    /// The conversions that name an impression directly, oldest position first.
    package func conversions(naming id: ImpressionID) async throws -> [Conversion] {
        try await pool.withConnection {
            try await $0.query(
                """
                SELECT conversion_id, impression_id, experiment, unit, kind, value, margin, occurred_at, received_at
                  FROM conversions WHERE impression_id = \(id.words) ORDER BY position
                """)
        }.map { try Conversion(row: $0) }
    }

    /// The highest position of the log; every row at or below it is visible to whoever asks later.
    package func highWater() async throws -> Int64 {
        // The index on impressions begins with the experiment, so the newest of each is asked for; there are few experiments.
        try await pool.withConnection {
            try await $0.queryOne(
                """
                WITH RECURSIVE keys AS (
                    (SELECT experiment FROM impressions ORDER BY experiment LIMIT 1)
                    UNION ALL
                    SELECT (SELECT i.experiment FROM impressions i WHERE i.experiment > k.experiment ORDER BY i.experiment LIMIT 1)
                      FROM keys k WHERE k.experiment IS NOT NULL
                )
                SELECT greatest(
                    (SELECT max((SELECT max(position) FROM impressions i WHERE i.experiment = k.experiment)) FROM keys k),
                    (SELECT max(position) FROM conversions), (SELECT max(position) FROM activations),
                    (SELECT max(position) FROM redirects), 0) AS position
                """
            ).decode("position")
        }
    }

    /// The experiment's arms, and behind them those that earlier versions had, so that no logged arm lacks a place.
    package func arms(of experiment: Experiment) async throws -> [Arm] {
        let known = Set(experiment.arms.map(\.key))
        let rows = try await pool.withConnection {
            try await $0.query(
                """
                SELECT arm, discount FROM experiment_arms WHERE experiment = \(experiment.key)
                 ORDER BY last_version DESC, ordinal
                """)
        }
        var arms = experiment.arms
        for row in rows {
            let key = try row.decode("arm", as: ArmKey.self)
            if !known.contains(key) { arms.append(Arm(key: key, discount: try row.decode("discount"))) }
        }
        return arms
    }

    /// Runs a query that may touch much, in a snapshot of its own.
    func read<Result>(_ body: (Connection) async throws -> Result) async throws -> Result {
        try await pool.withTransaction(.readOnlySnapshot) { connection in
            // Compiling such a query takes seconds where running it takes milliseconds, because each day's partition is compiled.
            try await connection.executeScript("SET LOCAL jit = off; SET LOCAL work_mem = '64MB'")
            return try await body(connection)
        }
    }

    /// `LATERAL` part of a query that has a row `i` of `shown_impressions`: the sums of its conversions, in the order of their positions so
    /// that equal logs give equal bits.
    package static func rewardSums(windowSeconds: Double, through: Int64) -> SQL {
        """
        CROSS JOIN LATERAL (
            SELECT count(*) FILTER (WHERE c.value >= 0) AS events,
                   count(*) FILTER (WHERE c.value < 0) AS reversals,
                   coalesce(sum(c.value ORDER BY c.position), 0) AS value,
                   coalesce(sum(c.margin ORDER BY c.position), 0) AS given_margin,
                   coalesce(sum(c.value ORDER BY c.position) FILTER (WHERE c.margin IS NULL), 0) AS unmargined_value
              FROM conversions_of(
                       i.id, i.experiment, i.unit, i.occurred_at, i.counted, i.position, make_interval(secs => \(windowSeconds)),
                       \(through)) c
            ) s
        """
    }
}

extension RewardSums {
    /// Reads the columns of `EventLogReader.rewardSums`.
    package init(row: Row) throws {
        self.init(
            events: try row.decode("events"), reversals: try row.decode("reversals"), value: try row.decode("value"),
            givenMargin: try row.decode("given_margin"), unmarginedValue: try row.decode("unmargined_value"))
    }
}

extension Conversion {
    init(row: Row) throws {
        let subject: Subject
        if let id = try row.optionalImpressionID("impression_id") {
            subject = .impression(id)
        } else {
            subject = .unit(try row.decode("unit"), try row.decode("experiment"))
        }
        self.init(
            id: try row.decode("conversion_id"), subject: subject, kind: try row.decode("kind"), value: try row.decode("value"),
            margin: try row.decode("margin"), occurredAt: try row.timestamp("occurred_at"), receivedAt: try row.timestamp("received_at"))
    }
}
