import ArgumentParser
import Evaluation
import Foundation
import HaggleCore
import Reporting
import Workbench

/// Where an evaluation goes: standard output, and a file if one is named.
struct ReportOutput: ParsableArguments {
    @Option(help: ArgumentHelp("Also write the report to a file: .html (self-contained), .json or .txt.", valueName: "file"))
    var output: String?

    @OptionGroup var formatting: FormatOption

    private enum FileFormat: String { case html, json, txt }

    func validate() throws {
        if let output, fileFormat == nil {
            throw ValidationError("--output: expected a name that ends in .html, .json or .txt, found \(output)")
        }
    }

    private var fileFormat: FileFormat? { output.flatMap { FileFormat(rawValue: URL(filePath: $0).pathExtension.lowercased()) } }

    /// Prints a report and then writes it, with the command line and the time as its last facts: a file that cannot be written loses nothing.
    /// - Throws: `ExitCode(1)` where a verdict is `unsupported`.
    func write(_ report: EvaluationReport, title: String) throws {
        var report = report
        var provenance =
            report.provenance ?? Provenance(program: "", command: [], madeAt: "", data: [], policies: [:], choices: [:])
        provenance.program = "haggle \(Haggle.configuration.version)"
        provenance.command = ["haggle"] + CommandLine.arguments.dropFirst()
        provenance.madeAt = Timestamp(seconds: Date().timeIntervalSince1970).description
        report.provenance = provenance
        switch formatting.format {
        case .text:
            writeResult(
                report.text(
                    quantity: quantity(of: report), metric: report.metric ?? "reward", isTerminal: Terminal.standardOutput.isInteractive))
        case .json: writeResult(try report.json())
        }
        if let output, let fileFormat {
            let text =
                switch fileFormat {
                case .html: report.html(title: title, quantity: quantity(of: report), metric: report.metric ?? "reward")
                case .json: try report.json()
                case .txt: report.text(quantity: quantity(of: report), metric: report.metric ?? "reward")
                }
            do {
                try Data(text.utf8).write(to: URL(filePath: output))
            } catch {
                throw WorkbenchError.unwritableFile(path: output, reason: error.localizedDescription)
            }
            note("wrote \(output)")
        }
        if report.policies.contains(where: { $0.verdict == .unsupported }) { throw ExitCode(1) }
    }

    /// How the rewards are written.
    private func quantity(of report: EvaluationReport) -> Quantity {
        switch report.metric.flatMap({ RewardConfiguration.Metric(rawValue: $0) }) {
        case .conversion: .share
        case .revenue, .margin: .money(currency: report.currency)
        case .value, nil: .plain
        }
    }
}
