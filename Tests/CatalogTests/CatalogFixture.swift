import Catalog
import HaggleCore
import Logging
import Postgres
import TestSupport

extension Experiment {
    /// An experiment with everything that could get lost on the way into a document and back.
    static func checkout(_ key: ExperimentKey = "checkout") -> Experiment {
        Experiment(
            key: key, description: "Which discount?", owner: "pricing", kind: .bandit, start: Timestamp("2026-11-01T00:00:00Z"),
            currency: "EUR", traffic: 0.75, holdout: 0.1,
            targeting: .all([.feature("recency", .less(30)), .not(.feature("vip", .equal(true)))]),
            arms: [Arm(key: "none", discount: 0, isControl: true), Arm(key: "ten", discount: 0.1, payload: .string("TEN"))],
            context: FeatureSchema(features: [
                Feature(name: "recency", kind: .number(missing: .median, clip: .percentile(99), transform: .log1p, scale: .standard)),
                Feature(name: "vip", kind: .boolean(missing: nil)),
            ]),
            reward: RewardConfiguration(metric: .margin, marginRate: 0.35, windowSeconds: 604_800, defaultReward: -0.1),
            policy: PolicyConfiguration(algorithm: .neuralThompson, floor: 0.02, alpha: 0.5))
    }
}

/// Lends a connection to a migrated database in which version 1 of the experiment is stored.
func withCatalog(_ body: (Connection, ConnectionTarget) async throws -> Void) async throws {
    try await withDatabase { target in
        try await Connection.with(target) { connection in
            _ = try await connection.transaction {
                try await Catalog.store(.checkout(), sourceText: "key: checkout", by: "ann", on: $0)
            }
            try await body(connection, target)
        }
    }
}

func snapshot(
    _ version: SnapshotVersion, parent: SnapshotVersion?, kind: StoredSnapshot.Kind = .increment, bytes: [UInt8] = [1, 2, 3]
) -> StoredSnapshot {
    StoredSnapshot(
        experiment: "checkout", version: version, parent: parent, kind: kind, experimentVersion: 1, networkVersion: 1, bytes: bytes)
}
