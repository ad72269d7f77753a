import Experiments
import Foundation
import HaggleCore
package import Policies
import Tabular

/// `haggle bakeoff`: algorithms play the rows of a labelled file.
package struct LabelledBakeoff: Sendable {
    package struct Configuration: Sendable {
        /// CSV, one row a round; columns of numbers are the context.
        package var data: String
        /// The column with the right arm.
        package var label: String
        /// Files with a row position a line; none means the order of the data.
        package var orders: [String]
        /// Policy files or names of algorithms.
        package var policies: [String]
        /// The first of `seedCount` seeds, one game in every order for each.
        package var seed: UInt64
        package var seedCount: Int

        package init(
            data: String, label: String, orders: [String] = [], policies: [String] = ["auto"], seed: UInt64 = 1, seedCount: Int = 1
        ) {
            self.data = data
            self.label = label
            self.orders = orders
            self.policies = policies
            self.seed = seed
            self.seedCount = seedCount
        }
    }

    /// Columns of the data that hold texts and are not read.
    package let skippedColumns: [String]
    private let bakeoff: Bakeoff

    /// Reads all files.
    /// - Throws: `TabularError` for a damaged data or order file, `WorkbenchError` for a policy or orders that do not fit.
    package init(_ configuration: Configuration) throws {
        let contestants = try configuration.policies.map { Bakeoff.Contestant(name: $0, configuration: try Self.policy($0)) }
        let table = try LabelledTable(path: configuration.data, label: configuration.label)
        skippedColumns = table.skipped
        let rows = LabelledRows(width: table.columns.count, contexts: table.values, labels: table.labels)
        for (name, contestant) in zip(configuration.policies, contestants)
        where contestant.configuration.floor * Double(rows.arms.count) > 1 + 1e-12 {
            throw WorkbenchError.invalidOption(
                name: "--policy", expected: "a floor of at most 1/\(rows.arms.count), the number of labels",
                found: "\(contestant.configuration.floor) in \(name)")
        }
        let orders = try configuration.orders.map { try readOrder(path: $0, rowCount: rows.count) }
        for (path, order) in zip(configuration.orders, orders) where order.count != orders[0].count {
            throw WorkbenchError.filesDisagree(
                "\(path): has \(order.count) rows, \(configuration.orders[0]) has \(orders[0].count); orders must be equally long to be averaged"
            )
        }
        bakeoff = Bakeoff(
            rows: rows, orders: orders, contestants: contestants,
            seeds: (0..<max(1, configuration.seedCount)).map { configuration.seed &+ UInt64($0) })
    }

    /// Rounds of all games together.
    package var totalRounds: Int { bakeoff.totalRounds }

    /// Plays all games on all cores.
    /// - Parameter progress: called now and then with the number of further rounds played, from any thread.
    package func run(progress: @escaping @Sendable (Int) -> Void) async throws -> BakeoffReport {
        try await bakeoff(concurrency: ProcessInfo.processInfo.activeProcessorCount, progress: progress)
    }

    private static func policy(_ name: String) throws -> PolicyConfiguration {
        let algorithms = PolicyConfiguration.Algorithm.serving
        if let algorithm = algorithms.first(where: { $0.rawValue == name }) { return PolicyConfiguration(algorithm: algorithm) }
        guard let bytes = FileManager.default.contents(atPath: name) else {
            throw WorkbenchError.invalidOption(
                name: "--policy", expected: "a policy file or one of \(algorithms.map(\.rawValue).joined(separator: ", "))", found: name)
        }
        let parsed = PolicyFile.parse(bytes: Array(bytes), file: name)
        guard let policy = parsed.policy else { throw WorkbenchError.invalidFiles(parsed.problems.map(\.description)) }
        guard !policy.algorithm.isLearnedOffline else {
            throw WorkbenchError.invalidOption(
                name: "--policy", expected: "an algorithm that learns round by round", found: "\(policy.algorithm.rawValue) in \(name)")
        }
        return policy
    }
}
