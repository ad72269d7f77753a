import Evaluation
import EventLog
import HaggleCore
import Tabular

/// The rows of one shard: everything about an impression in one line, as CSV with a header or as NDJSON.
///
/// Probabilities of a target policy stand in the columns `PREFIX` + arm, the reward model's estimates likewise. In NDJSON an object inside an
/// object gives columns with a dot, so that `{"target": {"ten": 0.3}}` has the column `target.ten`.
struct ShardRows: ~Copyable {
    /// How the shard is written.
    enum Format { case csv, ndjson }

    /// Which columns hold what.
    struct Columns {
        var arm = "arm"
        var propensity = "propensity"
        var reward = "reward"
        var unit: String?
        var time: String?
        var segment: String?
        /// Column prefixes of the target policies.
        var targets: [String] = []
        /// Column prefix of the reward model's estimates.
        var estimates: String?
    }

    private let columns: Columns
    private let arms: [String]
    private let positions: [String: Int]
    private let texts: [String]
    private let numbers: [String]
    private var csv: CSVReader?
    private var csvTexts: [Int] = []
    private var csvNumbers: [Int] = []
    private var ndjson: NDJSONReader?
    private let file: String

    /// - Throws: `TabularError` for a file that cannot be read or lacks a column.
    init(path: String, format: Format, columns: Columns, arms: [String]) throws {
        self.columns = columns
        self.arms = arms
        positions = Dictionary(arms.enumerated().map { ($1, $0) }) { first, _ in first }
        texts = [columns.arm] + [columns.unit, columns.time, columns.segment].compactMap { $0 }
        var numbers = [columns.propensity, columns.reward]
        for prefix in columns.targets + [columns.estimates].compactMap({ $0 }) { numbers += arms.map { prefix + $0 } }
        self.numbers = numbers
        let path = path == "-" ? "/dev/stdin" : path
        file = path
        switch format {
        case .csv:
            let reader = try CSVReader(path: path)
            for name in texts { csvTexts.append(try reader.index(of: name)) }
            for name in numbers { csvNumbers.append(try reader.index(of: name)) }
            csv = consume reader
            ndjson = nil
        case .ndjson:
            csv = nil
            ndjson = try NDJSONReader(path: path)
        }
    }

    /// Up to `rows` rows as columns, with a target for each prefix; nil at the end.
    mutating func next(rows: Int) throws -> EvaluationColumns? {
        var block = Block(columns, armCount: arms.count)
        while block.arms.count < rows {
            if let line = try nextCSV() {
                try block.append(texts: line.texts, numbers: line.numbers, place: line.place, rows: self)
            } else if let line = try nextNDJSON() {
                try block.append(texts: line.texts, numbers: line.numbers, place: line.place, rows: self)
            } else {
                break
            }
        }
        return block.arms.isEmpty ? nil : block.evaluationColumns
    }

    private typealias Line = (texts: [String?], numbers: [Double], place: FilePlace)

    private mutating func nextCSV() throws -> Line? {
        guard csv != nil, let row = try csv?.next() else { return nil }
        let texts = csvTexts.map { row.isEmpty(at: $0) ? nil : row.string(at: $0) }
        var numbers: [Double] = []
        numbers.reserveCapacity(csvNumbers.count)
        for column in csvNumbers { numbers.append(try csv?.number(at: column, in: row) ?? 0) }
        return (texts, numbers, FilePlace(file: file, line: row.line))
    }

    private mutating func nextNDJSON() throws -> Line? {
        guard ndjson != nil, var scanner = try ndjson?.next() else { return nil }
        let place = ndjson?.place ?? FilePlace(file: file, line: 0)
        var found: [String: Field] = [:]
        try Self.flatten(&scanner, prefix: "", depth: 0, into: &found)
        try scanner.finish()
        let texts = try self.texts.map { name -> String? in
            switch found[name] {
            case .text(let text): text
            case .number(let number): Int(exactly: number).map { String($0) } ?? String(number)
            case nil where name == columns.arm: throw Self.missing(name, at: place)
            case nil: nil
            }
        }
        var numbers: [Double] = []
        numbers.reserveCapacity(self.numbers.count)
        for name in self.numbers {
            guard case .number(let number) = found[name] else { throw Self.missing(name, at: place) }
            numbers.append(number)
        }
        return (texts, numbers, place)
    }

