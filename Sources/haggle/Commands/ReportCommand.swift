import Analysis
import ArgumentParser
import Foundation
import HaggleCore
import Workbench

struct ReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report", abstract: "Arms, allocation over time, lift against holdout with intervals, sample-ratio check.")

    @Argument(help: "The experiment's key.")
    var experiment: String

    @Option(help: ArgumentHelp("Write a self-contained HTML page.", valueName: "report.html"))
    var output: String?

    @OptionGroup var database: DatabaseOptions
    @OptionGroup var formatting: FormatOption

    func run() async throws {
        let analysis = try await database.withPool(logger: commandLogger()) { pool in
            let (key, now) = (ExperimentKey(experiment), Timestamp(seconds: Date().timeIntervalSince1970))
            let analysis = try await ExperimentAnalysis.summary(of: key, pool: pool, asOf: now)
            return analysis.adding([try await ExplanationSection.read(of: key, pool: pool, asOf: now)].compactMap { $0 })
        }
        if let output {
            do {
                try Data(analysis.html().utf8).write(to: URL(filePath: output))
            } catch {
                throw WorkbenchError.unwritableFile(path: output, reason: error.localizedDescription)
            }
            note("wrote \(output)")
        }
        switch formatting.format {
        case .text: try write(analysis.text(isTerminal: Terminal.standardOutput.isInteractive))
        case .json: try write(String(decoding: analysis.json(), as: UTF8.self))
        }
    }

    private func write(_ text: String) throws { try Terminal.standardOutput.write(bytes: Array((text + "\n").utf8)) }
}
