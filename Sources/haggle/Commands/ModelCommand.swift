import ArgumentParser
import Evaluation
import Foundation
import HaggleCore
import Learning
import Reporting
import Workbench

struct ModelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model", abstract: "Serving snapshots: list, show, publish, roll back, unpin.",
        subcommands: [List.self, Show.self, Publish.self, Rollback.self, Unpin.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "All snapshots of an experiment, newest first.")

        @Argument(help: "The experiment's key.")
        var experiment: String

        @Option(help: "At most so many.")
        var limit = 50

        @OptionGroup var database: DatabaseOptions
        @OptionGroup var formatting: FormatOption

        func run() async throws {
            let listing = try await database.withPool(logger: commandLogger()) {
                try await ModelAdministration(pool: $0).list(ExperimentKey(experiment), limit: limit)
            }
            switch formatting.format {
            case .json: writeResult(try json(listing))
            case .text:
                var table = TextTable(columns: [
                    .number("version"), .text("kind"), .number("network"), .number("experiment version"), .text("published"),
                    .number("candidate"), .text("gate"),
                ])
                for model in listing.snapshots {
                    table.append([
                        "\(model.version)", model.kind, "\(model.networkVersion)", "\(model.experimentVersion)", model.publishedAt,
                        model.gate.map { "\($0.candidate)" } ?? "", model.gate?.reason ?? "",
                    ])
                }
                writeResult(table.text(isTerminal: Terminal.standardOutput.isInteractive))
                guard !listing.keptBack.isEmpty else { return }
                var keptBack = TextTable(columns: [
                    .number("candidate"), .text("judged"), .number("against snapshot"), .text("gate"),
                ])
                for candidate in listing.keptBack {
                    keptBack.append(["\(candidate.candidate)", candidate.judgedAt, "\(candidate.serving)", candidate.reason])
                }
                writeResult(
                    "Kept back by the gate; to publish one all the same: haggle model publish \(experiment) CANDIDATE --force --note REASON"
                )
                writeResult(keptBack.text(isTerminal: Terminal.standardOutput.isInteractive))
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "One snapshot: its model, training and posterior.")

        @Argument(help: "The experiment's key.")
        var experiment: String

        @Argument(help: "The snapshot's version; the newest where not given.")
        var version: Int?

        @OptionGroup var database: DatabaseOptions
        @OptionGroup var formatting: FormatOption

        func run() async throws {
            let model = try await database.withPool(logger: commandLogger()) {
                try await ModelAdministration(pool: $0).show(ExperimentKey(experiment), version: version.map { SnapshotVersion($0) })
            }
            switch formatting.format {
            case .json: writeResult(try json(model))
            case .text:
                writeResult(
                    "snapshot \(model.summary.version) of \(experiment): \(model.summary.kind), published \(model.summary.publishedAt)")
                writeResult("  algorithm  \(model.algorithm)")
                writeResult("  network    \(model.network) (first in snapshot \(model.summary.networkVersion))")
                writeResult("  features   \(model.columns.joined(separator: ", "))")
                var table = TextTable(columns: [.text("arm"), .number("impressions"), .number("mean reward")])
                for arm in model.arms {
                    table.append([
                        arm.arm, NumberFormat.count(Int(arm.impressions.rounded())),
                        arm.meanReward.map { NumberFormat.significant($0) } ?? "",
                    ])
                }
                writeResult(table.text(isTerminal: Terminal.standardOutput.isInteractive))
                if let gate = model.summary.gate { writeResult(Self.text(gate)) }
            }
        }

        private static func text(_ gate: ModelAdministration.GateSummary) -> String {
            var lines = ["gate       candidate \(gate.candidate), look \(gate.look): \(gate.reason)"]
            if let note = gate.note { lines.append("           published all the same: \(note)") }
            if let look = gate.numbers {
                let measured = look.measurement
                lines.append(
                    "           \(NumberFormat.count(measured.rows)) rows after the cut (\(NumberFormat.count(measured.trainingRows)) before), "
                        + "weights \(measured.verdict.rawValue), alpha spent \(NumberFormat.significant(look.spent))")
                for comparison in measured.comparisons {
                    guard let difference = comparison.difference else { continue }
                    let interval = look.difference(to: comparison.baseline).map {
                        ", \(NumberFormat.significant($0.lower)) to \(NumberFormat.significant($0.upper))"
                    }
                    lines.append(
                        "           less \(comparison.baseline.rawValue): \(NumberFormat.significant(difference))"
                            + (interval ?? ", not supported by the log"))
                }
                lines.append("           These numbers decide; they are selected, and no estimate of what a policy earns.")
            }
            return lines.joined(separator: "\n")
        }
    }

    struct Publish: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Publish a candidate that the gate kept back.")

        @Argument(help: "The experiment's key.")
        var experiment: String

        @Argument(help: "The candidate's number in `haggle model list`.")
        var candidate: Int

        @Flag(help: "Publish it against the gate's decision.")
        var force = false

        @Option(help: "Why; stands in the audit log. Needed with --force.")
        var note: String?

        @OptionGroup var database: DatabaseOptions

        func validate() throws {
            if force, (note ?? "").allSatisfy(\.isWhitespace) { throw ValidationError("--force needs --note with the reason") }
        }

        func run() async throws {
            let published = try await database.withPool(logger: commandLogger()) {
                try await ModelAdministration(pool: $0).publish(
                    ExperimentKey(experiment), candidate: candidate, isForced: force, note: note ?? "",
                    now: Timestamp(seconds: Date().timeIntervalSince1970), by: currentUser())
            }
            writeResult("published candidate \(candidate) as snapshot \(published)")
        }
    }

    struct Rollback: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Bring back the network of an earlier snapshot as a new version, pinned until `unpin`.")

        @Argument(help: "The experiment's key.")
        var experiment: String

        @Argument(help: "The version to bring back.")
        var version: Int

        @OptionGroup var database: DatabaseOptions

        func run() async throws {
            let published = try await database.withPool(logger: commandLogger()) {
                try await ModelAdministration(pool: $0).rollBack(
                    ExperimentKey(experiment), to: SnapshotVersion(version), now: Timestamp(seconds: Date().timeIntervalSince1970),
                    by: currentUser())
            }
            writeResult(
                "published snapshot \(published) with the network of snapshot \(version); pinned until `haggle model unpin \(experiment)`")
        }
    }

    struct Unpin: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Let the learner replace the network again.")

        @Argument(help: "The experiment's key.")
        var experiment: String

        @OptionGroup var database: DatabaseOptions

        func run() async throws {
            try await database.withPool(logger: commandLogger()) {
                try await ModelAdministration(pool: $0).unpin(ExperimentKey(experiment), by: currentUser())
            }
            writeResult("unpinned")
        }
    }
}
