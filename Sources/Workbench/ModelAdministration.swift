import Catalog
import Features
import Foundation
package import HaggleCore
import Learning
import NeuralNetwork
import Policies
package import Postgres

/// `haggle model`: what is stored about an experiment's serving snapshots, and going back.
package struct ModelAdministration: Sendable {
    /// One line of the list.
    package struct Summary: Sendable, Codable, Hashable {
        package var version: Int
        package var kind: String
        package var parent: Int?
        package var networkVersion: Int
        package var experimentVersion: Int
        package var publishedAt: String
        /// What the learner measured.
        package var metrics: JSONValue

        private enum CodingKeys: String, CodingKey {
            case version, kind, parent
            case networkVersion = "network_version"
            case experimentVersion = "experiment_version"
            case publishedAt = "published_at"
            case metrics
        }
    }

    /// One snapshot with what it holds.
    package struct Description: Sendable, Codable, Hashable {
        package struct Arm: Sendable, Codable, Hashable {
            package var arm: String
            /// Sum of the weights of the impressions folded in.
            package var impressions: Double
            /// Their mean reward: describes, does not compare arms, because each was shown to other units.
            package var meanReward: Double?

            private enum CodingKeys: String, CodingKey {
                case arm, impressions
                case meanReward = "mean_reward"
            }
        }

        package var summary: Summary
        package var algorithm: String
        package var network: String
        package var columns: [String]
        package var arms: [Arm]
    }

    private let pool: ConnectionPool

    package init(pool: ConnectionPool) { self.pool = pool }

    /// Newest first.
    package func list(_ key: ExperimentKey, limit: Int) async throws -> [Summary] {
        try await pool.withConnection { connection in
            _ = try await Catalog.experiment(key, on: connection)
            return try await Catalog.snapshots(of: key, limit: max(1, limit), on: connection).map(Self.summary)
        }
    }

    /// - Parameter version: nil means the newest.
    package func show(_ key: ExperimentKey, version: SnapshotVersion?) async throws -> Description {
        try await pool.withConnection { connection in
            _ = try await Catalog.experiment(key, on: connection)
            let stored: StoredSnapshot
            if let version {
                stored = try await Catalog.snapshot(version, of: key, on: connection)
            } else if let newest = try await Catalog.newestSnapshot(of: key, on: connection) {
                stored = newest
            } else {
                throw LearningError.notABandit(key)
            }
            let snapshot = try ServingSnapshot(serialised: stored.bytes)
            let arms = zip(snapshot.arms, snapshot.posterior.arms).map { arm, sums in
                Description.Arm(
                    arm: arm.rawValue, impressions: sums.weight, meanReward: sums.weight > 0 ? sums.rewards / sums.weight : nil)
            }
            let network =
                snapshot.network.map { network in
                    ([network.inputWidth] + network.hidden).map { "\($0)" }.joined(separator: " -> ") + ", \(network.activation.rawValue)"
                } ?? "none"
            return Description(
                summary: Self.summary(stored), algorithm: snapshot.configuration.algorithm.rawValue, network: network,
                columns: snapshot.encoder.columnNames, arms: arms)
        }
    }

    /// - Returns: the new, pinned version.
    package func rollBack(
        _ key: ExperimentKey, to version: SnapshotVersion, now: Timestamp, by actor: String
    ) async throws -> SnapshotVersion {
        try await pool.withTransactionBesideLearner {
            try await SnapshotPublisher.rollBack(key, to: version, now: now, by: actor, on: $0)
        }
    }

    package func unpin(_ key: ExperimentKey, by actor: String) async throws {
        try await pool.withTransactionBesideLearner { try await SnapshotPublisher.unpin(key, by: actor, on: $0) }
    }

    private static func summary(_ stored: StoredSnapshot) -> Summary {
        Summary(
            version: stored.version.rawValue, kind: stored.kind.rawValue, parent: stored.parent?.rawValue,
            networkVersion: stored.networkVersion.rawValue, experimentVersion: stored.experimentVersion.rawValue,
            publishedAt: stored.createdAt.description, metrics: JSONValue(parsing: stored.metrics))
    }
}

extension JSONValue {
    /// Reads JSON text that the catalog stored; null where it is none.
    fileprivate init(parsing text: String) {
        self = (try? JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))) ?? .null
    }
}
