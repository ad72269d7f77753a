import Catalog
import EventLog
import HaggleCore
import HaggleMath
import Learning
import Logging
import Policies
import Postgres
import TestSupport
import Testing

/// An applied experiment on a database of its own, with a sink running and a clock that only the test moves.
struct LearningLog {
    static let start = Timestamp("2026-01-05T00:00:00Z")!
    static let hour = 3600.0

    let target: ConnectionTarget
    let pool: ConnectionPool
    let sink: PostgresEventSink
    let key: ExperimentKey

    static let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Three arms, one feature, a window of an hour.
    static func experiment(_ change: (inout Experiment) -> Void = { _ in }) -> Experiment {
        var experiment = Experiment(
            key: "checkout", kind: .bandit,
            arms: [Arm(key: "none", discount: 0, isControl: true), Arm(key: "five", discount: 0.05), Arm(key: "ten", discount: 0.1)],
            context: FeatureSchema(features: [
                Feature(name: "recency", kind: .number(missing: .median, clip: .none, transform: .identity, scale: .standard)),
                Feature(name: "channel", kind: .category(values: ["web", "app"], missing: nil)),
            ]),
            reward: RewardConfiguration(metric: .value, windowSeconds: hour, defaultReward: -0.5),
            policy: PolicyConfiguration(
                algorithm: .linearThompson, publishSeconds: 60,
                model: PolicyConfiguration.Model(hidden: [8], epochs: 4),
                retrain: PolicyConfiguration.Retraining(everySeconds: 1e9, minimumImpressions: 50, windowSeconds: 90 * 86_400)))
        change(&experiment)
        return experiment
    }