    private enum Field {
        case text(String)
        case number(Double)
    }

    private static func flatten(_ scanner: inout JSONScanner, prefix: String, depth: Int, into found: inout [String: Field]) throws {
        try scanner.beginObject()
        while let key = try scanner.nextKey() {
            switch try scanner.peek() {
            case .string: found[prefix + key] = .text(try scanner.string())
            case .number: found[prefix + key] = .number(try scanner.number())
            case .object where depth == 0: try flatten(&scanner, prefix: key + ".", depth: 1, into: &found)
            default: try scanner.skip()
            }
        }
    }

    private static func missing(_ name: String, at place: FilePlace) -> TabularError {
        .badValue(
            FilePlace(file: place.file, line: place.line, column: name), expected: "a field \"\(name)\" with a value", found: "none")
    }

    /// Rows on their way into columns.
    private struct Block {
        private let columns: Columns
        private let armCount: Int
        var arms: [Int] = []
        private var propensities: [Double] = []
        private var rewards: [Double] = []
        private var units: [UnitID] = []
        private var times: [Timestamp] = []
        private var segments: [String?] = []
        private var targets: [[Double]]
        private var estimates: [Double] = []

        init(_ columns: Columns, armCount: Int) {
            self.columns = columns
            self.armCount = armCount
            targets = [[Double]](repeating: [], count: columns.targets.count)
        }

        mutating func append(texts: [String?], numbers: [Double], place: FilePlace, rows: borrowing ShardRows) throws {
            guard let name = texts[0], let arm = rows.positions[name] else {
                throw TabularError.badValue(
                    FilePlace(file: place.file, line: place.line, column: columns.arm),
                    expected: "one of the arms \(rows.arms.joined(separator: ", "))", found: texts[0] ?? "nothing")
            }
            arms.append(arm)
            var text = 1
            if let column = columns.unit {
                guard let unit = texts[text] else { throw ShardRows.missing(column, at: place) }
                units.append(UnitID(unit))
                text += 1
            }
            if let column = columns.time {
                guard let written = texts[text], let time = Timestamp(written) ?? Self.epoch(written) else {
                    throw TabularError.badValue(
                        FilePlace(file: place.file, line: place.line, column: column),
                        expected: "a time such as 2026-11-01T00:00:00Z or seconds since 1970", found: texts[text] ?? "nothing")
                }
                times.append(time)
                text += 1
            }
            if columns.segment != nil { segments.append(texts[text]) }
            propensities.append(numbers[0])
            rewards.append(numbers[1])
            var start = 2
            for index in targets.indices {
                targets[index].append(contentsOf: numbers[start..<start + armCount])
                start += armCount
            }
            if columns.estimates != nil { estimates.append(contentsOf: numbers[start..<start + armCount]) }
        }

        /// Seconds since 1970, or milliseconds where the number is too large for seconds.
        private static func epoch(_ text: String) -> Timestamp? {
            guard let number = Double(text), abs(number) < 1e14 else { return nil }
            return Timestamp(seconds: abs(number) < 1e11 ? number : number / 1000)
        }

        var evaluationColumns: EvaluationColumns {
            EvaluationColumns(
                arms: arms, propensities: propensities, rewards: rewards, units: columns.unit == nil ? nil : units, targets: targets,
                estimates: columns.estimates == nil ? nil : estimates, times: columns.time == nil ? nil : times,
                segments: columns.segment == nil ? nil : segments, armCount: armCount)
        }
    }
}
