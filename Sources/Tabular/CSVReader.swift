/// Reads comma-separated values as RFC 4180 has them: quoted fields may hold commas, doubled quotes and line breaks; lines end in LF or CRLF;
/// a byte order mark and blank lines are skipped; the first record names the columns; gzip is recognised.
///
/// The last line needs no line feed, but all its fields: a file that was cut off, or changes while it is read, is an error.
///
/// One record is in memory at a time (at most `recordLimit` bytes), so files may be of any size.
package struct CSVReader: ~Copyable {
    /// The longest record that is read.
    package static let recordLimit = 1 << 22

    package let file: String
    /// The header's names, all different.
    package private(set) var columns: [String] = []

    private var source: ByteSource
    static let separator = UInt8(ascii: ",")
    var buffer: [UInt8] = []
    /// The first byte of `buffer` that no record has used.
    var start = 0
    var line = 1
    private(set) var isExhausted = false
    private var fields: [CSVRow.Field] = []

    package init(path: String) throws {
        try self.init(source: ByteSource(path: path))
    }

    package init(bytes: [UInt8], name: String = "input") throws {
        try self.init(source: ByteSource(bytes: bytes, name: name))
    }

    private init(source: consuming ByteSource) throws {
        file = source.name
        self.source = source
        try fill()
        if buffer.starts(with: [0xef, 0xbb, 0xbf]) { start = 3 }
        guard let header = try nextRecord() else { throw TabularError.empty(file: file) }
        columns = (0..<header.count).map { header.string(at: $0) }
        var seen: Set<String> = []
        for name in columns where !seen.insert(name).inserted {
            throw TabularError.duplicateColumn(FilePlace(file: file, line: header.line), name: name)
        }
    }

    /// The position of a column.
    /// - Throws: `TabularError.missingColumn`.
    package func index(of name: String) throws -> Int {
        guard let index = columns.firstIndex(of: name) else {
            throw TabularError.missingColumn(file: file, name: name, found: columns)
        }
        return index
    }

    /// The next row; nil at the end.
    /// - Throws: `TabularError`, also where a row has more or fewer fields than the header.
    package mutating func next() throws -> CSVRow? {
        guard let row = try nextRecord() else { return nil }
        guard row.count == columns.count else {
            throw TabularError.wrongColumnCount(FilePlace(file: file, line: row.line), expected: columns.count, found: row.count)
        }
        return row
    }

    /// Where a field of a row stands, for messages.
    package func place(of column: Int, in row: CSVRow) -> FilePlace {
        FilePlace(file: file, line: row.line, column: columns.indices.contains(column) ? columns[column] : String(column + 1))
    }

    /// The number in a field.
    /// - Throws: `TabularError.badValue` where it is none, or not finite.
    package func number(at column: Int, in row: CSVRow) throws -> Double {
        guard let value = row.double(at: column), value.isFinite else {
            throw TabularError.badValue(place(of: column, in: row), expected: "a number", found: row.string(at: column))
        }
        return value
    }

    /// The file as it was when it was opened, for a later pass to compare; nil for memory and pipes.
    package var state: FileState? { source.state }

    private mutating func nextRecord() throws -> CSVRow? {
        while true {
            switch try scan() {
            case .record(let end):
                let row = CSVRow(buffer: buffer, fields: fields, line: line)
                line += row.lineCount
                start = end
                if row.isBlank && columns.count != 1 { continue }
                return row
            case .end: return nil
            case .more: try fill()
            }
        }
    }

    enum Scanned {
        /// A record is in `fields`; the next begins at `end`.
        case record(end: Int)
        case more
        case end
    }

    /// Finds the fields of the record at `start`.
    private mutating func scan() throws -> Scanned {
        var found: [CSVRow.Field] = []
        swap(&found, &fields)  // local while the buffer is borrowed
        defer { swap(&found, &fields) }
        found.removeAll(keepingCapacity: true)
        let bytes = buffer.span
        let count = bytes.count
        if start == count { return isExhausted ? .end : .more }
        var position = start
        var fieldLine = line
        while true {
            // A field begins at `position`.
            if position < count, bytes[position] == UInt8(ascii: "\"") {
                let begin = position + 1
                let openLine = fieldLine
                var isEscaped = false
                position = begin
                while true {
                    position = bytes.next(UInt8(ascii: "\""), UInt8(ascii: "\n"), 0, from: position)
                    if position == count {
                        if isExhausted { throw TabularError.openQuote(place(found.count, line: openLine)) }
                        return .more
                    }
                    switch bytes[position] {
                    case 0: throw TabularError.zeroByte(place(found.count, line: fieldLine))
                    case UInt8(ascii: "\n"):
                        fieldLine += 1
                        position += 1
                        continue
                    default: break
                    }
                    if position + 1 == count && !isExhausted { return .more }
                    guard position + 1 < count, bytes[position + 1] == UInt8(ascii: "\"") else { break }
                    isEscaped = true
                    position += 2
                }
                found.append(CSVRow.Field(start: begin, end: position, isQuoted: true, isEscaped: isEscaped))
                position += 1
            } else {
                let begin = position
                position = bytes.fieldEnd(from: position)
                found.append(CSVRow.Field(start: begin, end: position, isQuoted: false, isEscaped: false))
            }
            // Behind a field.
            if position == count {
                guard isExhausted else { return .more }
                guard columns.isEmpty || found.count >= columns.count else {
                    throw TabularError.unfinishedLine(place(found.count - 1, line: fieldLine))
                }
                return .record(end: count)
            }
            switch bytes[position] {
            case Self.separator: position += 1
            case UInt8(ascii: "\n"): return .record(end: position + 1)
            case UInt8(ascii: "\r"):
                if position + 1 == count && !isExhausted { return .more }
                guard position + 1 < count, bytes[position + 1] == UInt8(ascii: "\n") else {
                    throw TabularError.strayCarriageReturn(place(found.count - 1, line: fieldLine))
                }
                return .record(end: position + 2)
            case 0: throw TabularError.zeroByte(place(found.count - 1, line: fieldLine))
            default: throw TabularError.strayQuote(place(found.count - 1, line: fieldLine))
            }
        }
    }

    private func place(_ column: Int, line: Int) -> FilePlace {
        FilePlace(file: file, line: line, column: columns.indices.contains(column) ? columns[column] : String(column + 1))
    }

    /// Drops what was used and appends the next piece of the source.
    mutating func fill() throws {
        guard buffer.count - start <= Self.recordLimit else {
            throw TabularError.recordTooLong(FilePlace(file: file, line: line), limit: Self.recordLimit)
        }
        buffer.removeSubrange(0..<start)
        start = 0
        if try !source.read(into: &buffer) { isExhausted = true }
    }
}
