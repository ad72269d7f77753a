import ArgumentParser
import EventLog
import Foundation
import HaggleCore
import Tabular
import Workbench

struct ImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "A log in, once however often repeated.",
        discussion: """
            haggle import open-bandit random_men.csv --experiment men --create men.yaml
            haggle import csv hillstrom.csv --experiment mail --create mail.yaml \\
                --map 'arm=segment,reward=spend,propensity=1/3,ignore=visit|conversion' --control 'No E-Mail'
            The whole file is checked before its first row is written. Without times, row order is time.
            """)

    @Argument(help: "csv, ndjson, dsjson or open-bandit.")
    var source: LogTransfer.Source

    @Argument(help: "The file; gzip is recognised.")
    var path: String

    @Option(help: "The experiment to import into.")
    var experiment: String

    @Option(help: ArgumentHelp("CSV: where fields come from, as FIELD=COLUMN or FIELD=CONSTANT, separated by commas.", valueName: "map"))
    var map: String?

    @Option(help: ArgumentHelp("Write an experiment file from what the log holds, apply it, and import into it.", valueName: "file"))
    var create: String?

    @Option(help: ArgumentHelp("The control arm, with --create.", valueName: "arm"))
    var control: String?

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var formatting: FormatOption

    func validate() throws {
        if map != nil, source != .csv { throw ValidationError("--map goes with csv") }
        if source == .csv, map == nil {
            throw ValidationError("csv needs --map, such as 'arm=segment,reward=spend,unit=customer,propensity=0.5'")
        }
    }

    func run() async throws {
        let job = LogTransfer.Import(
            source: source, path: path, experiment: ExperimentKey(experiment), map: map, create: create, control: control)
        let report = try await database.withPool(logger: commandLogger()) { pool in
            try await LogTransfer(pool: pool).run(job, by: currentUser(), now: Timestamp(seconds: Date().timeIntervalSince1970))
        }
        switch formatting.format {
        case .json: writeResult(try json(report))
        case .text:
            writeResult("\(report.rows) rows read: \(report.impressions) new impressions, \(report.conversions) new conversions")
            if let first = report.firstTime, let last = report.lastTime { writeResult("from \(first) to \(last)") }
            if report.withoutPropensity > 0 {
                writeResult("\(report.withoutPropensity) rows have no propensity: they can be learned from, not evaluated on")
            }
        }
    }
}

extension LogTransfer.Source: ExpressibleByArgument {}
extension LogExporter.Format: ExpressibleByArgument {}

struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "A log out: one row an impression, with its propensities and reward.")

    @Argument(help: "The experiment's key.")
    var experiment: String

    @Option(help: "csv, ndjson or dsjson.")
    var format: LogExporter.Format = .csv

    @Option(help: "Only this unit's rows.")
    var unit: String?

    @Option(help: ArgumentHelp("Where to write; standard output where not given.", valueName: "file"))
    var output: String?

    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        let rows = try await database.withPool(logger: commandLogger()) { pool in
            let transfer = LogTransfer(pool: pool)
            func export(to sink: inout RowOutput) async throws -> Int {
                try await transfer.export(
                    ExperimentKey(experiment), as: format, unit: unit.map { UnitID($0) },
                    now: Timestamp(seconds: Date().timeIntervalSince1970), to: &sink)
            }
            if let output { return try await withFileOutput(output) { try await export(to: &$0) } }
            var sink = RowOutput { try Terminal.standardOutput.write(bytes: $0) }
            return try await export(to: &sink)
        }
        note("\(rows) rows")
    }
}
