import ArgumentParser
import EventLog
import Experiments
import Foundation
import HaggleCore
import Reporting
import Synchronization
import Training
import Workbench

struct TrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "Cross-validate reward models and find the best of a grid.",
        discussion: """
            A list for any key under policy.model is a grid: hidden: [[32], [64, 32]], learning_rate: [0.001, 0.01].
            On an experiment's log, with the grid of its file; stopped and repeated, it goes on where it stood:
              haggle train checkout.yaml --output training
            On a log in a file, writing the best model back:
              haggle train checkout.yaml --log log.csv --unit-column customer --write checkout.yaml
              haggle train --log log.csv --context recency,channel --policy grid.yaml --tensorboard runs
            --output holds training.jsonl (results fold by fold), training.html (curves) and training.json.
            """)

    @Argument(help: "The experiment's key or its file; none with --log and --policy.")
    var experiment: String?

    @Option(help: ArgumentHelp("The model or grid to train: a policy file. Default: the experiment's own.", valueName: "file"))
    var policy: String?

    @Option(help: "Folds of the cross-validation.") var folds = 5
    @Option(help: "unit: all rows of a unit in one fold; time: forward chaining.") var split: FoldPlan.Split = .unit
    @Option(help: "Seed of the folds and of everything random in training.") var seed: UInt64 = 1
    @Option(help: ArgumentHelp("Folds trained at once; default: one a core.", valueName: "n")) var workers: Int?

    @Option(help: ArgumentHelp("Folder for stored results and the page with curves.", valueName: "dir")) var output: String?
    @Option(name: .customLong("tensorboard"), help: ArgumentHelp("Folder for TensorBoard event files.", valueName: "dir"))
    var tensorBoard: String?
    @Option(help: ArgumentHelp("Write the best model into this experiment or policy file.", valueName: "file")) var write: String?

    @Option(help: ArgumentHelp("A log in a file, one row an impression.", valueName: "file")) var log: String?
    @Option(help: ArgumentHelp("How --log is written; default: by its name.", valueName: "format")) var logFormat: LogFile.Format?
    @Option(help: "Name of the column with the arm.") var armColumn = "arm"
    @Option(help: "Name of the column with the propensity; an empty name for a log without.") var propensityColumn = "propensity"
    @Option(help: "Name of the column with the reward.") var rewardColumn = "reward"
    @Option(help: "Name of the column with the unit.") var unitColumn: String?
    @Option(help: "Name of the column with the time.") var timeColumn: String?
    @Option(help: "Name of the column with the eligible arms, joined by |.") var eligibleColumn: String?
    @Option(help: ArgumentHelp("Context columns of a CSV log, separated by commas.", valueName: "a,b,c")) var context: String?
    @Option(help: ArgumentHelp("Only impressions from this time on (ISO 8601).", valueName: "time")) var since: String?
    @Option(help: ArgumentHelp("Only impressions before this time.", valueName: "time")) var until: String?

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var formatting: FormatOption

    func validate() throws {
        if experiment == nil, log == nil { throw ValidationError("expected an experiment (key or file), or --log") }
        if experiment == nil, policy == nil { throw ValidationError("--log alone: expected --policy FILE with the model or grid to train") }
        if log == nil, context != nil || logFormat != nil || unitColumn != nil || timeColumn != nil || eligibleColumn != nil {
            throw ValidationError("--context, --log-format and the names of columns go with --log")
        }
        if let log, experiment.map({ !TrainingRun.isFile($0) }) ?? false, policy == nil {
            throw ValidationError("--log \(log): expected the experiment's file (name.yaml) or --policy, found a key")
        }
        if folds < 2 { throw ValidationError("--folds: expected 2 or more, found \(folds)") }
        if let workers, workers < 1 { throw ValidationError("--workers: expected 1 or more, found \(workers)") }
        for (name, text) in [("--since", since), ("--until", until)] {
            if let text, Timestamp(text) == nil { throw ValidationError("\(name): expected an ISO 8601 time, found \(text)") }
        }
    }

    func run() async throws {
        let now = Timestamp(seconds: Date().timeIntervalSince1970)
        let training = TrainingRun(
            .init(
                experiment: experiment, policy: policy, log: fileLog,
                search: ModelSearch.Configuration(folds: folds, split: split, seed: seed, workers: workers), output: output,
                tensorBoard: tensorBoard, since: since.flatMap { Timestamp($0) }, until: until.flatMap { Timestamp($0) }))
        let shown = FoldProgress()
        let result: TrainingRun.Result
        if training.needsDatabase {
            result = try await database.withPool(logger: commandLogger()) {
                try await training.run(pool: $0, asOf: now) { shown.report($0, of: $1) }
            }
        } else {
            result = try await training.run(asOf: now) { shown.report($0, of: $1) }
        }
        shown.finish()
        switch formatting.format {
        case .text:
            writeResult(
                result.report.text(
                    quantity: TrainingRun.quantity(of: result.report), isTerminal: Terminal.standardOutput.isInteractive))
        case .json: writeResult(try result.report.json())
        }
        if let output { note("wrote \(output)/training.html, training.json and training.jsonl") }
        if let tensorBoard { note("wrote event files; look at them with: tensorboard --logdir \(tensorBoard)") }
        try writeBack(result.choices)
        if result.report.best == nil { throw ExitCode(1) }
    }

    /// The best model as a change of the file, and into it where that was asked for.
    private func writeBack(_ choices: [ModelPatch.Setting]) throws {
        guard !choices.isEmpty else { return }
        if let write {
            if let difference = try TrainingRun.write(choices, into: write) {
                note(difference.isEmpty ? "\(write) has the best model already" : "\(difference)wrote \(write)")
                return
            }
            note("\(write): the model's place could not be found for certain, so nothing was written; put this in by hand:")
        } else if let file = policy ?? experiment.flatMap({ TrainingRun.isFile($0) ? $0 : nil }),
            let difference = try TrainingRun.difference(of: choices, in: file)
        {
            note(difference.isEmpty ? "\(file) has the best model already" : "\(difference)not written: repeat with --write \(file)")
            return
        } else {
            note("the best model, for the experiment's file:")
        }
        note(ModelPatch.snippet(choices))
        if write != nil { throw ExitCode(1) }
    }

    private var fileLog: LogEvaluation.FileLog? {
        log.map {
            LogEvaluation.FileLog(
                path: $0, format: logFormat,
                columns: CSVInteractionSource.Columns(
                    arm: armColumn, propensity: propensityColumn.isEmpty ? nil : propensityColumn, reward: rewardColumn, unit: unitColumn,
                    time: timeColumn, eligible: eligibleColumn,
                    context: context.map { $0.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) } } ?? []))
        }
    }
}

/// A progress bar whose length is known with the first fold.
private final class FoldProgress: Sendable {
    private let bar = Mutex<Progress?>(nil)

    func report(_ done: Int, of total: Int) {
        bar.withLock { bar in
            if bar == nil { bar = Progress("folds trained", total: total) }
            bar?.report(done)
        }
    }

    func finish() { bar.withLock { $0?.finish() } }
}

extension FoldPlan.Split: ExpressibleByArgument {}
