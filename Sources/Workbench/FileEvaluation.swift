package import Evaluation
import Experiments
import Foundation
import HaggleCore

/// `haggle evaluate --log log.csv --target target.csv [--reward-model qhat.csv]`: an evaluation from files alone, read in lock-step.
///
/// The files are read side by side and their rows evaluated in blocks on all threads: the same map and merge that `evaluate-shard` and
/// `evaluate-merge` spread over machines. Memory does not grow with the number of rows.
package struct FileEvaluation: Sendable {
    private let configuration: EvaluationFiles.Configuration
    private let options: EvaluationOptions
    /// Built-in policies beside the files: `uniform`, `arm:KEY`, `logged`.
    private let policies: [String]
    private let armFeatures: String?

    /// - Parameters:
    ///   - condition: only rows whose columns meet it, as text (`ConditionText`).
    ///   - armFeatures: a CSV file with a row per arm.
    /// - Throws: `ConditionTextError`.
    package init(
        _ configuration: EvaluationFiles.Configuration, policies: [String] = [], condition: String? = nil, armFeatures: String? = nil,
        options: EvaluationOptions
    ) throws {
        var configuration = configuration
        configuration.condition = try condition.map { try ConditionText.parse($0) }
        self.configuration = configuration
        self.policies = policies
        self.armFeatures = armFeatures
        self.options = options
    }

    /// Rows that are read and evaluated at a time.
    private static let blockRowCount = 131_072

    /// Reads the files once and evaluates.
    /// - Parameter progress: called with the number of rows read, now and then.
    /// - Throws: `TabularError` with file and line, `EvaluationError` with the row, `WorkbenchError` where the files do not fit together.
    @concurrent
    package func run(progress: @Sendable (Int) -> Void = { _ in }) async throws -> EvaluationReport {
        let files = try EvaluationFiles(configuration)
        var options = options
        options.unitName = configuration.unitColumn ?? options.unitName
        options.armNames = files.arms
        options.segmentBy = configuration.segmentColumn
        try ArmTable(armFeatures, arms: files.arms.map { Arm(key: ArmKey($0)) }).apply(to: &options)
        let builtIn = try policies.map { try BuiltInTarget(parsing: $0, arms: files.arms) }
        let given = names.map { EvaluatedPolicy(name: $0, target: .given) }
        var evaluator = try Evaluator(
            policies: given + builtIn.map(\.policy), armCount: files.arms.count, options: options,
            rewardModel: configuration.rewardModel == nil ? nil : "file")
        var rowCount = 0
        var filtered = 0
        while var block = try await files.next(rows: Self.blockRowCount) {
            rowCount += block.rowCount
            filtered += block.rowCount - block.columns.rowCount
            for target in builtIn { block.columns.targets.append(target.rows(block.columns.rowCount, armCount: files.arms.count)) }
            try await evaluator.add(block.columns)
            progress(rowCount)
            try Task.checkCancellation()
        }
        if rowCount > 0, rowCount == filtered {
            throw WorkbenchError.emptyLog(what: "\(configuration.log): the filter leaves none of its \(rowCount) rows")
        }
        var report = try await evaluator.report()
        if filtered > 0 { report.excluded["FILTERED"] = filtered }
        return report
    }

    /// One file is `target`; several are called by their names.
    private var names: [String] {
        guard configuration.targets.count > 1 else { return ["target"] }
        return configuration.targets.map { URL(filePath: $0).deletingPathExtension().lastPathComponent }
    }
}

/// A target that needs no file: every row has the same distribution.
struct BuiltInTarget: Sendable {
    let policy: EvaluatedPolicy
    /// Nil for the logging policy.
    private let row: [Double]?

    /// - Throws: `WorkbenchError` for a name that needs an experiment or a context.
    init(parsing name: String, arms: [String]) throws {
        if name == "logged" {
            policy = .logged
            row = nil
            return
        }
        policy = EvaluatedPolicy(name: name, target: .given)
        if name == "uniform" {
            row = [Double](repeating: 1 / Double(arms.count), count: arms.count)
        } else if name.hasPrefix("arm:") {
            guard let arm = arms.firstIndex(of: String(name.dropFirst(4))) else {
                throw WorkbenchError.invalidOption(
                    name: "--policy", expected: "an arm of the log (\(arms.joined(separator: ", ")))", found: name)
            }
            row = (0..<arms.count).map { $0 == arm ? 1 : 0 }
        } else {
            throw WorkbenchError.invalidOption(
                name: "--policy", expected: "uniform, arm:KEY or logged beside --target; other policies need --context or an experiment",
                found: name)
        }
    }

    /// The probabilities of that many rows.
    func rows(_ count: Int, armCount: Int) -> [Double] {
        guard let row else { return [] }
        var numbers: [Double] = []
        numbers.reserveCapacity(count * armCount)
        for _ in 0..<count { numbers.append(contentsOf: row) }
        return numbers
    }
}
