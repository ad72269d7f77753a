import ArgumentParser
import Evaluation
import Foundation
import Workbench

struct EvaluateShardCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate-shard", abstract: "The mergeable state of one part of a log, for evaluate-merge.",
        discussion: """
            haggle evaluate-shard part-1.csv --arms none,five,ten --policy columns:target_ --policy uniform --reward-model qhat_ > 1.state
            haggle evaluate-merge 1.state 2.state --output report.html

            A row holds everything about an impression: arm, propensity, reward, and for `columns:PREFIX` one column PREFIX + arm for each arm.
            Every shard needs the same arms, policies and flags. Rows without a unit are resampled by their number: tell each shard the
            number of its first row (--first-row, --count), or name the unit. The state goes to standard output.
            """)

    @Argument(help: "CSV or NDJSON, gzip or not; - is standard input.")
    var path: String

    @Option(help: ArgumentHelp("The arms and their order, separated by commas.", valueName: "a,b,c"))
    var arms: String?

    @Option(help: ArgumentHelp("columns:PREFIX, uniform, arm:KEY or logged. Repeatable.", valueName: "p"))
    var policy: [String] = []

    @Option(help: ArgumentHelp("Prefix of the columns with the reward model's estimates.", valueName: "prefix"))
    var rewardModel: String?

    @Option(help: ArgumentHelp("csv or ndjson; default: by the file's name.", valueName: "format"))
    var input: ShardFiles.Configuration.Input?

    @Option(help: "Name of the column with the arm.") var armColumn = "arm"
    @Option(help: "Name of the column with the propensity.") var propensityColumn = "propensity"
    @Option(help: "Name of the column with the reward.") var rewardColumn = "reward"
    @Option(help: "Name of the column with the unit; intervals are clustered by it.") var unitColumn: String?
    @Option(help: "Name of the column with the time.") var timeColumn: String?
    @Option(help: ArgumentHelp("Also evaluate each part of the log by this column.", valueName: "column")) var by: String?
    @Option(help: "The number of the shard's first row in the whole log, from 0.") var firstRow = 0
    @Option(help: "The number of the shard, from 0, instead of --first-row where every row has a unit.") var shard: Int?
    @Flag(help: "Only print how many rows the shard has.") var count = false

    @OptionGroup(title: "Estimates") var flags: EvaluationFlags

    func validate() throws {
        guard firstRow >= 0 else { throw ValidationError("--first-row: expected a count from 0, found \(firstRow)") }
        if let shard {
            guard (0..<1 << 20).contains(shard) else { throw ValidationError("--shard: expected a number in 0..<1048576, found \(shard)") }
            if unitColumn == nil { throw ValidationError("--shard needs --unit-column; rows without a unit are told apart by --first-row") }
            if firstRow != 0 { throw ValidationError("expected --shard or --first-row, found both") }
        }
        if count { return }
        if arms == nil { throw ValidationError("expected --arms, such as none,five,ten") }
        if policy.isEmpty { throw ValidationError("expected at least one --policy: columns:PREFIX, uniform, arm:KEY or logged") }
    }

    func run() async throws {
        if count {
            writeResult("\(try ShardFiles.rowCount(path: path, input: input))")
            return
        }
        var configuration = ShardFiles.Configuration(
            path: path, input: input,
            arms: (arms ?? "").split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }, policies: policy,
            estimatesPrefix: rewardModel)
        configuration.armColumn = armColumn
        configuration.propensityColumn = propensityColumn
        configuration.rewardColumn = rewardColumn
        configuration.unitColumn = unitColumn
        configuration.timeColumn = timeColumn
        configuration.segmentColumn = by
        configuration.firstRow = firstRow
        configuration.shard = shard
        let state = try await ShardFiles.state(of: configuration, options: try flags.options(isForced: false))
        try Terminal.standardOutput.write(bytes: state)
    }
}

struct EvaluateMergeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate-merge", abstract: "The report of many shards, from the states that evaluate-shard wrote.")

    @Argument(help: "The states, in any order.")
    var states: [String]

    @Flag(help: "Print what the verdict calls unsupported, marked; exits 1 all the same.") var force = false

    @OptionGroup var report: ReportOutput

    func run() async throws {
        let merged = try await ShardFiles.report(merging: states, isForced: force)
        try report.write(merged, title: "Off-policy evaluation of \(states.count) shards")
    }
}

extension ShardFiles.Configuration.Input: ExpressibleByArgument {}
