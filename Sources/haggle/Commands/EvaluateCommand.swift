import ArgumentParser
import Evaluation
import EventLog
import Foundation
import HaggleCore
import Workbench

struct EvaluateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate", abstract: "Off-policy evaluation: what another policy would have earned.",
        discussion: """
            Over an experiment's log:
              haggle evaluate checkout-discount --policy snapshot:12 --policy uniform --policy arm:none --by channel
            A policy file, trained on the older half and judged on the newer:
              haggle evaluate checkout-discount --policy candidate.yaml --train-share 0.5 --output report.html
            A log in a file, with contexts (CSV, NDJSON, dsjson, an Open Bandit folder; gzip or not):
              haggle evaluate --log log.csv --context recency,channel --policy candidate.yaml --train-share 0.5
            From files of numbers alone, streamed:
              haggle evaluate --log log.csv --target target.csv --reward-model qhat.csv --estimator DR --interval bootstrap

            P is a policy file, replay:FILE (the whole learning algorithm, by rejection), snapshot:N, arm:KEY, uniform, logged, or a CSV file
            of probabilities. An evaluation that the log cannot support says so instead of printing a number, and exits 1.
            """)

    @Argument(help: "The experiment's key; none with --log.")
    var experiment: String?

    @Option(help: ArgumentHelp("What to evaluate; see above. Repeatable.", valueName: "p"))
    var policy: [String] = []

    @Option(help: ArgumentHelp("A log in a file, one row an impression.", valueName: "file"))
    var log: String?

    @Option(
        help: ArgumentHelp("A target policy's probabilities: one column per arm, one row per row of --log. Repeatable.", valueName: "file"))
    var target: [String] = []

    @Option(
        help: ArgumentHelp(
            "With --target a file of estimates, one column per arm; else linear, logistic, shared, neural or none.", valueName: "model"))
    var rewardModel: String?

    @Option(help: ArgumentHelp("How --log is written; default: by its name.", valueName: "format")) var logFormat: LogFile.Format?
    @Option(help: "Name of the column with the arm.") var armColumn = "arm"
    @Option(help: "Name of the column with the propensity.") var propensityColumn = "propensity"
    @Option(help: "Name of the column with the reward.") var rewardColumn = "reward"
    @Option(help: "Name of the column with the unit; intervals are clustered by it.") var unitColumn: String?
    @Option(help: "Name of the column with the time.") var timeColumn: String?
    @Option(help: "Name of the column with the eligible arms, joined by |.") var eligibleColumn: String?
    @Option(help: ArgumentHelp("Context columns of a CSV log, separated by commas.", valueName: "a,b,c")) var context: String?
    @Option(help: ArgumentHelp("Features of the arms: a CSV file with arm, discount and others.", valueName: "file")) var armFeatures:
        String?

    @OptionGroup(title: "Estimates") var flags: EvaluationFlags

    @Option(help: ArgumentHelp("Cluster by this column (with --log), or by row instead of the unit.", valueName: "column")) var cluster:
        String?
    @Option(help: "Rows the reward model may have seen: cross-fitted, or past-only for adaptive logs.")
    var fitting: EvaluationOptions.Fitting = .crossFitted
    @Option(help: ArgumentHelp("Train policy files on the oldest share of the log, evaluate on the rest.", valueName: "share"))
    var trainShare: Double?
    @Option(help: ArgumentHelp("Also evaluate each part of the log by this feature or column.", valueName: "feature")) var by: String?
    @Option(
        name: .customLong("where"), help: ArgumentHelp("Only rows like \"channel = 'web' and recency_days > 30\".", valueName: "condition"))
    var condition: String?
    @Option(help: ArgumentHelp("Only impressions from this time on (ISO 8601).", valueName: "time")) var since: String?
    @Option(help: ArgumentHelp("Only impressions before this time.", valueName: "time")) var until: String?
    @Flag(help: "Estimate the propensities of a log that has none; marked everywhere.") var estimatePropensities = false
    @Flag(help: "Print what the verdict calls unsupported, marked; exits 1 all the same.") var force = false

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var report: ReportOutput

    func validate() throws {
        switch (experiment, log) {
        case (nil, nil): throw ValidationError("expected an experiment, or --log")
        case (_?, _?): throw ValidationError("expected an experiment or --log, found both")
        case (_?, nil):
            if !target.isEmpty { throw ValidationError("--target goes with --log; for an experiment name policies with --policy") }
            if context != nil || eligibleColumn != nil || logFormat != nil {
                throw ValidationError("--context, --eligible-column and --log-format go with --log")
            }
        case (nil, _?):
            if !target.isEmpty, trainShare != nil || estimatePropensities || context != nil {
                throw ValidationError("--train-share, --estimate-propensities and --context go with --policy, not with --target")
            }
        }
        if policy.isEmpty, target.isEmpty {
            throw ValidationError(
                "expected at least one --policy: a policy file, snapshot:N, arm:KEY, uniform or logged (or --log with --target)")
        }
        if let trainShare, !(trainShare > 0 && trainShare < 1) {
            throw ValidationError("--train-share: expected a share between 0 and 1, found \(trainShare)")
        }
        if target.isEmpty, let rewardModel, LogEvaluation.RewardModelKind(rawValue: rewardModel) == nil {
            let known = LogEvaluation.RewardModelKind.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("--reward-model: expected one of \(known) (a file only with --target), found \(rewardModel)")
        }
        for (name, text) in [("--since", since), ("--until", until)] {
            if let text, Timestamp(text) == nil { throw ValidationError("\(name): expected an ISO 8601 time, found \(text)") }
        }
        if experiment != nil, let cluster, !["unit", "row"].contains(cluster) {
            throw ValidationError("--cluster: expected unit or row for an experiment's log, found \(cluster)")
        }
    }

    func run() async throws {
        var options = try flags.options(isForced: force)
        options.fitting = fitting
        if cluster == "row" { options.clustering = .row }
        let title = "Off-policy evaluation of \(experiment ?? log ?? "a log")"
        try report.write(try await evaluate(options), title: title)
    }

    private func evaluate(_ options: EvaluationOptions) async throws -> EvaluationReport {
        if !target.isEmpty { return try await evaluateFiles(options) }
        let evaluation = LogEvaluation(
            .init(
                policies: policy, options: options,
                rewardModel: rewardModel.flatMap { LogEvaluation.RewardModelKind(rawValue: $0) } ?? .linear, trainShare: trainShare,
                since: since.flatMap { Timestamp($0) }, until: until.flatMap { Timestamp($0) }, condition: condition, segmentBy: by,
                estimatesPropensities: estimatePropensities, armFeatures: armFeatures))
        guard let experiment else {
            return try await evaluation.run(
                LogEvaluation.FileLog(
                    path: log ?? "", format: logFormat,
                    columns: CSVInteractionSource.Columns(
                        arm: armColumn, propensity: estimatePropensities ? nil : propensityColumn, reward: rewardColumn, unit: unit,
                        time: timeColumn, eligible: eligibleColumn,
                        context: context.map { $0.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) } } ?? [])))
        }
        return try await database.withPool(logger: commandLogger()) {
            try await evaluation.run(ExperimentKey(experiment), pool: $0, asOf: Timestamp(seconds: Date().timeIntervalSince1970))
        }
    }

    private func evaluateFiles(_ options: EvaluationOptions) async throws -> EvaluationReport {
        var files = EvaluationFiles.Configuration(log: log ?? "", targets: target, rewardModel: rewardModel)
        files.armColumn = armColumn
        files.propensityColumn = propensityColumn
        files.rewardColumn = rewardColumn
        files.unitColumn = unit
        files.timeColumn = timeColumn
        files.segmentColumn = by
        files.since = since.flatMap { Timestamp($0) }
        files.until = until.flatMap { Timestamp($0) }
        let progress = Progress("rows read", total: nil)
        let report = try await FileEvaluation(
            files, policies: policy, condition: condition, armFeatures: armFeatures, options: options
        ).run { progress.report($0) }
        progress.finish()
        return report
    }

    /// `--cluster` names the column too, as data scientists say it.
    private var unit: String? { cluster == "row" ? nil : cluster ?? unitColumn }
}

extension LogFile.Format: ExpressibleByArgument {}
extension EvaluationOptions.Fitting: ExpressibleByArgument {}
