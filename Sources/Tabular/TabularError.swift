/// Where in a file something stands.
package struct FilePlace: Hashable, Sendable, CustomStringConvertible {
    package var file: String
    /// Counted from 1.
    package var line: Int
    /// The column's name where the file has a header, else its number from 1.
    package var column: String?

    package init(file: String, line: Int, column: String? = nil) {
        self.file = file
        self.line = line
        self.column = column
    }

    package var description: String { "\(file):\(line)" + (column.map { ": column \($0)" } ?? "") }
}

/// What is wrong with a file of rows: the place, what was expected and what stands there.
package enum TabularError: Error, Hashable, Sendable {
    case cannotOpen(file: String, reason: String)
    case cannotRead(file: String, reason: String)
    case cannotWrite(file: String, reason: String)
    /// The file is not the one any more whose reading began: it grew, shrank, was written to or replaced.
    case changed(file: String)
    /// Compressed data that does not decompress.
    case damagedGzip(file: String)
    /// A file without a header line.
    case empty(file: String)
    case duplicateColumn(FilePlace, name: String)
    case missingColumn(file: String, name: String, found: [String])
    case wrongColumnCount(FilePlace, expected: Int, found: Int)
    /// A quote that opens inside a field, or text after the closing one.
    case strayQuote(FilePlace)
    /// A quoted field that is still open at the end of the file; the place is where it begins.
    case openQuote(FilePlace)
    case strayCarriageReturn(FilePlace)
    /// The file ends in the middle of a line.
    case unfinishedLine(FilePlace)
    /// A byte that is zero, as in a file with holes or in UTF-16.
    case zeroByte(FilePlace)
    case recordTooLong(FilePlace, limit: Int)
    /// A field that does not hold what its reader needs. `expected` is a phrase: `a number`.
    case badValue(FilePlace, expected: String, found: String)
    /// JSON that cannot be read; `offset` counts bytes of the line from 0.
    case badJSON(FilePlace, expected: String, offset: Int)
}

extension TabularError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .cannotOpen(let file, let reason): "\(file): cannot be opened: \(reason)"
        case .cannotRead(let file, let reason): "\(file): cannot be read: \(reason)"
        case .cannotWrite(let file, let reason): "\(file): cannot be written: \(reason)"
        case .changed(let file):
            "\(file): the file changed while it was read; wait until it is complete, or read a copy, and begin again"
        case .damagedGzip(let file): "\(file): the gzip data is damaged or cut off; make or download the file again"
        case .empty(let file): "\(file): expected a header line, found an empty file"
        case .duplicateColumn(let place, let name): "\(place): the header names the column `\(name)` twice; rename one"
        case .missingColumn(let file, let name, let found):
            "\(file):1: expected a column `\(name)`, found \(found.map { "`\($0)`" }.joined(separator: ", "))"
        case .wrongColumnCount(let place, let expected, let found):
            "\(place): expected \(expected) columns as in the header, found \(found)"
        case .strayQuote(let place): "\(place): a quote inside a field; quote the whole field and double the quotes in it"
        case .openQuote(let place): "\(place): the quoted field that begins here is never closed"
        case .strayCarriageReturn(let place): "\(place): a carriage return without a line feed; quote the field that holds it"
        case .unfinishedLine(let place):
            "\(place): the file ends in the middle of this line; it was cut off or is still being written: get the whole file"
        case .zeroByte(let place):
            "\(place): expected text in UTF-8, found a zero byte; the file is damaged or in another encoding: convert or copy it again"
        case .recordTooLong(let place, let limit): "\(place): expected a record of at most \(limit) bytes; is a closing quote missing?"
        case .badValue(let place, let expected, let found): "\(place): expected \(expected), found `\(found)`"
        case .badJSON(let place, let expected, let offset): "\(place): expected \(expected) at byte \(offset) of the line"
        }
    }
}
