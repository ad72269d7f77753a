import Catalog
package import HaggleCore
import Policies
package import Postgres

/// Publishes serving snapshots that are not plain increments: for a newly applied version, a rollback, a restart.
package enum SnapshotPublisher {
    /// Gives a newly applied version its snapshot, inside the transaction that stores the version.
    ///
    /// A new experiment starts from the even prior. A changed one keeps what was learned where it fits: a new arm starts at the prior, a removed
    /// arm goes, a new feature is ignored until the next retrain. Where the change breaks the learned state, learning starts over: the
    /// prior is published and the whole log is folded anew.
    /// - Parameter startsOver: whether the change breaks the learned state.
    package static func adopt(
        _ experiment: Experiment, version: ExperimentVersion, startsOver: Bool, on connection: Connection
    ) async throws {
        guard experiment.kind == .bandit else { return }
        let key = experiment.key
        let newest = try await Catalog.newestSnapshot(of: key, on: connection)
        if !startsOver, let newest, var state = try await Catalog.learnerState(of: key, on: connection) {
            let served = try ServingSnapshot(serialised: state.bytes)
            if var adapted = served.adapted(to: experiment, version: version) {
                adapted.version = newest.version.next
                let bytes = adapted.serialised()
                try await Catalog.publish(
                    StoredSnapshot(
                        experiment: key, version: adapted.version, parent: newest.version, kind: .adapted, experimentVersion: version,
                        networkVersion: newest.networkVersion, bytes: bytes), on: connection)
                state.parentSnapshot = adapted.version
                state.bytes = bytes
                if served.arms.contains(where: { experiment.index(of: $0) == nil }) {
                    try await Contributions(experiment: experiment, connection: connection).forgetArmsThatLeft()
                }
                _ = try await Catalog.save(state, on: connection)
                return
            }
        }
        var prior = ServingSnapshot.initial(experiment: experiment, experimentVersion: version)
        prior.version = newest?.version.next ?? 1
        let bytes = prior.serialised()
        try await Catalog.publish(
            StoredSnapshot(
                experiment: key, version: prior.version, parent: newest?.version, kind: .prior, experimentVersion: version,
                networkVersion: prior.version, bytes: bytes), on: connection)
        try await Catalog.restartLearning(
            StoredLearnerState(
                experiment: key, parentSnapshot: prior.version, position: 0, bytes: bytes, isPinned: false, revision: 0), on: connection)
    }

    /// Brings back the encoder and network of an earlier snapshot as a new version, its posterior re-accumulated over what the log holds now,
    /// and pins it: no retraining until `unpin`.
    /// - Returns: the new version.
    /// - Throws: `CatalogError.unknownSnapshot`, `LearningError`.
    package static func rollBack(
        _ key: ExperimentKey, to version: SnapshotVersion, now: Timestamp, by actor: String, on connection: Connection
    ) async throws -> SnapshotVersion {
        let stored = try await Catalog.experiment(key, on: connection)
        let experiment = stored.experiment
        guard experiment.kind == .bandit, let configuration = experiment.policy else { throw LearningError.notABandit(key) }
        let old = try await Catalog.snapshot(version, of: key, on: connection)
        guard var state = try await Catalog.learnerState(of: key, on: connection),
            let newest = try await Catalog.newestSnapshot(of: key, on: connection)
        else { throw LearningError.noState(key) }
        guard let fitting = try ServingSnapshot(serialised: old.bytes).adapted(to: experiment, version: stored.version) else {
            throw LearningError.doesNotFit(key, version)
        }
        var learner = PolicyLearner(emptied: fitting)
        let contributions = Contributions(experiment: experiment, connection: connection)
        let since = now - configuration.retrain.windowSeconds
        for (entry, reward) in try await contributions.booked(since: since) {
            guard let arm = experiment.index(of: entry.arm) else { continue }
            _ = learner.fold(entry.context, arm: arm, reward: reward)
        }
        try await contributions.forget(before: since)
        let snapshot = learner.snapshot(version: newest.version.next)
        let bytes = snapshot.serialised()
        try await Catalog.publish(
            StoredSnapshot(
                experiment: key, version: snapshot.version, parent: newest.version, kind: .rollback, experimentVersion: stored.version,
                networkVersion: old.networkVersion, bytes: bytes, metrics: "{\"rolled_back_to\": \(version)}"), on: connection)
        state.parentSnapshot = snapshot.version
        state.bytes = bytes
        state.isPinned = true
        _ = try await Catalog.save(state, on: connection)
        try await Catalog.record(
            "rollback", experiment: key, by: actor, detail: "{\"to\": \(version), \"version\": \(snapshot.version)}", on: connection)
        return snapshot.version
    }

    /// Lets the learner replace the network again.
    package static func unpin(_ key: ExperimentKey, by actor: String, on connection: Connection) async throws {
        guard var state = try await Catalog.learnerState(of: key, on: connection) else { throw LearningError.noState(key) }
        guard state.isPinned else { return }
        state.isPinned = false
        _ = try await Catalog.save(state, on: connection)
        try await Catalog.record("unpin", experiment: key, by: actor, detail: "{}", on: connection)
    }
}
