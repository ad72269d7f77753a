import Foundation
package import HaggleCore
import HaggleMath
import Policies
package import Reporting

/// Cross-validates every model of a grid on one log, on all cores, and compares them.
package struct ModelSearch: Sendable {
    package struct Configuration: Sendable {
        package var folds: Int
        package var split: FoldPlan.Split
        /// Of the folds and of everything random in training.
        package var seed: UInt64
        /// Prior precision of `linear` models.
        package var ridge: Double
        /// The reward of a row without a conversion: what a two-part loss takes for "nothing bought".
        package var defaultReward: Double
        /// Folds that are trained at once; each takes one core.
        package var workers: Int

        package init(
            folds: Int = 5, split: FoldPlan.Split = .unit, seed: UInt64 = 1, ridge: Double = 1, defaultReward: Double = 0,
            workers: Int? = nil
        ) {
            self.folds = folds
            self.split = split
            self.seed = seed
            self.ridge = ridge
            self.defaultReward = defaultReward
            self.workers = max(1, workers ?? ProcessInfo.processInfo.activeProcessorCount)
        }
    }

    /// A fold that is done.
    package struct Step: Sendable {
        /// Position in the grid.
        package let combination: Int
        package let settings: [ModelGrid.Combination.Setting]
        package let model: PolicyConfiguration.Model
        package let fold: Int
        package let outcome: FoldOutcome
        /// Weights and gradients pass by pass; empty unless asked for, and for a fold that was found in the state.
        package let tensors: [TensorPass]
        /// Folds done so far, and in all.
        package let completed: Int
        package let total: Int
    }

    private let configuration: Configuration
    private let schema: FeatureSchema
    private let arms: [Arm]

    package static let largestGrid = 10_000

    package init(schema: FeatureSchema, arms: [Arm], configuration: Configuration = Configuration()) {
        self.schema = schema
        self.arms = arms
        self.configuration = configuration
    }

    /// The digest of rows, that the state is bound to. O(rows).
    package static func digest(of rows: [Interaction], arms: [Arm]) -> String {
        var print = Fingerprint()
        for arm in arms { print.add(arm.key.rawValue) }
        for row in rows { print.add(row) }
        return print.text
    }

    /// Trains what the state does not hold yet and compares all.
    ///
    /// A model that cannot be trained on a fold (its loss diverges) is reported and does not stop the others; cancellation stops all, and
    /// what was finished is in the state. The result does not depend on the number of workers.
    /// - Parameters:
    ///   - title: what the log is called.
    ///   - state: where finished folds are kept; nil keeps nothing.
    ///   - recordsTensors: whether steps carry weights and gradients.
    ///   - step: called after each fold, one at a time.
    /// - Throws: `TrainingError`, what the trainers refuse about rows, `CancellationError`.
    @concurrent
    package func run(
        _ grid: ModelGrid, on rows: [Interaction], title: String, state: TrainingState? = nil, recordsTensors: Bool = false,
        step: @Sendable (Step) throws -> Void = { _ in }
    ) async throws -> ModelSearchReport {
        guard grid.size > 0, grid.size <= Self.largestGrid else { throw TrainingError.gridSize(grid.size) }
        let combinations = grid.combinations
        let plan = try FoldPlan(rows, count: configuration.folds, split: configuration.split, seed: configuration.seed)
        let data = Self.digest(of: rows, arms: arms)
        let variance = Self.variance(of: rows)
        let training = FoldTraining(
            rows: rows, schema: schema, armCount: arms.count, ridge: configuration.ridge, defaultReward: configuration.defaultReward,
            seed: configuration.seed,
            unit: variance > 0 ? variance : 1, recordsTensors: recordsTensors)
        let jobs = combinations.indices.flatMap { combination in plan.folds.indices.map { (combination: combination, fold: $0) } }
        var outcomes = [[FoldOutcome?]](repeating: [FoldOutcome?](repeating: nil, count: plan.folds.count), count: combinations.count)
        var waiting: [(combination: Int, fold: Int, key: String)] = []
        var completed = 0
        func report(_ job: (combination: Int, fold: Int), _ outcome: FoldOutcome, _ tensors: [TensorPass]) throws {
            outcomes[job.combination][job.fold] = outcome
            completed += 1
            let combination = combinations[job.combination]
            try step(
                Step(
                    combination: job.combination, settings: combination.settings, model: combination.model, fold: job.fold,
                    outcome: outcome, tensors: tensors, completed: completed, total: jobs.count))
        }
        let common = try commonKey(data: data)
        for job in jobs {
            let key = try Self.key(common, model: combinations[job.combination].model, fold: job.fold)
            if let known = state?.outcome(key) { try report(job, known, []) } else { waiting.append((job.combination, job.fold, key)) }
        }
        let resumed = completed
        try await withThrowingTaskGroup(of: (job: Int, outcome: FoldOutcome, tensors: [TensorPass]).self) { group in
            var next = 0
            func start() {
                guard next < waiting.count else { return }
                let index = next
                next += 1
                let model = combinations[waiting[index].combination].model
                let fold = plan.folds[waiting[index].fold]
                group.addTask {
                    let done = try training.run(model, on: fold)
                    return (index, done.outcome, done.tensors)
                }
            }
            for _ in 0..<min(configuration.workers, waiting.count) { start() }
            while let done = try await group.next() {
                let job = waiting[done.job]
                try state?.append(done.outcome, key: job.key, model: combinations[job.combination].text, fold: job.fold)
                start()
                try report((job.combination, job.fold), done.outcome, done.tensors)
            }
        }
        var result = ModelSearchReport(
            title: title, rowCount: rows.count, armCount: arms.count, folds: plan.folds.count, split: plan.split.rawValue,
            seed: configuration.seed, data: data, rewardVariance: variance, resumedCount: resumed)
        result.warnings = DataCheck.warnings(
            rows, schema: schema, armNames: arms.map(\.key.rawValue),
            isWithNetworks: combinations.contains { $0.model.kind != .linear },
            leastTraining: plan.folds.map(\.training.count).min() ?? 0)
        let unripe = plan.folds.reduce(0) { $0 + $1.unripeCount }
        if unripe > 0 {
            result.warnings.append(
                "\(unripe) rows did not train in a fold, because their reward was not known yet when its validation began")
        }
        if let broken = state?.brokenCount, broken > 0 {
            result.warnings.append("\(broken) line(s) of the stored results could not be read, and their folds were computed again")
        }
        result.configurations = zip(combinations, outcomes).enumerated().map { index, pair in
            TrainedConfiguration(number: index + 1, settings: pair.0.settings, folds: pair.1.compactMap { $0 })
        }
        result.rank()
        return result
    }

    /// The combination of the grid that a configuration of its report is of.
    package static func combination(_ configuration: TrainedConfiguration, of grid: ModelGrid) -> ModelGrid.Combination {
        grid.combinations[configuration.number - 1]
    }

    /// The hash of everything a result depends on but model and fold.
    private func commonKey(data: String) throws -> Fingerprint {
        var print = Fingerprint()
        print.add(data)
        print.add(try Self.text(schema))
        print.add(UInt64(configuration.folds))
        print.add(configuration.split.rawValue)
        print.add(configuration.seed)
        print.add(configuration.ridge)
        print.add(configuration.defaultReward)
        return print
    }

    private static func key(_ common: Fingerprint, model: PolicyConfiguration.Model, fold: Int) throws -> String {
        var print = common
        print.add(try text(model.canonical))
        print.add(UInt64(fold))
        return print.text
    }

    private static func text(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    private static func variance(of rows: [Interaction]) -> Double {
        let count = Double(max(1, rows.count))
        var sum = CompensatedSum()
        for row in rows { sum += row.reward }
        let mean = sum.value / count
        var squares = CompensatedSum()
        for row in rows { squares += (row.reward - mean) * (row.reward - mean) }
        let variance = squares.value / count
        // Equal rewards may differ from their mean by rounding.
        return variance > 1e-24 * mean * mean ? variance : 0
    }
}
