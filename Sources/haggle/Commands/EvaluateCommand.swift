import ArgumentParser
import Evaluation
import Foundation
import HaggleCore
import Reporting
import Workbench

struct EvaluateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate", abstract: "Off-policy evaluation: what another policy would have earned.",
        discussion: """
            Over an experiment's log:   haggle evaluate checkout-discount --policy snapshot:12 --policy uniform --policy arm:none
            A policy file, trained on the older half:  haggle evaluate checkout-discount --policy p.yaml --train-share 0.5
            From files alone:           haggle evaluate --log log.csv --target target.csv --reward-model qhat.csv

            An evaluation that the log cannot support says so instead of printing a number, and exits 1.
            """)

    @Argument(help: "The experiment's key; none with --log.")
    var experiment: String?

    @Option(help: ArgumentHelp("A policy file, snapshot:N, arm:KEY, uniform or logged. Repeatable.", valueName: "p"))
    var policy: [String] = []

    @Option(help: ArgumentHelp("A CSV file with arm, propensity and reward, one row an impression.", valueName: "file"))
    var log: String?

    @Option(help: ArgumentHelp("The target policy's probabilities: one column per arm, one row per impression.", valueName: "file"))
    var target: String?

    @Option(help: ArgumentHelp("With --log a file of estimates, one column per arm; else linear, neural or none.", valueName: "model"))
    var rewardModel: String?

    @Option(help: "Name of the column with the arm.") var armColumn = "arm"
    @Option(help: "Name of the column with the propensity.") var propensityColumn = "propensity"
    @Option(help: "Name of the column with the reward.") var rewardColumn = "reward"
    @Option(help: "Name of the column with the unit; intervals are clustered by it.") var unitColumn: String?

    @Option(help: ArgumentHelp("IPS, CIPS(10), SNIPS, DM, DR. Repeatable; default: all of them.", valueName: "name"))
    var estimator: [String] = []

    @Option(help: ArgumentHelp("normal or bootstrap. Repeatable.", valueName: "method"))
    var interval: [String] = []

    @Option(help: "Bootstrap resamples.") var resamples = 1000
    @Option(help: "Confidence level of the intervals.") var level = 0.95
    @Option(help: "Seed of the bootstrap and of the cross-fitting.") var seed: UInt64 = 1
    @Option(help: ArgumentHelp("Cluster by this column (with --log), or by row instead of the unit.", valueName: "column")) var cluster:
        String?
    @Option(help: ArgumentHelp("Train policy files on the oldest share of the log, evaluate on the rest.", valueName: "share"))
    var trainShare: Double?
    @Option(help: ArgumentHelp("Only impressions from this time on (ISO 8601).", valueName: "time")) var since: String?
    @Option(help: ArgumentHelp("Only impressions before this time.", valueName: "time")) var until: String?
    @Flag(help: "Print what the verdict calls unsupported, marked; exits 1 all the same.") var force = false

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var formatting: FormatOption

    func validate() throws {
        switch (experiment, log) {
        case (nil, nil): throw ValidationError("expected an experiment, or --log with --target")
        case (_?, _?): throw ValidationError("expected an experiment or --log, found both")
        case (_?, nil):
            if target != nil { throw ValidationError("--target goes with --log; for an experiment name policies with --policy") }
            if policy.isEmpty {
                throw ValidationError("expected at least one --policy: a policy file, snapshot:N, arm:KEY, uniform or logged")
            }
        case (nil, _?):
            if target == nil { throw ValidationError("--log needs --target") }
            if !policy.isEmpty || trainShare != nil { throw ValidationError("--policy and --train-share need an experiment, not --log") }
        }
        if let trainShare, !(trainShare > 0 && trainShare < 1) {
            throw ValidationError("--train-share: expected a share between 0 and 1, found \(trainShare)")
        }
        if experiment != nil, let rewardModel, LogEvaluation.RewardModelKind(rawValue: rewardModel) == nil {
            throw ValidationError("--reward-model: expected linear, neural or none, found \(rewardModel)")
        }
        for (name, text) in [("--since", since), ("--until", until)] {
            if let text, Timestamp(text) == nil { throw ValidationError("\(name): expected an ISO 8601 time, found \(text)") }
        }
        for name in interval where ![.normal, .bootstrap].contains(Interval.Method(rawValue: name)) {
            throw ValidationError("--interval: expected normal or bootstrap, found \(name)")
        }
        if experiment != nil, let cluster, !["unit", "row"].contains(cluster) {
            throw ValidationError("--cluster: expected unit or row for an experiment's log, found \(cluster)")
        }
    }

    func run() async throws {
        var options = EvaluationOptions(level: level, resamples: resamples, seed: seed, isForced: force)
        if !estimator.isEmpty { options.estimators = try estimator.map { try EstimatorPanel.parse($0) } }
        if !interval.isEmpty { options.intervals = interval.compactMap { Interval.Method(rawValue: $0) } }
        let report: EvaluationReport
        if let experiment {
            if cluster == "row" { options.clustering = .row }
            let evaluation = LogEvaluation(
                .init(
                    policies: policy, options: options,
                    rewardModel: rewardModel.flatMap { LogEvaluation.RewardModelKind(rawValue: $0) } ?? .linear, trainShare: trainShare,
                    since: since.flatMap { Timestamp($0) }, until: until.flatMap { Timestamp($0) }))
            report = try await database.withPool(logger: commandLogger()) {
                try await evaluation.run(ExperimentKey(experiment), pool: $0, asOf: Timestamp(seconds: Date().timeIntervalSince1970))
            }
        } else {
            var files = FileEvaluation.Configuration(log: log ?? "", target: target ?? "", rewardModel: rewardModel)
            files.armColumn = armColumn
            files.propensityColumn = propensityColumn
            files.rewardColumn = rewardColumn
            files.unitColumn = cluster == "row" ? nil : cluster ?? unitColumn
            report = try await FileEvaluation(files, options: options).run()
        }
        switch formatting.format {
        case .text: output(report.text(isTerminal: Terminal.standardOutput.isInteractive))
        case .json: output(try report.json())
        }
        if report.policies.contains(where: { $0.verdict == .unsupported }) { throw ExitCode(1) }
    }
}
