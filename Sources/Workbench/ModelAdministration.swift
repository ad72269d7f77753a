import Catalog
import Features
import Foundation
package import HaggleCore
package import Learning
import NeuralNetwork
import Policies
package import Postgres

/// `haggle model`: what is stored about an experiment's serving snapshots, and going back.
package struct ModelAdministration: Sendable {
    /// What the gate decided about a candidate. Its numbers are selected: they decide, and are no estimate of what a policy earns.
    package struct GateSummary: Sendable, Codable, Hashable {
        package var candidate: Int
        package var look: Int
        package var decision: String
        package var reason: String
        package var judgedAt: String
        /// The snapshot that it was compared with.
        package var serving: Int
        /// The snapshot that carried it into service; nil while it is kept back.
        package var published: Int?
        /// Whether later candidates are held against it.
        package var isApproved: Bool
        /// Why a person published it all the same.
        package var note: String?
        /// The whole look; nil where this binary cannot read it.
        package var numbers: GateLook?

        private enum CodingKeys: String, CodingKey {
            case candidate, look, decision, reason
            case judgedAt = "judged_at"
            case serving, published
            case isApproved = "approved"
            case note, numbers
        }
    }

    /// What `haggle model list` shows.
    package struct Listing: Sendable, Codable, Hashable {
        /// Newest first.
        package var snapshots: [Summary]
        /// Candidates that the gate kept back, newest first.
        package var keptBack: [GateSummary]

        private enum CodingKeys: String, CodingKey {
            case snapshots
            case keptBack = "kept_back"
        }
    }

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
        /// What the gate decided about its network; nil where no gate stood before it.
        package var gate: GateSummary?

        private enum CodingKeys: String, CodingKey {
            case version, kind, parent
            case networkVersion = "network_version"
            case experimentVersion = "experiment_version"
            case publishedAt = "published_at"
            case metrics, gate
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

    /// - Parameter limit: at most so many snapshots, and so many candidates.
    package func list(_ key: ExperimentKey, limit: Int) async throws -> Listing {
        try await pool.withConnection { connection in
            _ = try await Catalog.experiment(key, on: connection)
            let looks = try await Catalog.gateLooks(of: key, limit: max(1, limit), on: connection)
            let gates = Dictionary(looks.compactMap { look in look.published.map { ($0, look) } }) { first, _ in first }
            return Listing(
                snapshots: try await Catalog.snapshots(of: key, limit: max(1, limit), on: connection).map {
                    Self.summary($0, gates[$0.version])
                },
                keptBack: looks.filter { $0.published == nil }.map { Self.summary($0) })
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
            // A centred posterior has one block of sums for all arms.
            let blocks = snapshot.posterior.arms.count == snapshot.arms.count ? snapshot.arms.map(\.rawValue) : ["all arms"]
            let arms = zip(blocks, snapshot.posterior.arms).map { arm, sums in
                Description.Arm(
                    arm: arm, impressions: sums.weight, meanReward: sums.weight > 0 ? sums.rewards / sums.weight : nil)
            }
            let network =
                snapshot.network.map { network in
                    let widths = ([network.inputWidth] + network.hidden).map { "\($0)" }.joined(separator: " -> ")
                    return network.encoders.map { "\($0.kind) over \($0.length) events, " }.joined()
                        + "\(widths), \(network.activation.rawValue)"
                } ?? "none"
            // Increments show what the gate said about the network that they carry.
            let look = try await Catalog.gateLook(publishing: stored.networkVersion, of: key, on: connection)
            return Description(
                summary: Self.summary(stored, look), algorithm: snapshot.configuration.algorithm.rawValue, network: network,
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

    /// Publishes a candidate that the gate kept back.
    /// - Parameters:
    ///   - isForced: whether the person insists; else the gate's decision is thrown.
    ///   - note: why, for the audit log.
    /// - Returns: the new version.
    package func publish(
        _ key: ExperimentKey, candidate: Int, isForced: Bool, note: String, now: Timestamp, by actor: String
    ) async throws -> SnapshotVersion {
        guard isForced else {
            let look = try await pool.withConnection { try await Catalog.candidate(candidate, of: key, on: $0).look }
            if let published = look.published { throw LearningError.alreadyPublished(key, candidate, published) }
            throw LearningError.keptBack(key, candidate, reason: look.reason)
        }
        return try await pool.withTransactionBesideLearner {
            try await SnapshotPublisher.publish(candidate: candidate, of: key, note: note, now: now, by: actor, on: $0)
        }
    }

    package func unpin(_ key: ExperimentKey, by actor: String) async throws {
        try await pool.withTransactionBesideLearner { try await SnapshotPublisher.unpin(key, by: actor, on: $0) }
    }

    private static func summary(_ stored: StoredSnapshot, _ look: StoredGateLook?) -> Summary {
        Summary(
            version: stored.version.rawValue, kind: stored.kind.rawValue, parent: stored.parent?.rawValue,
            networkVersion: stored.networkVersion.rawValue, experimentVersion: stored.experimentVersion.rawValue,
            publishedAt: stored.createdAt.description, metrics: JSONValue(parsing: stored.metrics), gate: look.map { summary($0) })
    }

    private static func summary(_ look: StoredGateLook) -> GateSummary {
        GateSummary(
            candidate: look.candidate, look: look.look, decision: look.decision, reason: look.reason,
            judgedAt: look.judgedAt.description, serving: look.serving.rawValue, published: look.published?.rawValue,
            isApproved: look.isApproved, note: look.note,
            numbers: try? JSONDecoder().decode(GateLook.self, from: Data(look.numbers.utf8)))
    }
}

extension JSONValue {
    /// Reads JSON text that the catalog stored; null where it is none.
    fileprivate init(parsing text: String) {
        self = (try? JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))) ?? .null
    }
}
