package import Evaluation
import Foundation
import HaggleCore
import Tabular

/// `haggle evaluate-shard` and `haggle evaluate-merge`: the map and the reduce of an evaluation over many files, processes or machines.
package struct ShardEvaluation: Sendable {
    package struct Configuration: Sendable {
        package enum Input: String, Sendable, CaseIterable { case csv, ndjson }

        /// `-` is standard input.
        package var path: String
        /// Nil: by the file's name; standard input needs it.
        package var input: Input?
        /// The arms and their order; the same for every shard.
        package var arms: [String]
        /// `uniform`, `arm:KEY`, `logged`, `columns:PREFIX`.
        package var policies: [String]
        /// Column prefix of the reward model's estimates.
        package var estimatesPrefix: String?
        package var armColumn = "arm"
        package var propensityColumn = "propensity"
        package var rewardColumn = "reward"
        package var unitColumn: String?
        package var timeColumn: String?
        package var segmentColumn: String?
        /// The number of the shard's first row in the whole log, from 0.
        package var firstRow = 0

        package init(path: String, input: Input? = nil, arms: [String], policies: [String], estimatesPrefix: String? = nil) {
            self.path = path
            self.input = input
            self.arms = arms
            self.policies = policies
            self.estimatesPrefix = estimatesPrefix
        }
    }

    private static let blockRowCount = 65_536

    /// Evaluates one shard.
    /// - Returns: its state, for `merge`.
    /// - Throws: `TabularError` with file and line, `EvaluationError` with the row, `WorkbenchError` for a configuration that will not do.
    @concurrent
    package static func state(of configuration: Configuration, options: EvaluationOptions) async throws -> [UInt8] {
        guard Set(configuration.arms).count == configuration.arms.count, !configuration.arms.isEmpty else {
            throw WorkbenchError.invalidOption(
                name: "--arms", expected: "different arms, separated by commas", found: configuration.arms.joined(separator: ","))
        }
        var prefixes: [String] = []
        var builtIn: [BuiltInTarget] = []
        for name in configuration.policies {
            if name.hasPrefix("columns:") {
                prefixes.append(String(name.dropFirst(8)))
            } else {
                builtIn.append(try BuiltInTarget(parsing: name, arms: configuration.arms))
            }
        }
        let columns = ShardRows.Columns(
            arm: configuration.armColumn, propensity: configuration.propensityColumn, reward: configuration.rewardColumn,
            unit: configuration.unitColumn, time: configuration.timeColumn, segment: configuration.segmentColumn, targets: prefixes,
            estimates: configuration.estimatesPrefix)
        var rows = try ShardRows(path: configuration.path, format: try format(configuration), columns: columns, arms: configuration.arms)
        var options = options
        options.unitName = configuration.unitColumn ?? options.unitName
        options.armNames = configuration.arms
        options.segmentBy = configuration.segmentColumn
        var evaluator = try Evaluator(
            policies: prefixes.map { EvaluatedPolicy(name: "columns:" + $0, target: .given) } + builtIn.map(\.policy),
            armCount: configuration.arms.count, options: options, rewardModel: configuration.estimatesPrefix == nil ? nil : "columns",
            firstRow: configuration.firstRow)
        while var block = try rows.next(rows: blockRowCount) {
            for target in builtIn { block.targets.append(target.rows(block.rowCount, armCount: configuration.arms.count)) }
            try await evaluator.add(block)
            try Task.checkCancellation()
        }
        return try await evaluator.serialised()
    }

    /// How many rows a shard has, to number those of the next one.
    package static func rowCount(path: String, input: Configuration.Input?) throws -> Int {
        let path = path == "-" ? "/dev/stdin" : path
        var count = 0
        if try format(Configuration(path: path, input: input, arms: [], policies: [])) == .csv {
            var reader = try CSVReader(path: path)
            while try reader.next() != nil { count += 1 }
        } else {
            var reader = try NDJSONReader(path: path)
            while try reader.next() != nil { count += 1 }
        }
        return count
    }

    /// Merges states, in any order, into the report of the whole.
    /// - Parameter isForced: whether unsupported estimates are shown.
    /// - Throws: `EvaluationError` for a damaged state, naming its file, and for states of other set-ups.
    @concurrent
    package static func report(merging paths: [String], isForced: Bool) async throws -> EvaluationReport {
        var merged: Evaluator?
        for path in paths {
            guard let bytes = FileManager.default.contents(atPath: path) else {
                throw WorkbenchError.unreadableFile(path: path, reason: "no such file, or no permission")
            }
            do {
                let next = try Evaluator(serialised: Array(bytes))
                if merged == nil { merged = next } else { try await merged?.merge(next) }
            } catch let error as EvaluationError {
                throw WorkbenchError.unreadableFile(path: path, reason: error.description)
            }
        }
        guard var merged else { throw WorkbenchError.emptyLog(what: "no states were given") }
        merged.isForced = isForced
        return try await merged.report()
    }

    private static func format(_ configuration: Configuration) throws -> ShardRows.Format {
        switch configuration.input {
        case .csv: return .csv
        case .ndjson: return .ndjson
        case nil: break
        }
        let name = configuration.path.hasSuffix(".gz") ? String(configuration.path.dropLast(3)) : configuration.path
        if name.hasSuffix(".csv") { return .csv }
        if name.hasSuffix(".ndjson") || name.hasSuffix(".jsonl") || name.hasSuffix(".json") { return .ndjson }
        throw WorkbenchError.invalidOption(
            name: "--input", expected: "csv or ndjson, as the name does not tell", found: configuration.path)
    }
}
