package import Evaluation
package import EventLog
import Experiments
import Foundation
package import HaggleCore
import Policies
package import Postgres

/// `haggle evaluate`: what other policies would have earned, on an experiment's log or on a file with contexts.
package struct LogEvaluation: Sendable {
    /// The reward model behind DM, DR and their kin.
    package enum RewardModelKind: String, Sendable, CaseIterable { case linear, logistic, shared, neural, none }

    /// A log in a file, for policies that are asked for each of its contexts.
    package struct FileLog: Sendable {
        package var path: String
        /// Nil: by the file's name.
        package var format: LogFile.Format?
        package var columns: CSVInteractionSource.Columns

        package init(path: String, format: LogFile.Format? = nil, columns: CSVInteractionSource.Columns) {
            self.path = path
            self.format = format
            self.columns = columns
        }
    }

    package struct Configuration: Sendable {
        /// Policy files, `replay:FILE`, `snapshot:N`, `arm:KEY`, `uniform`, `logged`, CSV files of probabilities.
        package var policies: [String]
        package var options: EvaluationOptions
        package var rewardModel: RewardModelKind
        /// The oldest share of the rows trains policy files, the rest evaluates; nil evaluates all rows.
        package var trainShare: Double?
        package var since: Timestamp?
        package var until: Timestamp?
        /// Only rows whose context meets it, as text (`ConditionText`).
        package var condition: String?
        /// The feature that the evaluation is split by.
        package var segmentBy: String?
        /// Fit propensities to a log that has none.
        package var estimatesPropensities: Bool
        /// A CSV file with a row per arm: `arm`, and what is known about it (`discount`, further features).
        package var armFeatures: String?

        package init(
            policies: [String], options: EvaluationOptions = EvaluationOptions(), rewardModel: RewardModelKind = .linear,
            trainShare: Double? = nil, since: Timestamp? = nil, until: Timestamp? = nil, condition: String? = nil,
            segmentBy: String? = nil, estimatesPropensities: Bool = false, armFeatures: String? = nil
        ) {
            self.policies = policies
            self.options = options
            self.rewardModel = rewardModel
            self.trainShare = trainShare
            self.since = since
            self.until = until
            self.condition = condition
            self.segmentBy = segmentBy
            self.estimatesPropensities = estimatesPropensities
            self.armFeatures = armFeatures
        }
    }

    private let configuration: Configuration

    package init(_ configuration: Configuration) { self.configuration = configuration }

    /// Evaluates on the matured, counted impressions of an experiment.
    /// - Throws: `WorkbenchError`, `EvaluationError`, `CatalogError`, and what the database refuses.
    package func run(_ key: ExperimentKey, pool: ConnectionPool, asOf now: Timestamp) async throws -> EvaluationReport {
        let targets = try configuration.policies.map { try PolicyTarget(parsing: $0) }
        let log = try await OpenedLog.experiment(
            key, pool: pool, since: configuration.since, until: configuration.until, asOf: now)
        return try await evaluate(log, targets)
    }

    /// Evaluates on a file.
    /// - Throws: `TabularError` and `EventLogError` with file and line, `WorkbenchError`, `EvaluationError`.
    package func run(_ file: FileLog) async throws -> EvaluationReport {
        let targets = try configuration.policies.map { try PolicyTarget(parsing: $0) }
        var named = file
        var schema = FeatureSchema()
        for feature in targets.flatMap({ $0.context?.features ?? [] }) where schema[feature.name] == nil { schema.features.append(feature) }
        // The columns of the context are those of the policies' features where nobody named others.
        if named.columns.context.isEmpty { named.columns.context = schema.features.map(\.name).filter { !$0.hasPrefix("$") } }
        return try await evaluate(try await OpenedLog.file(named, schema: schema.features.isEmpty ? nil : schema), targets)
    }

    private func evaluate(_ log: OpenedLog, _ targets: [PolicyTarget]) async throws -> EvaluationReport {
        try checkNames(log)
        var log = log
        var options = configuration.options
        options.excluded.merge(log.excluded) { $1 }
        options.armNames = log.source.arms.map(\.key.rawValue)
        options.rewardRange = options.rewardRange ?? log.rewardRange
        options.windowSeconds = log.windowSeconds
        options.segmentBy = configuration.segmentBy
        try ArmTable(configuration.armFeatures, arms: log.source.arms).apply(to: &options)
        log = try await filtered(log, &options)
        var warnings: [String] = []
        if configuration.estimatesPropensities {
            let estimated = try await EstimatedPropensities.fit(
                to: log.source, schema: log.schema, folds: options.folds, seed: options.seed)
            log.source = estimated.source
            options.propensities = .estimated
            warnings += estimated.warnings
        }
        var training: [Interaction]?
        if let share = configuration.trainShare {
            let (older, newer) = TimeSplit.split(try await rows(of: log.source), trainShare: share)
            training = older
            options.excluded["TRAINING"] = older.count
            log.source = InteractionList(arms: log.source.arms, rows: newer)
        }
        let resolver = PolicyResolver(log: log, training: training)
        var policies: [EvaluatedPolicy] = []
        for (target, name) in zip(targets, configuration.policies) {
            if let policy = try await resolver.policy(target, name: name) { policies.append(policy) }
        }
        let snapshots = try await resolver.snapshots(for: options)
        var report: EvaluationReport
        if policies.isEmpty {
            report = EvaluationReport(
                rowCount: 0, armCount: log.source.arms.count, armNames: options.armNames, excluded: options.excluded, clusteredBy: nil,
                rewardModel: nil, policies: [], differences: [])
        } else {
            report = try await Evaluation.evaluate(
                source: log.source, policies: policies, options: options, rewardModel: trainer(log), snapshots: snapshots)
        }
        for (target, name) in zip(targets, configuration.policies) {
            guard case .replay(let parsed) = target, let policy = parsed.policy else { continue }
            report.replays.append(
                try await AlgorithmReplay(options: options).run(
                    policy, named: name, schema: parsed.context ?? log.schema, on: log.source))
        }
        report.metric = log.metric?.rawValue
        report.currency = log.currency
        report.warnings += warnings
        report.provenance = try provenance(log, resolver, targets, options)
        return report
    }

    /// Features that flags name must exist.
    private func checkNames(_ log: OpenedLog) throws {
        if let feature = configuration.segmentBy, log.schema[feature] == nil {
            let known = log.schema.features.map(\.name).joined(separator: ", ")
            throw WorkbenchError.invalidOption(
                name: "--by", expected: known.isEmpty ? "a feature of the context (the log has none)" : "one of \(known)", found: feature)
        }
    }

    /// The log without the rows that the filter leaves out. Times of an experiment's log were asked for in SQL already.
    private func filtered(_ log: OpenedLog, _ options: inout EvaluationOptions) async throws -> OpenedLog {
        var log = log
        let condition = try configuration.condition.map { try TargetingEvaluator(ConditionText.parse($0, schema: log.schema)) }
        let (since, until) = log.isFilteredByTime ? (nil, nil) : (configuration.since, configuration.until)
        guard condition != nil || since != nil || until != nil else { return log }
        let filter = InteractionFilter(condition: condition, since: since, until: until)
        func filtered(_ source: some InteractionSource) -> any InteractionSource { FilteredInteractions(base: source, filter: filter) }
        var counts = (all: 0, kept: 0)
        try await log.source.forEach { row in
            counts.all += 1
            if filter.keeps(row) { counts.kept += 1 }
        }
        log.source = filtered(log.source)
        guard counts.kept > 0 else {
            throw WorkbenchError.emptyLog(what: "the filter leaves none of the log's \(counts.all) rows")
        }
        if counts.all > counts.kept { options.excluded["FILTERED"] = counts.all - counts.kept }
        if let text = configuration.condition { log.description.append("rows where \(text)") }
        return log
    }

    private func rows(of source: some InteractionSource) async throws -> [Interaction] {
        var rows: [Interaction] = []
        for try await row in source.interactions() { rows.append(row) }
        guard !rows.isEmpty else { throw WorkbenchError.emptyLog(what: "the log") }
        return rows
    }

    private func trainer(_ log: OpenedLog) -> (any RewardModelTrainer)? {
        switch configuration.rewardModel {
        case .none: nil
        case .linear: LinearRewardTrainer(schema: log.schema)
        case .logistic: LogisticRewardTrainer(schema: log.schema)
        case .shared: SharedRewardTrainer(schema: log.schema, arms: log.source.arms)
        case .neural: NeuralRewardTrainer(schema: log.schema)
        }
    }

    /// What was done; the command line adds itself and the time.
    private func provenance(
        _ log: OpenedLog, _ resolver: PolicyResolver, _ targets: [PolicyTarget], _ options: EvaluationOptions
    ) throws -> Provenance {
        var choices = [
            "seed": "\(options.seed)", "level": "\(options.level)", "reward model": configuration.rewardModel.rawValue,
            "intervals": options.intervals.map(\.rawValue).joined(separator: ", "),
        ]
        if options.intervals.contains(.bootstrap) { choices["resamples"] = "\(options.resamples)" }
        if configuration.rewardModel != .none { choices["fitted"] = "\(options.fitting.rawValue), \(options.folds) folds" }
        if let share = configuration.trainShare { choices["training share"] = "\(share)" }
        if let range = options.rewardRange { choices["reward range"] = "\(range.lowerBound) to \(range.upperBound)" }
        if let bound = options.weightBound { choices["largest weight"] = "\(bound)" }
        if let condition = configuration.condition { choices["where"] = condition }
        if let feature = configuration.segmentBy { choices["split by"] = feature }
        var policies: [String: String] = [:]
        for (target, name) in zip(targets, configuration.policies) {
            policies[name] = try resolver.description(of: target, trainShare: configuration.trainShare)
        }
        return Provenance(program: "", command: [], madeAt: "", data: log.description, policies: policies, choices: choices)
    }
}
