import ArgumentParser
import Foundation
import HaggleCore
import Reporting
import Workbench

struct ModelCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model", abstract: "Serving snapshots: list, show, roll back, unpin.",
        subcommands: [List.self, Show.self, Rollback.self, Unpin.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "All snapshots of an experiment, newest first.")

        @Argument(help: "The experiment's key.")
        var experiment: String

        @Option(help: "At most so many.")
        var limit = 50

        @OptionGroup var database: DatabaseOptions
        @OptionGroup var formatting: FormatOption

        func run() async throws {
            let models = try await database.withPool(logger: commandLogger()) {
                try await ModelAdministration(pool: $0).list(ExperimentKey(experiment), limit: limit)
            }
            switch formatting.format {
            case .json: writeResult(try json(models))
            case .text:
                var table = TextTable(columns: [
                    .number("version"), .text("kind"), .number("network"), .number("experiment version"), .text("published"),
                ])
                for model in models {
                    table.append([
                        "\(model.version)", model.kind, "\(model.networkVersion)", "\(model.experimentVersion)", model.publishedAt,
                    ])
                }
                writeResult(table.text(isTerminal: Terminal.standardOutput.isInteractive))
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
                writeResult("snapshot \(model.summary.version) of \(experiment): \(model.summary.kind), published \(model.summary.publishedAt)")
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
            }
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
            output(
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
