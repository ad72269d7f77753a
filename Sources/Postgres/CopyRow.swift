/// Builds one row of a COPY in text format: fields in the order of the columns.
package struct CopyRow {
    var bytes: [UInt8] = []
    private var isFirst = true

    package mutating func append(_ text: String) {
        separate()
        bytes.append(copyText: text)
    }

    package mutating func append(_ text: String?) { if let text { append(text) } else { appendNull() } }

    package mutating func append(_ value: some FixedWidthInteger & SignedInteger) {
        separate()
        bytes.append(number: Int64(value))
    }

    package mutating func append(_ value: (some FixedWidthInteger & SignedInteger)?) {
        if let value { append(value) } else { appendNull() }
    }

    package mutating func append(_ value: Double) {
        separate()
        bytes.append(sqlText: value)
    }

    package mutating func append(_ value: Double?) { if let value { append(value) } else { appendNull() } }

    package mutating func append(_ value: Bool) {
        separate()
        bytes.append(UInt8(ascii: value ? "t" : "f"))
    }

    package mutating func append(_ value: Bool?) { if let value { append(value) } else { appendNull() } }

    package mutating func append(_ value: Instant) {
        separate()
        value.appendText(to: &bytes)
    }

    package mutating func append(_ value: Instant?) { if let value { append(value) } else { appendNull() } }

    package mutating func append<Value: RawRepresentable<String>>(_ value: Value) { append(value.rawValue) }
    package mutating func append<Value: RawRepresentable<String>>(_ value: Value?) { append(value?.rawValue) }

    /// A `double precision[]`.
    package mutating func append(_ values: [Double]) {
        separate()
        bytes.append(UInt8(ascii: "{"))
        for (index, value) in values.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes.append(sqlText: value)
        }
        bytes.append(UInt8(ascii: "}"))
    }

    package mutating func append(_ values: [Double]?) { if let values { append(values) } else { appendNull() } }

    /// A `text[]`.
    package mutating func append(_ values: [String]) {
        separate()
        bytes.append(UInt8(ascii: "{"))
        for (index, value) in values.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes.append(UInt8(ascii: "\""))
            // Escaped twice: for the array inside the field, and for the field.
            for byte in value.utf8 {
                switch byte {
                case UInt8(ascii: "\""): bytes.append(contentsOf: #"\\""#.utf8)
                case UInt8(ascii: "\\"): bytes.append(contentsOf: #"\\\\"#.utf8)
                default: bytes.append(copyByte: byte)
                }
            }
            bytes.append(UInt8(ascii: "\""))
        }
        bytes.append(UInt8(ascii: "}"))
    }

    package mutating func append(_ values: [String]?) { if let values { append(values) } else { appendNull() } }

    /// A `bytea`.
    package mutating func append(_ value: [UInt8]) {
        separate()
        bytes.append(contentsOf: #"\\x"#.utf8)
        for byte in value {
            bytes.append(Self.digit(byte >> 4))
            bytes.append(Self.digit(byte & 15))
        }
    }

    /// Text whose UTF-8 bytes lie ready.
    package mutating func append(utf8 text: some Collection<UInt8>) {
        separate()
        for byte in text { bytes.append(copyByte: byte) }
    }

    package mutating func appendNull() {
        separate()
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(UInt8(ascii: "N"))
    }

    mutating func end() { bytes.append(UInt8(ascii: "\n")) }

    private mutating func separate() {
        if isFirst { isFirst = false } else { bytes.append(UInt8(ascii: "\t")) }
    }

    private static func digit(_ nibble: UInt8) -> UInt8 { nibble < 10 ? 48 + nibble : 87 + nibble }
}

extension [UInt8] {
    fileprivate mutating func append(copyText text: String) {
        var text = text
        text.withUTF8 { utf8 in
            // Most text needs no escape and goes in with one copy.
            let isPlain = unsafe utf8.allSatisfy { $0 != 92 && $0 > 13 }
            if isPlain {
                unsafe append(contentsOf: utf8)
            } else {
                for index in utf8.indices { append(copyByte: unsafe utf8[index]) }
            }
        }
    }

    /// The characters that mean something to COPY's text format get a backslash.
    fileprivate mutating func append(copyByte byte: UInt8) {
        let escape: Unicode.Scalar
        switch byte {
        case UInt8(ascii: "\\"): escape = "\\"
        case UInt8(ascii: "\n"): escape = "n"
        case UInt8(ascii: "\r"): escape = "r"
        case UInt8(ascii: "\t"): escape = "t"
        default:
            append(byte)
            return
        }
        append(UInt8(ascii: "\\"))
        append(UInt8(ascii: escape))
    }

    /// The shortest decimal that reads back as the same number.
    fileprivate mutating func append(sqlText value: Double) {
        if value.isFinite {
            append(contentsOf: value.description.utf8)
        } else {
            append(contentsOf: (value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity").utf8)
        }
    }
}

/// Builds one row of a COPY in binary format: fields in the order of the columns, each of exactly its column's type.
package struct BinaryCopyRow {
    var bytes: [UInt8] = []
    private let start: Int
    private var fieldCount: Int16 = 0

    static let header: [UInt8] = Array("PGCOPY\n".utf8) + [0xff, 0x0d, 0x0a, 0] + [UInt8](repeating: 0, count: 8)
    static let trailer: [UInt8] = [0xff, 0xff]

    init(start: Int) { self.start = start }

    package mutating func append(_ value: some SQLElement) {
        fieldCount += 1
        bytes.append(field: value)
    }

    package mutating func append<Value: RawRepresentable>(_ value: Value) where Value.RawValue: SQLElement { append(value.rawValue) }

    package mutating func append<Element: SQLElement>(_ array: [Element]) { append(array.sqlBinding) }

    /// For NULL arrays too.
    package mutating func append<Element: SQLElement>(_ array: [Element]?) { append(array.sqlBinding) }

    package mutating func appendNull() {
        fieldCount += 1
        bytes.append(bigEndian: Int32(-1))
    }

    private mutating func append(_ binding: SQLBinding) {
        fieldCount += 1
        bytes.append(bigEndian: binding.bytes.map { Int32($0.count) } ?? -1)
        if let value = binding.bytes { bytes.append(contentsOf: value) }
    }

    mutating func begin() { bytes.append(bigEndian: fieldCount) }

    mutating func end() {
        bytes[start] = UInt8(truncatingIfNeeded: fieldCount >> 8)
        bytes[start + 1] = UInt8(truncatingIfNeeded: fieldCount)
    }
}
