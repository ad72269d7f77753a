import ArgumentParser
import Foundation
import Synchronization
import Workbench

struct BakeoffCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bakeoff", abstract: "Play algorithms on labelled rows: every class an arm, reward 1 if right.",
        discussion: """
            haggle bakeoff --data rows.csv --label class
            haggle bakeoff --data rows.csv --label class --policy auto --policy linear-ucb --policy mine.yaml --seeds 3 --curve curve.svg

            Columns of numbers are the context, the label is the right arm; a policy sees the reward of the arm it played and nothing else.
            P is a policy file or the name of an algorithm. Nothing of a row is known before it is played.
            """)

    @Option(help: ArgumentHelp("CSV with a header; gzip or not.", valueName: "file")) var data: String
    @Option(help: "Name of the column with the right arm.") var label: String
    @Option(
        help: ArgumentHelp(
            "A row position (from 0) a line: the order of play. Repeatable: results are averaged. Default: the file's.", valueName: "file"))
    var order: [String] = []
    @Option(help: ArgumentHelp("A policy file or an algorithm. Repeatable. (default: auto)", valueName: "p")) var policy: [String] = []
    @Option(help: "The first seed.") var seed: UInt64 = 1
    @Option(help: "Games with different seeds in every order.") var seeds = 1
    @Option(help: ArgumentHelp("Also draw the mean reward over the rounds, as SVG.", valueName: "file")) var curve: String?

    @OptionGroup var formatting: FormatOption

    func validate() throws {
        guard (1...1000).contains(seeds) else { throw ValidationError("--seeds: expected a number from 1 to 1000, found \(seeds)") }
    }

    func run() async throws {
        let bakeoff = try LabelledBakeoff(
            .init(data: data, label: label, orders: order, policies: policy.isEmpty ? ["auto"] : policy, seed: seed, seedCount: seeds))
        if !bakeoff.skippedColumns.isEmpty { note("not read, because they hold texts: \(bakeoff.skippedColumns.joined(separator: ", "))") }
        let progress = Progress("rounds played", total: bakeoff.totalRounds)
        let done = Counter()
        let report = try await bakeoff.run { progress.report(done.add($0)) }
        progress.finish()
        switch formatting.format {
        case .text: writeResult(report.text(isTerminal: Terminal.standardOutput.isInteractive))
        case .json: writeResult(try json(report))
        }
        if let curve {
            do {
                try Data(report.curveSVG().utf8).write(to: URL(filePath: curve))
            } catch {
                throw WorkbenchError.unwritableFile(path: curve, reason: error.localizedDescription)
            }
            note("wrote \(curve)")
        }
    }
}

/// Rounds played by all games.
private final class Counter: Sendable {
    private let count = Mutex(0)

    func add(_ more: Int) -> Int {
        count.withLock {
            $0 += more
            return $0
        }
    }
}
