/// A CSV file of numbers with one column of labels, held in memory: what a classifier, or a bandit that plays classes, reads.
package struct LabelledTable: Sendable {
    /// The number columns, in the file's order.
    package let columns: [String]
    /// Columns whose first value is no number; they are left out.
    package let skipped: [String]
    /// Row-major, `columns.count` finite numbers a row.
    package let values: [Float]
    /// The text under the label column, one a row.
    package let labels: [String]

    /// Reads a file.
    /// - Parameter label: name of the column with the label.
    /// - Throws: `TabularError` with file, line and column: a missing or empty label, a field that is no number in a column of numbers, a number beyond
    ///   the range of `Float`, no rows, and whatever is wrong with the file itself.
    package init(path: String, label: String) throws {
        var reader = try CSVReader(path: path)
        let labelColumn = try reader.index(of: label)
        guard let first = try reader.next() else {
            throw TabularError.badValue(
                FilePlace(file: reader.file, line: 2, column: label), expected: "at least one row under the header", found: "")
        }
        let others = reader.columns.indices.filter { $0 != labelColumn }
        let numbers = others.filter { first.double(at: $0) != nil }
        var values: [Float] = []
        var labels: [String] = []
        var current: CSVRow? = first
        while let row = current {
            let name = row.string(at: labelColumn)
            guard !name.isEmpty else {
                throw TabularError.badValue(reader.place(of: labelColumn, in: row), expected: "a label", found: name)
            }
            labels.append(name)
            for column in numbers {
                let value = Float(try reader.number(at: column, in: row))
                guard value.isFinite else {
                    throw TabularError.badValue(
                        reader.place(of: column, in: row), expected: "a number of size at most 3.4e38", found: row.string(at: column))
                }
                values.append(value)
            }
            current = try reader.next()
        }
        columns = numbers.map { reader.columns[$0] }
        skipped = others.filter { !numbers.contains($0) }.map { reader.columns[$0] }
        self.values = values
        self.labels = labels
    }
}

/// Reads an order of play: one row position a line, counted from 0, each at most once, without a header.
/// - Parameter rowCount: positions are below it.
/// - Throws: `TabularError` with file and line.
package func readOrder(path: String, rowCount: Int) throws -> [Int] {
    var bytes: [UInt8] = []
    try readFile(path) { bytes += $0 }
    var order: [Int] = []
    var seen = [Bool](repeating: false, count: rowCount)
    for (index, raw) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
        let line = String(decoding: raw, as: UTF8.self)
        let text = line.hasSuffix("\r") ? String(line.dropLast()) : line
        if text.isEmpty { continue }
        let place = FilePlace(file: path, line: index + 1)
        guard let position = Int(text), seen.indices.contains(position) else {
            throw TabularError.badValue(place, expected: "a row position from 0 to \(rowCount - 1)", found: text)
        }
        guard !seen[position] else { throw TabularError.badValue(place, expected: "each row at most once", found: "\(position) again") }
        seen[position] = true
        order.append(position)
    }
    guard !order.isEmpty else { throw TabularError.empty(file: path) }
    return order
}
