import Catalog
import Foundation
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
    ///
    /// With a history (`warm_start`) the prior is followed by a second snapshot, fitted to it, from which folding goes on. The history is stored
    /// with the experiment: it enters whatever is accumulated anew later, until it has left the retraining window, also where learning
    /// starts over.
    /// - Parameters:
    ///   - startsOver: whether the change breaks the learned state.
    ///   - history: what a new experiment starts from, oldest first, as `WarmStart.rows` reads it; empty for an experiment that was applied
    ///     before.
    ///   - now: when the history counts as shown; default the database's clock.
    package static func adopt(
        _ experiment: Experiment, version: ExperimentVersion, startsOver: Bool, history: [Interaction] = [], at now: Timestamp? = nil,
        on connection: Connection
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
        if !history.isEmpty {
            let time: Timestamp
            if let now { time = now } else { time = try await Catalog.now(on: connection) }
            try await WarmRows.store(history, for: experiment, at: time, on: connection)
        }
        try await publishWarm(experiment, version: version, after: prior.version, on: connection)
    }

    /// Publishes what an experiment was started from, fitted, as the snapshot after its prior; nothing where it was started from nothing.
    private static func publishWarm(
        _ experiment: Experiment, version: ExperimentVersion, after prior: SnapshotVersion, on connection: Connection
    ) async throws {
        let key = experiment.key
        let warm = try await WarmRows.load(for: experiment, on: connection)
        guard !warm.isEmpty, var state = try await Catalog.learnerState(of: key, on: connection) else { return }
        let learner = try warm.refit(experiment, version, with: [])
        if let defect = FoldCheck.defect(of: learner.snapshot(version: prior.next), drift: learner.drift) {
            throw LearningError.unusableHistory(key, defect)
        }
        let bytes = learner.snapshot(version: prior.next).serialised()
        let detail = "{\"rows\": \(warm.interactions.count), \"weight\": \(warm.weights.reduce(0, +))}"
        try await Catalog.publish(
            StoredSnapshot(
                experiment: key, version: prior.next, parent: prior, kind: .warm, experimentVersion: version, networkVersion: prior.next,
                bytes: bytes, metrics: "{\"warm_start\": \(detail)}"), on: connection)
        state.parentSnapshot = prior.next
        state.bytes = bytes
        _ = try await Catalog.save(state, on: connection)
        try await Catalog.record("warm-start", experiment: key, by: "haggle", detail: detail, on: connection)
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
        let next = newest.version.next
        let bytes = try await accumulate(fitting, as: next, experiment, since: now - configuration.retrain.windowSeconds, on: connection)
        try await Catalog.publish(
            StoredSnapshot(
                experiment: key, version: next, parent: newest.version, kind: .rollback, experimentVersion: stored.version,
                networkVersion: old.networkVersion, bytes: bytes, metrics: "{\"rolled_back_to\": \(version)}"), on: connection)
        state.parentSnapshot = next
        state.bytes = bytes
        state.isPinned = true
        _ = try await Catalog.save(state, on: connection)
        try await Catalog.record(
            "rollback", experiment: key, by: actor, detail: "{\"to\": \(version), \"version\": \(next)}", on: connection)
        return next
    }

    /// Publishes a candidate that the gate kept back, its posterior re-accumulated over what the log holds now. It counts as approved: later
    /// candidates are held against it. Not pinned: the gate goes on judging its successors.
    /// - Parameters:
    ///   - candidate: its number among the experiment's candidates.
    ///   - note: why, for the audit log; not empty.
    /// - Returns: the new version.
    /// - Throws: `CatalogError.unknownCandidate`, `candidateGone`; `LearningError`.
    package static func publish(
        candidate number: Int, of key: ExperimentKey, note: String, now: Timestamp, by actor: String, on connection: Connection
    ) async throws -> SnapshotVersion {
        let stored = try await Catalog.experiment(key, on: connection)
        let experiment = stored.experiment
        guard experiment.kind == .bandit, let configuration = experiment.policy else { throw LearningError.notABandit(key) }
        let (look, kept) = try await Catalog.candidate(number, of: key, on: connection)
        if let published = look.published { throw LearningError.alreadyPublished(key, number, published) }
        guard var state = try await Catalog.learnerState(of: key, on: connection),
            let newest = try await Catalog.newestSnapshot(of: key, on: connection)
        else { throw LearningError.noState(key) }
        guard let fitting = try ServingSnapshot(serialised: kept).adapted(to: experiment, version: stored.version) else {
            throw LearningError.candidateDoesNotFit(key, number)
        }
        let version = newest.version.next
        let bytes = try await accumulate(
            fitting, as: version, experiment, since: now - configuration.retrain.windowSeconds, on: connection)
        try await Catalog.publish(
            StoredSnapshot(
                experiment: key, version: version, parent: newest.version, kind: .retrain, experimentVersion: stored.version,
                networkVersion: version, bytes: bytes, metrics: "{\"forced_candidate\": \(number)}"), on: connection)
        state.parentSnapshot = version
        state.bytes = bytes
        _ = try await Catalog.save(state, on: connection)
        try await Catalog.approve(candidate: number, of: key, published: version, note: note, on: connection)
        let detail = ForcedPublication(candidate: number, decision: look.decision, note: note, version: version)
        try await Catalog.record(
            "publish", experiment: key, by: actor, detail: String(decoding: try JSONEncoder().encode(detail), as: UTF8.self),
            on: connection)
        return version
    }

    /// What the audit log keeps of a publication against the gate.
    private struct ForcedPublication: Encodable {
        var candidate: Int
        var decision: String
        var note: String
        var version: SnapshotVersion
    }

    /// A snapshot's encoder and network with the posterior of what is booked since a time; what is older is forgotten.
    /// - Returns: the new snapshot's bytes.
    private static func accumulate(
        _ snapshot: ServingSnapshot, as version: SnapshotVersion, _ experiment: Experiment, since: Timestamp, on connection: Connection
    ) async throws -> [UInt8] {
        var learner = PolicyLearner(emptied: snapshot)
        try await WarmRows.load(for: experiment, since: since, on: connection).fold(into: &learner)
        let contributions = Contributions(experiment: experiment, connection: connection)
        for interaction in try await contributions.booked(since: since) { learner.fold(interaction) }
        try await contributions.forget(before: since)
        return learner.snapshot(version: version).serialised()
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
