package import HaggleCore
package import Postgres
import Tabular

// The vocabulary's values as the database carries them.

extension ImpressionID {
    var words: UUIDWords { UUIDWords(high: high, low: low) }

    init(_ words: UUIDWords) { self.init(high: words.high, low: words.low) }
}

extension Timestamp {
    var instant: Instant { Instant(microseconds: microseconds) }
}

extension Row {
    package func impressionID(_ column: String) throws -> ImpressionID { ImpressionID(try decode(column, as: UUIDWords.self)) }

    package func optionalImpressionID(_ column: String) throws -> ImpressionID? {
        try decode(column, as: UUIDWords?.self).map { ImpressionID($0) }
    }

    package func timestamp(_ column: String) throws -> Timestamp {
        Timestamp(microseconds: try decode(column, as: Instant.self).microseconds)
    }

    /// A context, stored as jsonb and read as text.
    package func context(_ column: String) throws -> Context {
        try Context(json: Array(try decode(column, as: String.self).utf8), impression: nil)
    }

    func variant(_ column: String) throws -> Variant {
        guard let variant = Variant(try decode(column, as: String.self)) else {
            throw EventLogError.unreadable(column: column, id: nil)
        }
        return variant
    }

    func reason(_ column: String) throws -> Reason {
        guard let reason = Reason(rawValue: try decode(column, as: String.self)) else {
            throw EventLogError.unreadable(column: column, id: nil)
        }
        return reason
    }
}

extension Impression {
    /// The columns that `init(row:)` reads, of `impressions` under any alias.
    static let columns = """
        id, experiment, experiment_version, unit, variant, reason, context, eligible_arms, propensities, arm, propensity, snapshot, draw_key,
        deferred, duplicate_of, repeated_of, occurred_at, received_at
        """

    init(row: Row) throws {
        let id = try row.impressionID("id")
        self.init(
            id: id, experiment: try row.decode("experiment"), experimentVersion: ExperimentVersion(try row.decode("experiment_version")),
            unit: try row.decode("unit"), variant: try row.variant("variant"), reason: try row.reason("reason"),
            context: try Context(json: Array(try row.decode("context", as: String.self).utf8), impression: id),
            eligibleArms: try row.decode("eligible_arms", as: [String].self).map { ArmKey($0) },
            propensities: try row.decode("propensities"), arm: try row.decode("arm"), propensity: try row.decode("propensity"),
            snapshot: try row.decode("snapshot", as: Int?.self).map { SnapshotVersion($0) }, drawKey: try row.decode("draw_key"),
            isDeferred: try row.decode("deferred"), duplicateOf: try row.optionalImpressionID("duplicate_of"),
            repeatedOf: try row.optionalImpressionID("repeated_of"), occurredAt: try row.timestamp("occurred_at"),
            receivedAt: try row.timestamp("received_at"))
    }
}

extension [UInt8] {
    init(copying bytes: Span<UInt8>) {
        // The pointer does not leave the closure.
        self = unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) }
    }
}
