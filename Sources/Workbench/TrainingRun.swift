import Catalog
import EventLog
package import Experiments
import Foundation
package import HaggleCore
package import Postgres
package import Reporting
package import Training

/// `haggle train`: cross-validates the models of a file's grid on an experiment's log, or on a file.
package struct TrainingRun: Sendable {
    package struct Configuration: Sendable {
        /// An experiment's key, or its file; nil where only `log` and `policy` say what to do.
        package var experiment: String?
        /// A policy or experiment file with the grid; nil takes the experiment's own model.
        package var policy: String?
        /// Rows from a file instead of the experiment's event log.
        package var log: LogEvaluation.FileLog?
        package var search: ModelSearch.Configuration
        /// Folder of the stored results and the page; nil keeps nothing.
        package var output: String?
        /// Folder of event files; nil writes none.
        package var tensorBoard: String?
        package var since: Timestamp?
        package var until: Timestamp?

        package init(
            experiment: String? = nil, policy: String? = nil, log: LogEvaluation.FileLog? = nil,
            search: ModelSearch.Configuration = .init(), output: String? = nil, tensorBoard: String? = nil, since: Timestamp? = nil,
            until: Timestamp? = nil
        ) {
            self.experiment = experiment
            self.policy = policy
            self.log = log
            self.search = search
            self.output = output
            self.tensorBoard = tensorBoard
            self.since = since
            self.until = until
        }
    }

    /// What a run came to.
    package struct Result: Sendable {
        package var report: ModelSearchReport
        /// The best model's value of every key that was a list, to be written into the file; empty where no key was.
        package var choices: [ModelPatch.Setting]
    }

    private let configuration: Configuration

    package init(_ configuration: Configuration) { self.configuration = configuration }

    /// Whether the rows come from a database.
    package var needsDatabase: Bool { configuration.log == nil }

    /// Trains on a file.
    /// - Parameters:
    ///   - now: written into event files and the page.
    ///   - progress: folds done, and in all.
    /// - Throws: `WorkbenchError`, `TrainingError`, what reading the log refuses.
    package func run(asOf now: Timestamp, progress: @escaping @Sendable (Int, Int) -> Void) async throws -> Result {
        guard let file = configuration.log else { throw WorkbenchError.emptyLog(what: "no --log") }
        let plan = try self.plan()
        var named = file
        // The columns of the context are those of the experiment's features where nobody named others.
        if named.columns.context.isEmpty, let schema = plan.schema {
            named.columns.context = schema.features.map(\.name).filter { !$0.hasPrefix("$") }
        }
        let log = try await OpenedLog.file(named, schema: plan.schema)
        return try await run(plan, on: log, grid: nil, title: file.path, asOf: now, progress: progress)
    }

    /// Trains on the matured, counted impressions of an experiment.
    package func run(
        pool: ConnectionPool, asOf now: Timestamp, progress: @escaping @Sendable (Int, Int) -> Void
    ) async throws -> Result {
        let plan = try self.plan()
        guard let key = plan.key else { throw WorkbenchError.emptyLog(what: "no experiment is named") }
        let log = try await OpenedLog.experiment(
            key, pool: pool, since: configuration.since, until: configuration.until, asOf: now)
        var stored: PolicyConfiguration?
        if plan.grid == nil { stored = try await pool.withConnection { try await Catalog.experiment(key, on: $0).experiment.policy } }
        return try await run(plan, on: log, grid: stored.map(Self.grid), title: key.rawValue, asOf: now, progress: progress)
    }

    /// What files say: where rows are, what features they have, which models to try.
    private struct Plan {
        var key: ExperimentKey?
        var schema: FeatureSchema?
        var grid: ModelGrid?
        var ridge: Double?
        var defaultReward: Double?
    }

    private func plan() throws -> Plan {
        var plan = Plan()
        if let name = configuration.experiment {
            if Self.isFile(name) {
                let parsed = ExperimentFile.parse(bytes: try Self.bytes(name), file: name, allowingGrid: true)
                guard let experiment = parsed.experiment else { throw WorkbenchError.invalidFiles(parsed.problems.map(\.description)) }
                plan.key = experiment.key
                plan.schema = experiment.context
                guard let policy = experiment.policy else { throw WorkbenchError.notABandit(experiment.key) }
                plan.grid = ModelGrid(base: Self.grid(policy).base, axes: parsed.grid)
                plan.ridge = policy.ridge
                plan.defaultReward = experiment.reward.defaultReward
            } else {
                plan.key = ExperimentKey(name)
            }
        }
        if let name = configuration.policy {
            let parsed = PolicyFile.parse(text: String(decoding: try Self.bytes(name), as: UTF8.self), file: name, allowingGrid: true)
            guard let policy = parsed.policy else { throw WorkbenchError.invalidFiles(parsed.problems.map(\.description)) }
            plan.grid = ModelGrid(base: Self.grid(policy).base, axes: parsed.grid)
            plan.schema = parsed.context ?? plan.schema
            plan.ridge = policy.ridge
        }
        return plan
    }

    /// A linear algorithm looks at no network.
    private static func grid(_ policy: PolicyConfiguration) -> ModelGrid {
        switch policy.algorithm {
        case .linearThompson, .linearUCB: ModelGrid(base: PolicyConfiguration.Model(kind: .linear))
        default: ModelGrid(base: policy.model)
        }
    }

    private func run(
        _ plan: Plan, on log: OpenedLog, grid stored: ModelGrid?, title: String, asOf now: Timestamp,
        progress: @escaping @Sendable (Int, Int) -> Void
    ) async throws -> Result {
        let grid = plan.grid ?? stored ?? ModelGrid(base: PolicyConfiguration.Model())
        let filter = InteractionFilter(
            condition: nil, since: log.isFilteredByTime ? nil : configuration.since, until: log.isFilteredByTime ? nil : configuration.until
        )
        var rows: [Interaction] = []
        try await log.source.forEach { if filter.keeps($0) { rows.append($0) } }
        guard !rows.isEmpty else { throw WorkbenchError.emptyLog(what: title) }
        let arms = log.source.arms
        // A log without times says nothing of the moment.
        var schema = plan.schema ?? log.schema
        schema.features.removeAll { feature in feature.name.hasPrefix("$") && !rows.contains { $0.context[feature.name] != nil } }
        var state: TrainingState?
        if let output = configuration.output {
            do {
                try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true)
            } catch {
                throw WorkbenchError.unwritableFile(path: output, reason: error.localizedDescription)
            }
            state = try TrainingState(path: "\(output)/training.jsonl", data: ModelSearch.digest(of: rows, arms: arms))
        }
        var search = configuration.search
        search.ridge = plan.ridge ?? search.ridge
        search.defaultReward = log.defaultReward ?? plan.defaultReward ?? search.defaultReward
        let board = configuration.tensorBoard.map { TensorBoardFolder(path: $0) }
        var report = try await ModelSearch(schema: schema, arms: arms, configuration: search).run(
            grid, on: rows, title: title, state: state, recordsTensors: board != nil
        ) { step in
            try board?.write(step, wallTime: now.seconds)
            progress(step.completed, step.total)
        }
        report.metric = log.metric?.rawValue
        report.currency = log.currency
        try board?.write(report, wallTime: now.seconds)
        let best = report.best.map { ModelSearch.combination($0, of: grid) }
        let result = Result(report: report, choices: best?.choices.map { ModelPatch.Setting(key: $0.key, value: $0.text) } ?? [])
        if let output = configuration.output {
            try Self.write(try report.json(), to: "\(output)/training.json")
            try Self.write(report.html(quantity: Self.quantity(of: report), generatedAt: now), to: "\(output)/training.html")
        }
        return result
    }

    /// How the rewards of a report are written.
    package static func quantity(of report: ModelSearchReport) -> Quantity {
        switch report.metric.flatMap({ RewardConfiguration.Metric(rawValue: $0) }) {
        case .conversion: .share
        case .revenue, .margin: .money(currency: report.currency)
        case .value, nil: .plain
        }
    }

    /// Writes the choices into a file, leaving the rest of it as it is.
    /// - Returns: what changed, as a unified difference; nil where the places cannot be found for certain, and nothing was written.
    package static func write(_ choices: [ModelPatch.Setting], into path: String) throws -> String? {
        let text = String(decoding: try bytes(path), as: UTF8.self)
        guard let patch = ModelPatch(choices, in: text, file: path) else { return nil }
        try write(patch.text, to: path)
        return patch.difference
    }

    /// What `write` would change; nil as there.
    package static func difference(of choices: [ModelPatch.Setting], in path: String) throws -> String? {
        ModelPatch(choices, in: String(decoding: try bytes(path), as: UTF8.self), file: path)?.difference
    }

    /// Whether an argument names a file rather than an experiment's key.
    package static func isFile(_ name: String) -> Bool { name.hasSuffix(".yaml") || name.hasSuffix(".yml") }

    private static func bytes(_ path: String) throws -> [UInt8] {
        do {
            return Array(try Data(contentsOf: URL(filePath: path)))
        } catch {
            throw WorkbenchError.unreadableFile(path: path, reason: error.localizedDescription)
        }
    }

    private static func write(_ text: String, to path: String) throws {
        do {
            try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
        } catch {
            throw WorkbenchError.unwritableFile(path: path, reason: error.localizedDescription)
        }
    }
}
