import EventLog
import HaggleCore
import Policies
import Postgres

/// The rows that an experiment was started from, as they stand in the database, and how much they weigh.
///
/// They enter a posterior as if they had been shown when the experiment took them over: under `forget` they fade from then on, and they leave
/// with the retraining window like everything else. However many there are, an arm's rows weigh at most `largestWeight` impressions together:
/// an earlier season and other customers say where to begin, and a few hundred impressions of the experiment itself must be able to say
/// otherwise.
struct WarmRows: Sendable {
    /// Impressions that an arm's rows count for at most. As many of the experiment's own weigh as much as the whole past.
    static let largestWeight = 200.0
    /// At most so many rows are taken over, the newest: a fit over them takes seconds.
    static let limit = 20_000

    /// In the order of their own times, each at the time of the adoption.
    let interactions: [Interaction]
    /// One per row.
    let weights: [Double]

    init(_ interactions: [Interaction]) {
        var counts: [Int: Double] = [:]
        for row in interactions { counts[row.arm, default: 0] += 1 }
        self.interactions = interactions
        weights = interactions.map { min(1, Self.largestWeight / (counts[$0.arm] ?? 1)) }
    }

    var isEmpty: Bool { interactions.isEmpty }

    /// Adds all rows to a learner.
    func fold(into learner: inout PolicyLearner) {
        for (row, weight) in zip(interactions, weights) { learner.fold(row, weight: weight) }
    }

    /// A learner fitted to these rows and others, its posterior with these at their weights.
    /// - Throws: as `PolicyLearner.refit`.
    func refit(_ experiment: Experiment, _ version: ExperimentVersion, with others: [Interaction]) throws -> PolicyLearner {
        let fitted = try PolicyLearner.refit(experiment, experimentVersion: version, interactions: interactions + others)
        guard !isEmpty else { return fitted }
        var learner = PolicyLearner(emptied: fitted.snapshot(version: 1))
        fold(into: &learner)
        for row in others { learner.fold(row) }
        return learner
    }

    // MARK: In the database

    /// The rows of an experiment, unless they were adopted before `since`: then they have left the retraining window. Arms that the experiment
    /// has no more are left out.
    static func load(for experiment: Experiment, since: Timestamp? = nil, on connection: Connection) async throws -> WarmRows {
        let oldest = since ?? Timestamp(microseconds: 0)
        let rows = try await connection.query(
            """
            SELECT adopted_at, arm, context::text AS context, reward FROM warm_rows
             WHERE experiment = \(experiment.key.rawValue) AND adopted_at >= \(microseconds: oldest.microseconds)
             ORDER BY ordinal
            """)
        return WarmRows(
            try rows.compactMap { row in
                guard let arm = experiment.index(of: ArmKey(try row.decode("arm", as: String.self))) else { return nil }
                return Interaction(
                    time: try row.timestamp("adopted_at"), context: try row.context("context"), arm: arm, propensity: nil,
                    reward: try row.decode("reward", as: Double.self))
            })
    }

    /// Stores rows for an experiment in place of those it has.
    static func store(_ interactions: [Interaction], for experiment: Experiment, at time: Timestamp, on connection: Connection) async throws
    {
        let key = experiment.key.rawValue
        _ = try await connection.execute("DELETE FROM warm_rows WHERE experiment = \(key)")
        let newest = interactions.suffix(limit)
        for start in stride(from: newest.startIndex, to: newest.endIndex, by: 2000) {
            let chunk = newest[start..<min(start + 2000, newest.endIndex)]
            _ = try await connection.execute(
                """
                INSERT INTO warm_rows (experiment, ordinal, adopted_at, arm, context, reward)
                SELECT \(key), r.ordinal, \(microseconds: time.microseconds), r.arm, r.context::jsonb, r.reward
                  FROM unnest(\(chunk.indices.map { Int64($0 - newest.startIndex) }),
                              \(chunk.map { experiment.arms[$0.arm].key.rawValue }), \(try chunk.map { try $0.context.jsonText() }),
                              \(chunk.map(\.reward))) AS r (ordinal, arm, context, reward)
                """)
        }
    }
}
