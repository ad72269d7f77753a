package import Catalog
import EventLog
import Foundation
package import HaggleCore
import NeuralNetwork
package import Policies
package import Postgres

/// Folds one experiment's log into its posterior, retrains its network on schedule, and publishes snapshots.
///
/// The database holds the truth: cursor, sums and what each impression has contributed are committed together, by compare-and-set on the
/// state's revision, so that a crash anywhere loses nothing and two learners cannot both count. What this value keeps in memory is a
/// cache of the committed state, thrown away when somebody else has changed it.
package struct ExperimentLearner: Sendable {
    /// What one step did.
    package struct Step: Sendable, Hashable {
        /// Impressions whose reward was folded in for the first time.
        package var folded = 0
        /// Rewards that were corrected.
        package var corrected = 0
        /// Impressions that could not be folded: their arm has left the experiment, or a value was not finite.
        package var skipped = 0
        /// The snapshot that was published, if one was.
        package var published: SnapshotVersion?
        /// Whether that snapshot carries a newly fitted encoder and network.
        package var retrained = false
        /// What the gate decided, where a network was fitted and there is a gate.
        package var gate: GateLook?
        /// Why an increment or a newly fitted network that was due was not published; it is tried again after the next interval.
        package var defect: String?
        /// Whether more matured impressions wait than one step takes.
        package var hasMore = false
    }

    package let experiment: Experiment
    package let version: ExperimentVersion
    private let configuration: PolicyConfiguration
    private let rule: RewardRule
    private var state: StoredLearnerState
    private var learner: PolicyLearner
    private var hasUnpublished: Bool
    private var lastPublished: Timestamp
    private var lastRetrained: Timestamp
    private var networkVersion: SnapshotVersion
    /// How many rows the last fit of this process was made on; nil where rows have come or changed since, or none was made.
    private var fittedCount: Int?
    /// What was published last, where it is more than what is folded.
    private var publishedPosterior: LinearPosterior?

    /// At most so many impressions are folded in one transaction.
    static let foldLimit = 5000

    /// Loads the committed state.
    /// - Throws: `LearningError.notABandit`, `LearningError.noState`, `CatalogError.learnerConflict` where another version is in force by now, or
    ///   what the database refuses.
    package init(_ stored: StoredExperiment, on connection: Connection) async throws {
        experiment = stored.experiment
        version = stored.version
        guard experiment.kind == .bandit, let policy = experiment.policy else { throw LearningError.notABandit(experiment.key) }
        configuration = policy
        rule = RewardRule(experiment.reward, arms: experiment.arms)
        guard let state = try await Catalog.learnerState(of: experiment.key, on: connection),
            let newest = try await Catalog.newestSnapshot(of: experiment.key, on: connection)
        else { throw LearningError.noState(experiment.key) }
        // Applied again since it was read: rewards of the old version must not be folded into the state of the new one.
        guard newest.experimentVersion == version else { throw CatalogError.learnerConflict(experiment.key) }
        self.state = state
        learner = PolicyLearner(try ServingSnapshot(serialised: state.bytes))
        // Whoever folded last may have gone before publishing.
        hasUnpublished = state.bytes != newest.bytes
        lastPublished = newest.createdAt
        networkVersion = newest.networkVersion
        if stored.experiment.reward.learn == .early { publishedPosterior = try ServingSnapshot(serialised: newest.bytes).posterior }
        // The age of the network, or of the last candidate for its place, decides when to retrain, also across restarts.
        let network = try await Catalog.snapshot(newest.networkVersion, of: experiment.key, on: connection).createdAt
        let judged = try await Catalog.gateHistory(of: experiment.key, on: connection).lastJudged
        lastRetrained = max(network, judged ?? network)
    }

    /// The posterior as folded so far.
    package var posterior: LinearPosterior { learner.posterior }
    /// Largest relative error of the running factors since their last refactoring.
    package var drift: Double { learner.drift }

    /// Whether somebody else (an apply, a rollback, another learner) changed the state since this value was loaded.
    package func isStale(on connection: Connection) async throws -> Bool {
        try await Catalog.learnerRevision(of: experiment.key, on: connection) != state.revision
    }

    /// One step: fold what has matured, correct what has changed, retrain and publish when due.
    /// - Parameter now: the clock against which windows close.
    /// - Throws: `CatalogError.learnerConflict` where somebody else changed the state: load a new learner. Nothing is half-written.
    package mutating func step(now: Timestamp, on connection: Connection) async throws -> Step {
        do {
            return try await advance(now: now, on: connection)
        } catch let error as DatabaseError where Self.isConflict(error) {
            // Under repeatable read PostgreSQL itself refuses what somebody else has changed, before the compare-and-set can see it.
            throw CatalogError.learnerConflict(experiment.key)
        }
    }

    /// Serialization failure or deadlock.
    private static func isConflict(_ error: DatabaseError) -> Bool { error.sqlState == "40001" || error.sqlState == "40P01" }

    private mutating func advance(now: Timestamp, on connection: Connection) async throws -> Step {
        var step = try await fold(now: now, on: connection)
        let isRetrainDue =
            !state.isPinned && !step.hasMore && usesModel && now - lastRetrained >= configuration.retrain.everySeconds
        if isRetrainDue, try await retrain(now: now, &step, on: connection) {
            step.published = state.parentSnapshot
        } else if hasUnpublished || isEarly, now - lastPublished >= configuration.publishSeconds {
            try await publishIncrement(now: now, &step, on: connection)
        }
        return step
    }

    private var isEarly: Bool { experiment.reward.learn == .early }

    /// Publishes what is folded, under `learn: early` with what is open; nothing where that is what serves already.
    private mutating func publishIncrement(now: Timestamp, _ step: inout Step, on connection: Connection) async throws {
        let served = try await withOpen(learner, now: now, on: connection)
        lastPublished = now
        if let served, served.posterior == publishedPosterior { return }
        let checked = served ?? learner
        if let defect = FoldCheck.defect(of: checked.snapshot(version: state.parentSnapshot), drift: checked.drift) {
            step.defect = defect
        } else {
            try await publish(learner, serving: served, kind: .increment, now: now, on: connection)
            step.published = state.parentSnapshot
        }
    }

    /// Under `learn: early` the learner with the open impressions entered; else nil.
    private func withOpen(_ learner: PolicyLearner, now: Timestamp, on connection: Connection) async throws -> PolicyLearner? {
        guard isEarly else { return nil }
        return try await OpenImpressions(experiment: experiment, connection: connection).entered(
            into: learner, now: now, since: now - configuration.retrain.windowSeconds, through: state.position
        ).learner
    }

    private var usesModel: Bool {
        switch configuration.algorithm {
        case .fixed, .uniform, .ipw, .dr: false
        case .greedy, .epsilonGreedy, .linearThompson, .linearUCB, .neuralThompson, .neuralUCB, .softmax, .squareCB, .bernoulliThompson,
            .topTwoThompson, .apprentice, .auto:
            true
        }
    }

    /// Brings the posterior up to date with the log, in one transaction.
    private mutating func fold(now: Timestamp, on connection: Connection) async throws -> Step {
        var step = Step()
        var learner = learner
        // Before anything is folded: what fades does so by the clock, also where nothing new has come.
        learner.advance(to: now)
        let (experiment, rule, state) = (experiment, rule, state)
        let saved = try await connection.transaction(.repeatableRead) { connection -> StoredLearnerState? in
            let contributions = Contributions(experiment: experiment, connection: connection)
            let high = try await contributions.highWater()
            if high > state.position { try await contributions.open(after: state.position, through: high) }
            var booked: [(id: ImpressionID, reward: Double)] = []
            var skipped: [ImpressionID] = []
            if high > state.position {
                for entry in try await contributions.touched(after: state.position, through: high) {
                    guard let old = entry.booked, let arm = experiment.index(of: entry.arm) else { continue }
                    let reward = rule.reward(entry.sums, arm: arm)
                    guard reward != old else { continue }
                    if learner.correct(
                        entry.context, arm: arm, from: old, to: reward, at: entry.occurredAt, propensities: entry.propensities)
                    {
                        step.corrected += 1
                        booked.append((entry.id, reward))
                    } else {
                        step.skipped += 1
                    }
                }
            }
            let matured = try await contributions.matured(by: now, through: high, limit: Self.foldLimit)
            for entry in matured {
                let arm = experiment.index(of: entry.arm)
                let reward = arm.map { rule.reward(entry.sums, arm: $0) } ?? 0
                if let arm, learner.fold(entry.context, arm: arm, reward: reward, at: entry.occurredAt, propensities: entry.propensities) {
                    step.folded += 1
                    booked.append((entry.id, reward))
                } else {
                    step.skipped += 1
                    skipped.append(entry.id)
                }
            }
            step.hasMore = matured.count == Self.foldLimit
            guard !booked.isEmpty || !skipped.isEmpty || high > state.position else { return nil }
            try await contributions.book(booked)
            try await contributions.remove(skipped)
            var next = state
            next.position = max(high, state.position)
            // Bytes of a state that did not change are not written again.
            if !booked.isEmpty { next.bytes = learner.snapshot(version: state.parentSnapshot).serialised() }
            return try await Catalog.save(next, on: connection)
        }
        if let saved {
            self.state = saved
            if step.folded + step.corrected > 0 {
                hasUnpublished = true
                fittedCount = nil
            }
        }
        if learner.posterior.period != self.learner.posterior.period { hasUnpublished = true }
        self.learner = learner
        return step
    }

    /// Fits encoder and network anew on what is booked inside the retraining window, and publishes them with their posterior if the gate lets
    /// them through; else what serves, re-accumulated over the same window.
    ///
    /// The fit takes long and runs outside any transaction. Nobody else may change the state meanwhile: the compare-and-set notices.
    /// - Returns: false where there are too few impressions yet.
    private mutating func retrain(now: Timestamp, _ step: inout Step, on connection: Connection) async throws -> Bool {
        let contributions = Contributions(experiment: experiment, connection: connection)
        let since = now - configuration.retrain.windowSeconds
        guard try await contributions.bookedCount(since: since) >= configuration.retrain.minimumImpressions else { return false }
        let interactions = try await contributions.booked(since: since)
        let warm = try await WarmRows.load(for: experiment, since: since, on: connection)
        lastRetrained = now
        // The same rows would give the same network, and spend a look of the gate on it.
        let count = interactions.count + warm.interactions.count
        guard fittedCount != count else { return false }
        if experiment.gate == .off {
            guard let refitted = try await Self.unlessDiverged(&step, { try await Self.refit(experiment, version, warm, interactions) })
            else {
                return false
            }
            if let defect = FoldCheck.defect(of: refitted.snapshot(version: state.parentSnapshot), drift: 0) {
                step.defect = defect
                return false
            }
            try await publish(
                refitted, serving: try await withOpen(refitted, now: now, on: connection), kind: .retrain, forgettingBefore: since,
                now: now, on: connection)
            step.retrained = true
        } else {
            guard
                let (candidate, look, lineage) = try await Self.unlessDiverged(
                    &step, { try await judge(interactions, warm, now: now, on: connection) })
            else { return false }
            step.gate = look
            step.retrained = look.decision.publishes
            let stored = try stored(look, lineage: lineage, now: now)
            if look.decision.publishes {
                try await publish(
                    candidate, serving: try await withOpen(candidate, now: now, on: connection), kind: .retrain, forgettingBefore: since,
                    recording: (stored, nil), now: now, on: connection)
            } else {
                let bytes = candidate.snapshot(version: state.parentSnapshot.next).serialised()
                let refolded = await Self.refolded(learner.base, over: interactions, warm)
                try await publish(
                    refolded, serving: try await withOpen(refolded, now: now, on: connection), kind: .increment, forgettingBefore: since,
                    recording: (stored, bytes), now: now, on: connection)
            }
        }
        fittedCount = count
        return true
    }

    /// A fit that diverges is a defect of the configuration: it is reported, and what serves goes on serving.
    private static func unlessDiverged<Fitted>(_ step: inout Step, _ fit: () async throws -> Fitted) async throws -> Fitted? {
        do {
            return try await fit()
        } catch let error as NeuralNetworkError {
            guard case .diverged = error else { throw error }
            step.defect = "the new network was not published: \(error)"
            return nil
        }
    }

    /// Takes the processor for seconds: off the caller's executor.
    @concurrent
    private static func refit(
        _ experiment: Experiment, _ version: ExperimentVersion, _ warm: WarmRows, _ interactions: [Interaction]
    ) async throws -> PolicyLearner {
        try warm.refit(experiment, version, with: interactions)
    }

    /// The same encoder and network with the posterior of the given rows.
    @concurrent
    private static func refolded(_ snapshot: ServingSnapshot, over interactions: [Interaction], _ warm: WarmRows) async -> PolicyLearner {
        var learner = PolicyLearner(emptied: snapshot)
        warm.fold(into: &learner)
        for interaction in interactions { learner.fold(interaction) }
        return learner
    }

    /// Fits a candidate to the older rows and has the gate judge it on the newer ones.
    private func judge(
        _ interactions: [Interaction], _ warm: WarmRows, now: Timestamp, on connection: Connection
    ) async throws -> (candidate: PolicyLearner, look: GateLook, lineage: SnapshotVersion) {
        let history = try await Catalog.gateHistory(of: experiment.key, on: connection)
        var approved: ServingSnapshot?
        if let version = history.approved {
            let stored = try await Catalog.snapshot(version, of: experiment.key, on: connection)
            // One that does not fit the features any more cannot be compared with.
            approved = try ServingSnapshot(serialised: stored.bytes).adapted(to: experiment, version: self.version)
        }
        let trial = GateTrial(
            experiment, version: version, interactions: interactions, serving: learner.base, servingNetwork: networkVersion,
            approved: approved, warm: warm, now: now)
        let result = try await trial.run()
        let gate = Gate(.init(mode: experiment.gate, minimumImpressions: configuration.retrain.minimumImpressions))
        return (result.candidate, gate.judge(result.measurement, look: history.lookCount + 1), history.lineage)
    }

    private func stored(_ look: GateLook, lineage: SnapshotVersion, now: Timestamp) throws -> StoredGateLook {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return StoredGateLook(
            experiment: experiment.key, lineage: lineage, look: look.look, judgedAt: now, experimentVersion: version,
            serving: state.parentSnapshot, decision: look.decision.rawValue, reason: look.reason,
            numbers: String(decoding: try encoder.encode(look), as: UTF8.self), isApproved: look.isApproved,
            published: look.decision.publishes ? state.parentSnapshot.next : nil)
    }

    /// Publishes a snapshot of a learner and saves it as the state, in one transaction, by compare-and-set.
    /// - Parameter serving: what is published in its place where that is more than the state: with the open impressions.
    /// - Parameter oldest: contributions before it are not in the learner any more and are forgotten with the same commit.
    /// - Parameter look: what the gate decided, written down with the same commit; with the candidate's bytes where it is kept back.
    private mutating func publish(
        _ learner: PolicyLearner, serving: PolicyLearner? = nil, kind: StoredSnapshot.Kind, forgettingBefore oldest: Timestamp? = nil,
        recording look: (StoredGateLook, keeping: [UInt8]?)? = nil, now: Timestamp, on connection: Connection
    ) async throws {
        let (state, version) = (state, version)
        let next = state.parentSnapshot.next
        let networkVersion = kind == .retrain ? next : networkVersion
        let bytes = learner.snapshot(version: next).serialised()
        let metrics = Self.metrics(learner)
        let (key, experiment) = (experiment.key, experiment)
        self.state = try await connection.transaction { connection in
            if let oldest { try await Contributions(experiment: experiment, connection: connection).forget(before: oldest) }
            try await Catalog.publish(
                StoredSnapshot(
                    experiment: key, version: next, parent: state.parentSnapshot, kind: kind, experimentVersion: version,
                    networkVersion: networkVersion, bytes: serving?.snapshot(version: next).serialised() ?? bytes, metrics: metrics),
                on: connection)
            var changed = state
            changed.parentSnapshot = next
            changed.bytes = bytes
            let saved = try await Catalog.save(changed, on: connection)
            if let look { try await Catalog.record(look.0, keeping: look.keeping, on: connection) }
            return saved
        }
        self.networkVersion = networkVersion
        self.learner = PolicyLearner(try ServingSnapshot(serialised: bytes))
        publishedPosterior = serving?.posterior
        lastPublished = now
        hasUnpublished = false
    }

    private static func metrics(_ learner: PolicyLearner) -> String {
        let weights = learner.posterior.arms.map { $0.weight }
        var text = "{\"impressions\": \(weights.reduce(0, +)), \"drift\": \(learner.drift.isFinite ? learner.drift : -1)"
        if let training = learner.training {
            text += ", \"training_rows\": \(training.trainingCount), \"epochs\": \(training.epochs.count)"
            text += ", \"best_epoch\": \(training.bestEpoch)"
            if training.bestLoss.isFinite { text += ", \"validation_loss\": \(training.bestLoss)" }
            if let initial = training.initialValidationLoss, initial.isFinite { text += ", \"untrained_loss\": \(initial)" }
        }
        return text + "}"
    }
}
