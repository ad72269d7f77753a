import Evaluation
import Experiments
package import HaggleCore
import Tabular

/// The files of `haggle evaluate --log --target [--reward-model]`, read in lock-step, a block of rows at a time.
package struct EvaluationFiles: Sendable {
    /// The files and what their columns are called.
    package struct Configuration: Sendable {
        package var log: String
        /// One column per arm, named after it: a target policy's probabilities, a row per row of the log. The first file's columns name the
        /// arms.
        package var targets: [String]
        /// Same shape: the reward model's estimates.
        package var rewardModel: String?
        package var armColumn = "arm"
        package var propensityColumn = "propensity"
        package var rewardColumn = "reward"
        /// Who was randomised; intervals are clustered by it.
        package var unitColumn: String?
        package var timeColumn: String?
        /// What the evaluation is split by.
        package var segmentColumn: String?
        /// Only rows whose columns meet it.
        package var condition: Condition?
        package var since: Timestamp?
        package var until: Timestamp?

        package init(log: String, targets: [String], rewardModel: String? = nil) {
            self.log = log
            self.targets = targets
            self.rewardModel = rewardModel
        }
    }

    /// The next rows of all files; empty at the end.
    struct Block: Sendable {
        var columns: EvaluationColumns
        /// Rows that were read, also those that the filter left out.
        var rowCount: Int
    }

    let arms: [String]
    private let configuration: Configuration
    private let log: LogColumnsReader
    private let targets: [ArmColumnsReader]
    private let estimates: ArmColumnsReader?

    init(_ configuration: Configuration) throws {
        self.configuration = configuration
        guard let first = configuration.targets.first else {
            throw WorkbenchError.invalidOption(name: "--target", expected: "at least one file", found: "none")
        }
        let arms = try CSVReader(path: first).columns
        self.arms = arms
        targets = try configuration.targets.map { try ArmColumnsReader(path: $0, arms: arms) }
        estimates = try configuration.rewardModel.map { try ArmColumnsReader(path: $0, arms: arms) }
        log = try LogColumnsReader(configuration, arms: arms)
    }

    /// Reads up to `rows` rows of every file, the files side by side.
    /// - Throws: `TabularError` with file and line; `WorkbenchError` where the files have different numbers of rows.
    func next(rows: Int) async throws -> Block? {
        async let estimateBlock = estimates?.read(rows: rows)
        let blocks = try await withThrowingTaskGroup(of: (Int, [Double]).self) { group in
            for (index, target) in targets.enumerated() { group.addTask { (index, try await target.read(rows: rows)) } }
            var blocks = [[Double]](repeating: [], count: targets.count)
            for try await (index, block) in group { blocks[index] = block }
            return blocks
        }
        var block = try await log.read(rows: rows)
        let read = block.lines.count
        for (target, numbers) in zip(targets, blocks) { try compare(numbers.count / arms.count, of: target, with: block) }
        var estimateNumbers: [Double]?
        if let estimates {
            estimateNumbers = try await estimateBlock
            try compare((estimateNumbers?.count ?? 0) / arms.count, of: estimates, with: block)
        }
        guard read > 0 else { return nil }
        var targetNumbers = blocks
        if let kept = block.kept {
            block.keep(kept)
            for index in targetNumbers.indices { targetNumbers[index] = targetNumbers[index].rows(kept, width: arms.count) }
            estimateNumbers = estimateNumbers?.rows(kept, width: arms.count)
        }
        return Block(
            columns: EvaluationColumns(
                arms: block.arms, propensities: block.propensities, rewards: block.rewards, units: block.units, targets: targetNumbers,
                estimates: estimateNumbers, times: block.times, segments: block.segments, armCount: arms.count), rowCount: read)
    }

    /// The files must go together row by row.
    private func compare(_ count: Int, of file: ArmColumnsReader, with block: LogColumnsReader.Block) throws {
        if count < block.lines.count {
            throw WorkbenchError.filesDisagree(
                "\(file.path): ends before \(configuration.log), which has a row at line \(block.lines[count])")
        }
        if count > block.lines.count { throw WorkbenchError.filesDisagree("\(file.path): has more rows than \(configuration.log)") }
    }
}

/// A file of one number per row and arm, read by one task at a time.
actor ArmColumnsReader {
    nonisolated let path: String
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
        self.path = path
        self.order = order
        self.reader = reader
    }

    /// The numbers of up to `rows` rows, in the order of the arms; fewer at the end.
    func read(rows: Int) throws -> [Double] {
        var numbers: [Double] = []
        _ = try reader.readNumbers(columns: order, rows: rows, into: &numbers)
        return numbers
    }
}

extension [Double] {
    /// Some rows of a row-major matrix.
    fileprivate func rows(_ rows: [Int], width: Int) -> [Double] {
        var kept: [Double] = []
        kept.reserveCapacity(rows.count * width)
        for row in rows { kept.append(contentsOf: self[row * width..<(row + 1) * width]) }
        return kept
    }
}
