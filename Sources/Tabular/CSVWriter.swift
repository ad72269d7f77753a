/// Writes comma-separated values as RFC 4180 has them, with LF at the end of a line; a field is quoted only where it must be.
package struct CSVWriter {
    package let columns: [String]
    private var line: [UInt8] = []
    private var fieldCount = 0

    package init(columns: [String]) { self.columns = columns }

    /// The header's line.
    package mutating func header() -> [UInt8] {
        for column in columns { field(column) }
        return endRow()
    }

    package mutating func field(_ text: String) {
        separate()
        let needsQuotes = text.utf8.contains { $0 == 44 || $0 == 34 || $0 == 10 || $0 == 13 }
        // A lone empty field would read as a blank line.
        guard needsQuotes || (text.isEmpty && columns.count == 1) else { return line += text.utf8 }
        line.append(34)
        for byte in text.utf8 {
            if byte == 34 { line.append(34) }
            line.append(byte)
        }
        line.append(34)
    }

    /// The shortest text that reads back as the same number.
    package mutating func field(_ value: Double) {
        separate()
        JSONWriter.append(number: value, to: &line)
    }

    package mutating func field(_ value: Int) {
        separate()
        line += String(value).utf8
    }

    package mutating func emptyField() { separate() }

    /// The finished line; the next field begins another.
    /// - Precondition: as many fields as columns.
    package mutating func endRow() -> [UInt8] {
        precondition(fieldCount == columns.count, "a row needs as many fields as there are columns")
        line.append(10)
        defer {
            line.removeAll(keepingCapacity: true)
            fieldCount = 0
        }
        return line
    }

    private mutating func separate() {
        if fieldCount > 0 { line.append(44) }
        fieldCount += 1
    }
}
