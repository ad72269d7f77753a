package import Evaluation
import HaggleCore
import Tabular

/// `haggle evaluate --log log.csv --target target.csv [--reward-model qhat.csv]`: an evaluation from files alone, read in lock-step.
package struct FileEvaluation: Sendable {
    /// The files and what their columns are called.
    package struct Configuration: Sendable {
        package var log: String
        /// One column per arm, named after it: the target policy's probabilities, a row per row of the log.
        package var target: String
        /// Same shape: the reward model's estimates.
        package var rewardModel: String?
        package var armColumn = "arm"
        package var propensityColumn = "propensity"
        package var rewardColumn = "reward"
        /// Who was randomised; intervals are clustered by it.
        package var unitColumn: String?

        package init(log: String, target: String, rewardModel: String? = nil) {
            self.log = log
            self.target = target
            self.rewardModel = rewardModel
        }
    }

    private let configuration: Configuration
    private let options: EvaluationOptions

    package init(_ configuration: Configuration, options: EvaluationOptions) {
        self.configuration = configuration
        self.options = options
    }

    /// Rows per chunk handed to the evaluator.
    private static let chunkRows = 4096

    /// Reads the files once and evaluates.
    /// - Parameter progress: called with the number of rows read, now and then.
    /// - Throws: `TabularError` with file and line, `EvaluationError` with the row, `WorkbenchError` where the files do not fit together.
    @concurrent
    package func run(progress: @Sendable (Int) -> Void = { _ in }) async throws -> EvaluationReport {
        var log = try CSVReader(path: configuration.log)
        let arms = try CSVReader(path: configuration.target).columns
        let columns = LogColumns(
            arm: try log.index(of: configuration.armColumn), propensity: try log.index(of: configuration.propensityColumn),
            reward: try log.index(of: configuration.rewardColumn), unit: try configuration.unitColumn.map { try log.index(of: $0) })
        let positions = Dictionary(uniqueKeysWithValues: arms.enumerated().map { ($1, $0) })
        var estimates: MatrixFile?
        if let path = configuration.rewardModel { estimates = try MatrixFile(path: path, arms: arms) }
        var targets = try MatrixFile(path: configuration.target, arms: arms)
        var options = options
        options.unitName = configuration.unitColumn ?? options.unitName
        var evaluator = try Evaluator(
            policies: [EvaluatedPolicy(name: "target", target: .given)], armCount: arms.count, options: options,
            rewardModel: estimates == nil ? nil : "file")
        while true {
            var chunk = Chunk()
            while chunk.arms.count < Self.chunkRows, let row = try log.next() {
                let name = row.string(at: columns.arm)
                guard let arm = positions[name] else {
                    throw TabularError.badValue(
                        log.place(of: columns.arm, in: row), expected: "an arm that \(configuration.target) has a column for", found: name)
                }
                let propensity = try log.number(at: columns.propensity, in: row)
                guard propensity > 0, propensity <= 1 else {
                    throw TabularError.badValue(
                        log.place(of: columns.propensity, in: row), expected: "a propensity p with 0 < p <= 1",
                        found: row.string(at: columns.propensity))
                }
                chunk.arms.append(arm)
                chunk.propensities.append(propensity)
                chunk.rewards.append(try log.number(at: columns.reward, in: row))
                if let unit = columns.unit { chunk.units.append(UnitID(row.string(at: unit))) }
                try targets.appendRow(to: &chunk.targets, matching: row.line, of: configuration.log)
                try estimates?.appendRow(to: &chunk.estimates, matching: row.line, of: configuration.log)
            }
            if chunk.arms.isEmpty { break }
            try await evaluator.add(
                EvaluationColumns(
                    arms: chunk.arms, propensities: chunk.propensities, rewards: chunk.rewards,
                    units: columns.unit == nil ? nil : chunk.units, targets: [chunk.targets],
                    estimates: estimates == nil ? nil : chunk.estimates, armCount: arms.count))
            progress(evaluator.rowCount)
            try Task.checkCancellation()
        }
        try targets.expectEnd(of: configuration.log)
        try estimates?.expectEnd(of: configuration.log)
        return try await evaluator.report()
    }

    private struct LogColumns {
        let arm: Int
        let propensity: Int
        let reward: Int
        let unit: Int?
    }

    private struct Chunk {
        var arms: [Int] = []
        var propensities: [Double] = []
        var rewards: [Double] = []
        var units: [UnitID] = []
        var targets: [Double] = []
        var estimates: [Double] = []
    }

    /// A file of one number per row and arm.
    private struct MatrixFile: ~Copyable {
        private var reader: CSVReader
        private let order: [Int]

        init(path: String, arms: [String]) throws {
            let reader = try CSVReader(path: path)
            var order: [Int] = []
            for arm in arms { order.append(try reader.index(of: arm)) }
            if reader.columns.count != arms.count {
                let surplus = reader.columns.filter { !arms.contains($0) }
                throw WorkbenchError.filesDisagree(
                    "\(path): expected one column per arm (\(arms.joined(separator: ", "))), found also \(surplus.joined(separator: ", "))")
            }
            self.order = order
            self.reader = reader
        }

        mutating func appendRow(to numbers: inout [Double], matching line: Int, of log: String) throws {
            guard let row = try reader.next() else {
                throw WorkbenchError.filesDisagree("\(reader.file): ends before \(log), which has a row at line \(line)")
            }
            for column in order { numbers.append(try reader.number(at: column, in: row)) }
        }

        mutating func expectEnd(of log: String) throws {
            if let row = try reader.next() {
                throw WorkbenchError.filesDisagree("\(reader.file):\(row.line): has more rows than \(log)")
            }
        }
    }
}
