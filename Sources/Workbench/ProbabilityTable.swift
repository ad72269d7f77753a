import Evaluation
import HaggleCore
import Tabular

/// A CSV file of probabilities as a target policy: a column per arm and, where the rows are not simply those of the log in its order, a column
/// `impression_id`. Held in memory; a log too large for that is evaluated from files (`--log --target`), which streams.
struct ProbabilityTable: TargetTable {
    private let path: String
    private let armCount: Int
    /// Row-major.
    private let probabilities: [Double]
    /// Row by impression; nil where rows go by their order.
    private let rows: [ImpressionID: Int]?

    init(path: String, arms: [String]) throws {
        self.path = path
        armCount = arms.count
        var reader = try CSVReader(path: path)
        let columns = try arms.map { arm in
            guard let index = reader.columns.firstIndex(of: arm) else {
                throw WorkbenchError.filesDisagree(
                    "\(path): expected a column for each arm (\(arms.joined(separator: ", "))), found none for \(arm)")
            }
            return index
        }
        let key = reader.columns.firstIndex(of: "impression_id")
        let surplus = reader.columns.indices.filter { !columns.contains($0) && $0 != key }.map { reader.columns[$0] }
        guard surplus.isEmpty else {
            throw WorkbenchError.filesDisagree("\(path): has columns that are no arm of the log: \(surplus.joined(separator: ", "))")
        }
        var probabilities: [Double] = []
        guard let key else {
            while true {
                var block: [Double] = []
                guard try reader.readNumbers(columns: columns, rows: 65_536, into: &block) > 0 else { break }
                probabilities += block
            }
            self.probabilities = probabilities
            rows = nil
            return
        }
        var found: [ImpressionID: Int] = [:]
        while let row = try reader.next() {
            guard let id = ImpressionID(row.string(at: key)) else {
                throw TabularError.badValue(reader.place(of: key, in: row), expected: "an impression's id", found: row.string(at: key))
            }
            guard found.updateValue(found.count, forKey: id) == nil else {
                throw TabularError.badValue(reader.place(of: key, in: row), expected: "every impression once", found: "\(id) again")
            }
            for column in columns { probabilities.append(try reader.number(at: column, in: row)) }
        }
        self.probabilities = probabilities
        rows = found
    }

    private var count: Int { probabilities.count / armCount }

    func probabilities(of interaction: Interaction, row: Int) throws -> [Double] {
        var position = row
        if let rows {
            guard let id = interaction.impressionID, let known = rows[id] else {
                let id = interaction.impressionID.map { "\($0)" } ?? "a row without an id"
                throw WorkbenchError.filesDisagree("\(path): has no row for the impression \(id)")
            }
            position = known
        }
        guard position < count else {
            throw WorkbenchError.filesDisagree(
                "\(path): has \(count) rows, the log more; without a column impression_id rows go by their order")
        }
        return Array(probabilities[position * armCount..<(position + 1) * armCount])
    }

    func finish(rowCount: Int) throws {
        if rows == nil, count > rowCount {
            throw WorkbenchError.filesDisagree(
                "\(path): has \(count) rows, the evaluated log \(rowCount); with a filter or a training share it needs a column impression_id"
            )
        }
    }
}
