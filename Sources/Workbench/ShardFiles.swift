package import Evaluation
import Foundation
import HaggleCore
import Tabular

/// `haggle evaluate-shard` and `haggle evaluate-merge`: the map and the reduce of an evaluation over many files, processes or machines.
package enum ShardFiles {
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
        /// Number of the shard, from 0, where rows have units and their numbers do not matter; then `firstRow` is not read.
        package var shard: Int?

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
            firstRow: configuration.shard.map { ShardEvaluation.firstRow(ofShard: $0) } ?? configuration.firstRow)
        while var block = try rows.next(rows: blockRowCount) {
            for target in builtIn { block.targets.append(target.rows(block.rowCount, armCount: configuration.arms.count)) }
            try await evaluator.add(block)
            try Task.checkCancellation()
        }
        return try evaluator.serialised()
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

    /// Merges states, in any order, into the report of the whole; one state is in memory at a time.
    /// - Parameter isForced: whether unsupported estimates are shown.
    /// - Throws: `EvaluationError` for a damaged state, naming its file, for states of other set-ups and for rows that came twice.
    @concurrent
    package static func report(merging paths: [String], isForced: Bool) async throws -> EvaluationReport {
        var shards = ShardEvaluation()
        for path in paths {
            guard let bytes = FileManager.default.contents(atPath: path) else {
                throw WorkbenchError.unreadableFile(path: path, reason: "no such file, or no permission")
            }
            try await shards.add(Array(bytes), named: path)
        }
        return try await shards.report(isForced: isForced)
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
