package import HaggleCore
import Postgres

extension EventLogReader {
    /// A sample of the contexts that an experiment met: what an explanation calls average.
    ///
    /// Out of the newest impressions up to a moment, so that an old decision is held against the customers of its time. Which of them are
    /// taken depends on a hash of their ids alone: the same log gives the same sample, in the same order. Where the log has too few, the rows
    /// that a warm start took over fill up: the model was fitted to those.
    /// - Parameters:
    ///   - moment: of the last impression that may be in it.
    ///   - count: most contexts.
    ///   - window: how many impressions the sample is of; bounds what the database reads.
    package func contexts(
        of experiment: ExperimentKey, until moment: Timestamp, count: Int, window: Int = 5000
    ) async throws -> [Context] {
        try await pool.withConnection { connection in
            var rows = try await connection.query(
                """
                SELECT context::text AS context
                  FROM (SELECT id, context FROM impressions
                         WHERE experiment = \(experiment) AND occurred_at <= \(moment.instant)
                         ORDER BY position DESC LIMIT \(window)) newest
                 ORDER BY md5(id::text) LIMIT \(count)
                """
            ).map { try $0.context("context") }
            if rows.count < count {
                rows += try await connection.query(
                    """
                    SELECT context::text AS context FROM warm_rows
                     WHERE experiment = \(experiment) AND adopted_at <= \(moment.instant)
                     ORDER BY md5(ordinal::text) LIMIT \(count - rows.count)
                    """
                ).map { try $0.context("context") }
            }
            return rows
        }
    }
}