    static func with(_ experiment: Experiment = experiment(), _ body: (LearningLog) async throws -> Void) async throws {
        try await withDatabase { target in
            let log = LearningLog(
                target: target, pool: ConnectionPool(target: target, size: 6, logger: silent),
                sink: PostgresEventSink(target: target, logger: silent), key: experiment.key)
            try await log.apply(experiment)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await log.sink.run() }
                do { try await body(log) } catch {
                    group.cancelAll()
                    throw error
                }
                await log.sink.shutdown()
                try await group.waitForAll()
            }
            await log.pool.close()
        }
    }

    // MARK: The experiment

    /// What `haggle apply` does. The database's clock is turned back to the test's: a snapshot's age decides when the next one is due.
    @discardableResult
    func apply(_ experiment: Experiment, startsOver: Bool = false) async throws -> ExperimentVersion {
        try await pool.withTransaction { connection in
            let version = try await Catalog.store(experiment, sourceText: "", by: "test", on: connection)
            try await SnapshotPublisher.adopt(experiment, version: version, startsOver: startsOver, on: connection)
            // In the same commit, so that a running service never sees the real time.
            try await Self.turnClockBack(on: connection)
            return version
        }
    }

    /// Makes all snapshots as old as the start.
    func turnClockBack() async throws { try await pool.withConnection { try await Self.turnClockBack(on: $0) } }

    private static func turnClockBack(on connection: Connection) async throws {
        _ = try await connection.execute("UPDATE snapshots SET created_at = '2026-01-05T00:00:00Z'")
    }

    func experiment() async throws -> Experiment { try await pool.withConnection { try await Catalog.experiment(key, on: $0).experiment } }

    func snapshots() async throws -> [StoredSnapshot] {
        try await pool.withConnection { try await Catalog.snapshots(of: key, limit: 1000, on: $0) }
    }

    func served() async throws -> ServingSnapshot {
        let stored = try await pool.withConnection { try await Catalog.newestSnapshot(of: key, on: $0) }
        return try ServingSnapshot(serialised: try #require(stored).bytes)
    }

    func state() async throws -> StoredLearnerState {
        try #require(try await pool.withConnection { try await Catalog.learnerState(of: key, on: $0) })
    }

    func learner() async throws -> ExperimentLearner {
        try await pool.withConnection { try await ExperimentLearner(Catalog.experiment(key, on: $0), on: $0) }
    }

    /// One step, `hours` after the start.
    func step(_ learner: inout ExperimentLearner, at hours: Double) async throws -> ExperimentLearner.Step {
        var current = learner
        let (step, changed) = try await pool.withConnection { connection in
            let step = try await current.step(now: Self.start + hours * Self.hour, on: connection)
            return (step, current)
        }
        learner = changed
        return step
    }

    /// One step of a learner that knows only what is committed.
    @discardableResult
    func freshStep(at hours: Double) async throws -> ExperimentLearner.Step {
        var learner = try await learner()
        return try await step(&learner, at: hours)
    }

    func count(_ sql: SQL) async throws -> Int { try await pool.withConnection { try await $0.queryOne(sql) }.decode(0, as: Int.self) }

    /// How many impressions count, by the log's own definition.
    func countedImpressions() async throws -> Int {
        try await count("SELECT count(*) FROM shown_impressions(\(key.rawValue)) WHERE counted")
    }

    // MARK: Events

    /// An impression some hours after the start; equal numbers give equal ids and contexts.
    func impression(
        _ number: UInt64, at hours: Double = 0, unit: UnitID? = nil, arm: ArmKey? = nil, reason: Reason = .policy, deferred: Bool = false
    ) -> Impression {
        let time = Self.start + hours * Self.hour
        let isPolicy = reason == .policy
        var arms: [ArmKey] = ["none", "five", "ten"]
        if let arm, !arms.contains(arm) { arms[1] = arm }
        let arm = isPolicy ? arm ?? arms[Int(number % 3)] : "none"
        var generator = SeededGenerator(seed: 3, stream: number)
        return Impression(
            id: ImpressionID(time: time, random: (number, mix64(number))), experiment: key, experimentVersion: 1,
            unit: unit ?? UnitID("unit-\(number)"), variant: isPolicy ? .policy : reason == .holdout ? .holdout : .control, reason: reason,
            context: ["recency": .number(10 + 5 * generator.normal()), "channel": .text(generator.uniform() < 0.6 ? "web" : "app")],
            eligibleArms: arms, propensities: isPolicy ? [0.25, 0.25, 0.5] : [1, 0, 0], arm: arm,
            propensity: isPolicy ? (arm == "ten" ? 0.5 : 0.25) : 1, snapshot: isPolicy ? 1 : nil, drawKey: "draw-\(number)",
            isDeferred: deferred, occurredAt: time, receivedAt: time)
    }

    @discardableResult
    func show(
        _ number: UInt64, at hours: Double = 0, unit: UnitID? = nil, arm: ArmKey? = nil, reason: Reason = .policy, deferred: Bool = false,
        requestID: String? = nil, stickySalt: String? = nil
    ) async throws -> Impression {
        let row = impression(number, at: hours, unit: unit, arm: arm, reason: reason, deferred: deferred)
        _ = try await sink.append(row, requestID: requestID, stickySalt: stickySalt)
        return row
    }

    /// Many impressions at once, so that they share commits.
    func show(_ numbers: Range<UInt64>, at hours: @escaping @Sendable (UInt64) -> Double = { _ in 0 }) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in numbers { group.addTask { try await show(number, at: hours(number)) } }
            try await group.waitForAll()
        }
    }

    func convert(_ id: ConversionID, _ subject: Conversion.Subject, at hours: Double, value: Double = 10) async throws {
        let time = Self.start + hours * Self.hour
        let receipt = try await sink.append([
            Conversion(id: id, subject: subject, kind: value < 0 ? "refund" : "purchase", value: value, occurredAt: time, receivedAt: time)
        ])
        #expect(receipt.accepted == 1)
    }

    // MARK: What the log says

    /// Encoder and network of a snapshot, folded over the whole log from nothing.
    func rebuilt(from snapshot: ServingSnapshot, at hours: Double) async throws -> LinearPosterior {
        let experiment = try await experiment()
        let source = try await PostgresInteractionSource.open(
            pool: pool, experiment: experiment, filter: .init(onlyMatured: true), asOf: Self.start + hours * Self.hour)
        var learner = PolicyLearner(emptied: snapshot)
        for try await interaction in source.interactions() {
            guard let arm = experiment.index(of: source.arms[interaction.arm].key) else { continue }
            learner.fold(interaction.context, arm: arm, reward: interaction.reward, at: interaction.time)
        }
        return learner.posterior
    }

    /// Expects that a learner's committed state is what the log gives when it is folded from nothing.
    func expectRebuildEqualsState(at hours: Double, _ location: SourceLocation = #_sourceLocation) async throws {
        let state = try ServingSnapshot(serialised: try await state().bytes)
        let rebuilt = try await rebuilt(from: state, at: hours)
        #expect(largestDifference(state.posterior, rebuilt) < 1e-9, sourceLocation: location)
    }
}

/// The largest difference between two posteriors' sums, relative where they are above 1.
func largestDifference(_ left: LinearPosterior, _ right: LinearPosterior) -> Double {
    guard left.arms.count == right.arms.count, left.dimension == right.dimension else { return .infinity }
    var largest = 0.0
    for (a, b) in zip(left.arms, right.arms) {
        let values = zip(a.gram.packed + a.moment + [a.squares, a.weight], b.gram.packed + b.moment + [b.squares, b.weight])
        for (x, y) in values { largest = max(largest, abs(x - y) / max(1, abs(y))) }
    }
    return largest
}

extension LinearPosterior {
    /// Impressions folded into each arm.
    var counts: [Double] { arms.map(\.weight) }
    /// Rewards folded into each arm.
    var rewards: [Double] { arms.map(\.rewards) }
}
