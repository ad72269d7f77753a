import EventLog
import Experiments
import HaggleCore
import Tabular

/// The log file of an evaluation from files, a block of rows at a time.
actor LogColumnsReader {
    struct Block: Sendable {
        var arms: [Int] = []
        var propensities: [Double] = []
        var rewards: [Double] = []
        var units: [UnitID]?
        var times: [Timestamp]?
        var segments: [String?]?
        /// Where each row begins, from 1.
        var lines: [Int] = []
        /// Positions of the rows that the filter keeps; nil where there is no filter.
        var kept: [Int]?

        /// Leaves out all other rows.
        mutating func keep(_ rows: [Int]) {
            arms = rows.map { arms[$0] }
            propensities = rows.map { propensities[$0] }
            rewards = rows.map { rewards[$0] }
            units = units.map { units in rows.map { units[$0] } }
            times = times.map { times in rows.map { times[$0] } }
            segments = segments.map { segments in rows.map { segments[$0] } }
        }
    }

    private let configuration: EvaluationFiles.Configuration
    private var reader: CSVReader
    private var arms: KeyDictionary
    private let arm: Int
    private let propensity: Int
    private let reward: Int
    private let unit: Int?
    private let time: Int?
    private let segment: Int?
    private let condition: TargetingEvaluator?
    /// The columns that the condition reads.
    private let features: [(name: String, column: Int)]

    init(_ configuration: EvaluationFiles.Configuration, arms names: [String]) throws {
        let reader = try CSVReader(path: configuration.log)
        if (configuration.since != nil || configuration.until != nil) && configuration.timeColumn == nil {
            throw WorkbenchError.invalidOption(
                name: "--time-column", expected: "the column of times for --since and --until", found: "none")
        }
        var features: [(String, Int)] = []
        for name in configuration.condition?.featureNames.sorted() ?? [] { features.append((name, try reader.index(of: name))) }
        self.configuration = configuration
        self.features = features
        arm = try reader.index(of: configuration.armColumn)
        propensity = try reader.index(of: configuration.propensityColumn)
        reward = try reader.index(of: configuration.rewardColumn)
        unit = try Self.place(of: configuration.unitColumn, in: reader)
        time = try Self.place(of: configuration.timeColumn, in: reader)
        segment = try Self.place(of: configuration.segmentColumn, in: reader)
        condition = try configuration.condition.map { try TargetingEvaluator($0) }
        arms = KeyDictionary(closed: names)
        self.reader = reader
    }

    private static func place(of column: String?, in reader: borrowing CSVReader) throws -> Int? {
        guard let column else { return nil }
        return try reader.index(of: column)
    }

    /// Whether arm, propensity and reward are all that is read, which goes by columns.
    private var isPlain: Bool {
        unit == nil && time == nil && segment == nil && condition == nil && Set([arm, propensity, reward]).count == 3
    }

    /// Up to `rows` rows; fewer at the end.
    func read(rows: Int) throws -> Block {
        var block = Block()
        if isPlain {
            var batch = CSVBatch()
            // Rows with an arm or a number that will not do are left to the other way for their message.
            let count = try reader.read(
                numbers: [propensity, reward], keys: [arm], rows: rows, dictionary: &arms, into: &batch)
            block.arms = batch.keys.map { Int($0) }
            block.lines = batch.lines
            block.propensities.reserveCapacity(count)
            block.rewards.reserveCapacity(count)
            for row in 0..<count {
                block.propensities.append(try check(batch.numbers[2 * row], line: batch.lines[row]))
                block.rewards.append(batch.numbers[2 * row + 1])
            }
            return block
        }
        if unit != nil { block.units = [] }
        if time != nil { block.times = [] }
        if segment != nil { block.segments = [] }
        if condition != nil || configuration.since != nil || configuration.until != nil { block.kept = [] }
        while block.lines.count < rows, let row = try reader.next() { try append(row, to: &block) }
        return block
    }

    private func append(_ row: CSVRow, to block: inout Block) throws {
        let name = row.string(at: arm)
        guard let position = arms[name] else {
            throw TabularError.badValue(
                reader.place(of: arm, in: row), expected: "an arm that the target files have a column for", found: name)
        }
        let index = block.lines.count
        block.lines.append(row.line)
        block.arms.append(position)
        block.propensities.append(try check(try reader.number(at: propensity, in: row), line: row.line))
        block.rewards.append(try reader.number(at: reward, in: row))
        if let unit { block.units?.append(UnitID(row.string(at: unit))) }
        var moment: Timestamp?
        if let time {
            let read = try reader.time(at: time, in: row)
            block.times?.append(read)
            moment = read
        }
        if let segment { block.segments?.append(row.isEmpty(at: segment) ? nil : row.string(at: segment)) }
        guard block.kept != nil else { return }
        if let since = configuration.since, let moment, moment < since { return }
        if let until = configuration.until, let moment, moment >= until { return }
        if let condition, !condition.matches(context(of: row)) { return }
        block.kept?.append(index)
    }

    private func check(_ found: Double, line: Int) throws -> Double {
        guard found > 0, found <= 1 else {
            throw TabularError.badValue(
                FilePlace(file: reader.file, line: line, column: configuration.propensityColumn),
                expected: "a propensity p with 0 < p <= 1",
                found: "\(found)")
        }
        return found
    }

    /// What the condition reads: numbers and flags as such, everything else as text; an empty field is missing.
    private func context(of row: CSVRow) -> Context {
        var context = Context()
        for (name, column) in features where !row.isEmpty(at: column) {
            if let number = row.double(at: column), number.isFinite {
                context[name] = .number(number)
            } else {
                let text = row.string(at: column)
                context[name] = text == "true" ? .boolean(true) : text == "false" ? .boolean(false) : .text(text)
            }
        }
        return context
    }
}
