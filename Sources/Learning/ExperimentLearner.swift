package import Catalog
import EventLog
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

    /// At most so many impressions are folded in one transaction.
    static let foldLimit = 5000

    /// Loads the committed state.
    /// - Throws: `LearningError.notABandit`, `LearningError.noState`, or what the database refuses.
    package init(_ stored: StoredExperiment, on connection: Connection) async throws {
        experiment = stored.experiment
        version = stored.version
        guard experiment.kind == .bandit, let policy = experiment.policy else { throw LearningError.notABandit(experiment.key) }
        configuration = policy
        rule = RewardRule(experiment.reward, arms: experiment.arms)
        guard let state = try await Catalog.learnerState(of: experiment.key, on: connection),
            let newest = try await Catalog.newestSnapshot(of: experiment.key, on: connection)
        else { throw LearningError.noState(experiment.key) }
        self.state = state
        learner = PolicyLearner(try ServingSnapshot(serialised: state.bytes))
        // Whoever folded last may have gone before publishing.
        hasUnpublished = state.bytes != newest.bytes
        lastPublished = newest.createdAt
        networkVersion = newest.networkVersion
        // The age of the network decides when to retrain, also across restarts.
        lastRetrained = try await Catalog.snapshot(newest.networkVersion, of: experiment.key, on: connection).createdAt
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
        if isRetrainDue, try await retrain(now: now, on: connection) {
            step.retrained = true
            step.published = state.parentSnapshot
        } else if hasUnpublished, now - lastPublished >= configuration.publishSeconds {
            try await publish(learner, kind: .increment, now: now, on: connection)
            step.published = state.parentSnapshot
        }
        return step
    }

    private var usesModel: Bool {
        switch configuration.algorithm {
        case .fixed, .uniform, .ipw, .dr: false
        case .greedy, .epsilonGreedy, .linearThompson, .linearUCB, .neuralThompson, .neuralUCB: true
        }
    }

    /// Brings the posterior up to date with the log, in one transaction.
    private mutating func fold(now: Timestamp, on connection: Connection) async throws -> Step {
        var step = Step()
        var learner = learner
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
                    if learner.correct(entry.context, arm: arm, from: old, to: reward) {
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
                if let arm, learner.fold(entry.context, arm: arm, reward: reward) {
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
            if step.folded + step.corrected > 0 { hasUnpublished = true }
            self.learner = learner
        }
        return step
    }

    /// Fits encoder and network anew on what is booked inside the retraining window and publishes them with their posterior.
    ///
    /// The fit takes long and runs outside any transaction. Nobody else may change the state meanwhile: the compare-and-set notices.
    /// - Returns: false where there are too few impressions yet.
    private mutating func retrain(now: Timestamp, on connection: Connection) async throws -> Bool {
        let contributions = Contributions(experiment: experiment, connection: connection)
        let since = now - configuration.retrain.windowSeconds
        guard try await contributions.bookedCount(since: since) >= configuration.retrain.minimumImpressions else { return false }
        let interactions = try await contributions.booked(since: since).compactMap { entry, reward -> Interaction? in
            guard let arm = experiment.index(of: entry.arm) else { return nil }
            return Interaction(
                impressionID: entry.id, time: entry.occurredAt, context: entry.context, arm: arm, propensity: nil, reward: reward)
        }
        let refitted = try await Self.refit(experiment, version, interactions)
        try await publish(refitted, kind: .retrain, forgettingBefore: since, now: now, on: connection)
        lastRetrained = now
        return true
    }

    /// Takes the processor for seconds: off the caller's executor.
    @concurrent
    private static func refit(
        _ experiment: Experiment, _ version: ExperimentVersion, _ interactions: [Interaction]
    ) async throws -> PolicyLearner {
        try PolicyLearner.refit(experiment, experimentVersion: version, interactions: interactions)
    }

    /// Publishes a snapshot of a learner and saves it as the state, in one transaction, by compare-and-set.
    /// - Parameter oldest: contributions before it are not in the learner any more and are forgotten with the same commit.
    private mutating func publish(
        _ learner: PolicyLearner, kind: StoredSnapshot.Kind, forgettingBefore oldest: Timestamp? = nil, now: Timestamp,
        on connection: Connection
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
                    networkVersion: networkVersion, bytes: bytes, metrics: metrics), on: connection)
            var changed = state
            changed.parentSnapshot = next
            changed.bytes = bytes
            return try await Catalog.save(changed, on: connection)
        }
        self.networkVersion = networkVersion
        self.learner = PolicyLearner(try ServingSnapshot(serialised: bytes))
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
