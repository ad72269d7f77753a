import Catalog
package import Evaluation
import EventLog
import Experiments
import Foundation
package import HaggleCore
import Policies
package import Postgres

/// `haggle evaluate EXPERIMENT --policy P...`: what other policies would have earned on an experiment's log.
package struct LogEvaluation: Sendable {
    /// The reward model behind DM and DR.
    package enum RewardModelKind: String, Sendable, CaseIterable { case linear, neural, none }

    package struct Configuration: Sendable {
        /// Policy files, `snapshot:N`, `arm:KEY`, `uniform`, `logged`.
        package var policies: [String]
        package var options: EvaluationOptions
        package var rewardModel: RewardModelKind
        /// The oldest share of the rows trains policy files, the rest evaluates; nil evaluates all rows.
        package var trainShare: Double?
        package var since: Timestamp?
        package var until: Timestamp?

        package init(
            policies: [String], options: EvaluationOptions = EvaluationOptions(), rewardModel: RewardModelKind = .linear,
            trainShare: Double? = nil, since: Timestamp? = nil, until: Timestamp? = nil
        ) {
            self.policies = policies
            self.options = options
            self.rewardModel = rewardModel
            self.trainShare = trainShare
            self.since = since
            self.until = until
        }
    }

    private let configuration: Configuration

    package init(_ configuration: Configuration) { self.configuration = configuration }

    /// Evaluates on the matured, counted impressions of an experiment.
    /// - Throws: `WorkbenchError`, `EvaluationError`, `CatalogError`, and what the database refuses.
    package func run(_ key: ExperimentKey, pool: ConnectionPool, asOf now: Timestamp) async throws -> EvaluationReport {
        let experiment = try await pool.withConnection { try await Catalog.experiment(key, on: $0).experiment }
        let source = try await PostgresInteractionSource.open(
            pool: pool, experiment: experiment,
            filter: .init(since: configuration.since, until: configuration.until, onlyMatured: true), asOf: now)
        var options = configuration.options
        options.excluded = source.excluded
        let targets = try configuration.policies.map { try Target(parsing: $0) }
        guard let trainShare = configuration.trainShare else {
            let policies = try await resolve(targets, experiment, source.arms, training: nil, pool)
            return try await Evaluation.evaluate(
                source: source, policies: policies, options: options, rewardModel: trainer(experiment, source.arms))
        }
        var rows: [Interaction] = []
        for try await row in source.interactions() { rows.append(row) }
        guard !rows.isEmpty else { throw WorkbenchError.emptyLog(what: "experiment '\(key)'") }
        let (training, evaluation) = TimeSplit.split(rows, trainShare: trainShare)
        options.excluded["TRAINING"] = training.count
        let policies = try await resolve(targets, experiment, source.arms, training: training, pool)
        return try await Evaluation.evaluate(
            source: InteractionList(arms: source.arms, rows: evaluation), policies: policies, options: options,
            rewardModel: trainer(experiment, source.arms))
    }

    /// What stands behind one `--policy`.
    private enum Target {
        case logged
        case uniform
        case arm(ArmKey)
        case snapshot(SnapshotVersion)
        case file(ParsedPolicy)

        init(parsing text: String) throws {
            if text == "logged" {
                self = .logged
            } else if text == "uniform" {
                self = .uniform
            } else if text.hasPrefix("arm:") {
                self = .arm(ArmKey(String(text.dropFirst(4))))
            } else if text.hasPrefix("snapshot:") {
                guard let number = Int(text.dropFirst(9)), number >= 1 else { throw WorkbenchError.unknownTarget(text) }
                self = .snapshot(SnapshotVersion(number))
            } else {
                guard let bytes = FileManager.default.contents(atPath: text) else { throw WorkbenchError.unknownTarget(text) }
                let parsed = PolicyFile.parse(bytes: Array(bytes), file: text)
                guard parsed.problems.isEmpty else { throw WorkbenchError.invalidFiles(parsed.problems.map(\.description)) }
                self = .file(parsed)
            }
        }
    }

    private func resolve(
        _ targets: [Target], _ experiment: Experiment, _ arms: [Arm], training: [Interaction]?, _ pool: ConnectionPool
    ) async throws -> [EvaluatedPolicy] {
        var policies: [EvaluatedPolicy] = []
        for (target, name) in zip(targets, configuration.policies) {
            switch target {
            case .logged: policies.append(.logged)
            case .uniform: policies.append(EvaluatedPolicy(name, UniformPolicy(armCount: arms.count)))
            case .arm(let key):
                guard let arm = arms.firstIndex(where: { $0.key == key }) else {
                    throw WorkbenchError.invalidOption(
                        name: "--policy", expected: "an arm of the experiment (\(arms.map(\.key.rawValue).joined(separator: ", ")))",
                        found: name)
                }
                policies.append(
                    EvaluatedPolicy(name, FixedPolicy(arm: arm, armCount: arms.count, controlIndex: experiment.controlIndex)))
            case .snapshot(let version):
                let stored = try await pool.withConnection { try await Catalog.snapshot(version, of: experiment.key, on: $0) }
                let snapshot = try ServingSnapshot(serialised: stored.bytes)
                guard snapshot.arms == arms.map(\.key) else {
                    throw WorkbenchError.invalidOption(
                        name: "--policy",
                        expected: "a snapshot with the arms of the log (\(arms.map(\.key.rawValue).joined(separator: ", ")))",
                        found: "\(name) with \(snapshot.arms.map(\.rawValue).joined(separator: ", "))")
                }
                policies.append(EvaluatedPolicy(name, SnapshotPolicy(snapshot)))
            case .file(let parsed):
                policies.append(EvaluatedPolicy(name, try train(parsed, experiment, arms, on: training)))
            }
        }
        return policies
    }

    private func train(
        _ parsed: ParsedPolicy, _ experiment: Experiment, _ arms: [Arm], on training: [Interaction]?
    ) throws -> any Policy {
        guard let policy = parsed.policy else { throw WorkbenchError.invalidFiles(parsed.problems.map(\.description)) }
        switch policy.algorithm {
        case .uniform, .fixed: break
        default:
            // A policy that was trained on the rows that judge it would look better than it is.
            guard let training, !training.isEmpty else {
                throw WorkbenchError.invalidOption(
                    name: "--train-share", expected: "a share such as 0.5, because \(parsed.file) has to be trained on older rows first",
                    found: "none")
            }
        }
        return try trainedPolicy(
            configuration: policy, schema: parsed.context ?? experiment.context, arms: arms, on: training ?? [])
    }

    private func trainer(_ experiment: Experiment, _ arms: [Arm]) -> (any RewardModelTrainer)? {
        switch configuration.rewardModel {
        case .none: nil
        case .linear: LinearRewardTrainer(schema: experiment.context)
        case .neural: NeuralRewardTrainer(schema: experiment.context)
        }
    }
}
