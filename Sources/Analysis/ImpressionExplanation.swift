import Catalog
import EventLog
package import HaggleCore
package import Policies
package import Postgres

/// Why one logged impression got its arm: the decision of the snapshot that its row names, explained against the customers of its time.
///
/// For `haggle explain` and `GET /v1/impressions/{id}/explanation`.
package struct ImpressionExplanation: Sendable, Encodable {
    package let impression: ImpressionID
    package let experiment: ExperimentKey
    package let version: ExperimentVersion
    package let arm: ArmKey
    package let reason: Reason
    package let propensity: Double?
    /// Nil where no policy decided: the row names no snapshot, and `reason` says all there is to say.
    package let decision: DecisionExplanation?

    private enum CodingKeys: String, CodingKey {
        case impression = "impression_id"
        case experiment, version, arm, reason, propensity, decision
    }

    /// Reads the row, its snapshot and a sample of contexts, and explains.
    /// - Parameter backgroundCount: contexts of the sample, out of the impressions up to this one.
    /// - Returns: nil where no such impression is logged.
    /// - Throws: `CatalogError.unknownSnapshot`, `PoliciesError` for a snapshot that cannot be read, and what the database throws.
    @concurrent
    package static func explain(
        _ id: ImpressionID, pool: ConnectionPool, backgroundCount: Int = 60, options: DecisionExplanation.Options = .init()
    ) async throws -> ImpressionExplanation? {
        let reader = EventLogReader(pool: pool)
        guard let row = try await reader.impression(id) else { return nil }
        var decision: DecisionExplanation?
        if let version = row.snapshot {
            let stored = try await pool.withConnection { try await Catalog.snapshot(version, of: row.experiment, on: $0) }
            let snapshot = try ServingSnapshot(serialised: stored.bytes)
            let positions = Dictionary(snapshot.arms.enumerated().map { ($1, $0) }) { first, _ in first }
            let eligible = row.eligibleArms.compactMap { positions[$0] }.sorted()
            let background = try await reader.contexts(of: row.experiment, until: row.occurredAt, count: max(1, backgroundCount))
            if !eligible.isEmpty {
                decision = try DecisionExplanation(
                    of: snapshot, in: row.context, eligible: eligible, shown: positions[row.arm],
                    background: background.isEmpty ? [row.context] : background, options: options)
            }
        }
        return ImpressionExplanation(
            impression: id, experiment: row.experiment, version: row.experimentVersion, arm: row.arm, reason: row.reason,
            propensity: row.propensity, decision: decision)
    }

    /// For a person at a terminal.
    /// - Parameter featureLimit: features per arm, the largest contributions first.
    package func lines(featureLimit: Int) -> [String] {
        let logged = propensity.map { ", propensity \($0)" } ?? ""
        let head = "impression \(impression) of \(experiment), version \(version): \(arm), reason \(reason.rawValue)\(logged)"
        guard let decision else { return [head, "No policy decided here, so there is nothing to explain beyond the reason."] }
        return [head] + decision.lines(featureLimit: featureLimit)
    }
}
