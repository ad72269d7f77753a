/// One record of a CSV file: a view over the reader's buffer that makes a string only where one is asked for.
package struct CSVRow: Sendable {
    struct Field: Sendable {
        var start: Int
        var end: Int
        var isQuoted: Bool
        /// Whether it holds doubled quotes.
        var isEscaped: Bool
    }

    private let buffer: [UInt8]
    private let fields: [Field]
    /// The line on which the record begins, counted from 1.
    package let line: Int

    init(buffer: [UInt8], fields: [Field], line: Int) {
        self.buffer = buffer
        self.fields = fields
        self.line = line
    }

    package var count: Int { fields.count }

    /// Lines of the file that the record covers.
    var lineCount: Int {
        var lines = 1
        for field in fields where field.isQuoted {
            for index in field.start..<field.end where buffer[index] == UInt8(ascii: "\n") { lines += 1 }
        }
        return lines
    }

    var isBlank: Bool { fields.count == 1 && !fields[0].isQuoted && fields[0].start == fields[0].end }

    package func isEmpty(at index: Int) -> Bool { fields[index].start == fields[index].end }

    /// The field's text, without quotes.
    package func string(at index: Int) -> String {
        let field = fields[index]
        guard field.isEscaped else { return String(decoding: buffer[field.start..<field.end], as: UTF8.self) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(field.end - field.start)
        var position = field.start
        while position < field.end {
            bytes.append(buffer[position])
            position += buffer[position] == UInt8(ascii: "\"") ? 2 : 1
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The field as a number, spaces around it ignored; nil where it is none. `nan` and `inf` are read as such.
    package func double(at index: Int) -> Double? {
        let field = fields[index]
        return DecimalNumber.parse(buffer.span, from: field.start, to: field.end)
    }

    /// The field as a whole number.
    package func integer(at index: Int) -> Int? {
        guard let value = double(at: index) else { return nil }
        return Int(exactly: value)
    }

    /// Whether the field is exactly this text.
    package func equals(_ text: StaticString, at index: Int) -> Bool {
        let field = fields[index]
        guard field.end - field.start == text.utf8CodeUnitCount else { return false }
        // A static string's bytes live as long as the program.
        return text.withUTF8Buffer { unsafe $0.elementsEqual(buffer[field.start..<field.end]) }
    }

    /// Lends the field's bytes as they stand in the file between its quotes; doubled quotes stay doubled.
    package func withBytes<Value>(at index: Int, _ body: (Span<UInt8>, Int, Int) throws -> Value) rethrows -> Value {
        let field = fields[index]
        return try body(buffer.span, field.start, field.end)
    }

    /// Appends the field's text without spaces and tabs around it.
    /// - Returns: how many bytes that are.
    package func appendTrimmed(at index: Int, to bytes: inout [UInt8]) -> Int {
        let field = fields[index]
        var (start, end) = (field.start, field.end)
        while start < end, buffer[start] == 32 || buffer[start] == 9 { start += 1 }
        while end > start, buffer[end - 1] == 32 || buffer[end - 1] == 9 { end -= 1 }
        let before = bytes.count
        guard field.isEscaped else {
            bytes += buffer[start..<end]
            return end - start
        }
        while start < end {
            bytes.append(buffer[start])
            start += buffer[start] == UInt8(ascii: "\"") ? 2 : 1
        }
        return bytes.count - before
    }

    /// A hash of 128 bits of all fields, to recognise rows that repeat another exactly (quotes do not count).
    package var digest: RowDigest {
        var digest = RowDigest()
        for field in fields { digest.add(buffer.span, from: field.start, to: field.end) }
        return digest
    }
}
