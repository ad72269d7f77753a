/// A type that a column's text can become.
package protocol SQLDecodable: Sendable {
    /// Reads the text form of a value that is not NULL; nil if it is none of this type.
    init?(sqlText text: Span<UInt8>)
    /// What NULL becomes; nil where NULL is an error.
    static var null: Self? { get }
    /// Reads an array's text form. Only bytes differ: `[UInt8]` reads a `bytea`.
    static func array(sqlText text: Span<UInt8>) -> [Self]?
}

extension SQLDecodable {
    package static var null: Self? { nil }
    package static func array(sqlText text: Span<UInt8>) -> [Self]? { ArrayText.elements(of: text) }
}

extension Optional: SQLDecodable where Wrapped: SQLDecodable {
    package init?(sqlText text: Span<UInt8>) {
        guard let value = Wrapped(sqlText: text) else { return nil }
        self = .some(value)
    }
    package static var null: Self? { .some(.none) }
}

extension Array: SQLDecodable where Element: SQLDecodable {
    package init?(sqlText text: Span<UInt8>) {
        guard let elements = Element.array(sqlText: text) else { return nil }
        self = elements
    }
}

extension String: SQLDecodable {
    package init?(sqlText text: Span<UInt8>) {
        self = unsafe text.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }  // copied before the closure ends
    }
}

extension Int64: SQLDecodable {
    package init?(sqlText text: Span<UInt8>) {
        let isNegative = text.count > 0 && text[0] == UInt8(ascii: "-")
        let start = isNegative ? 1 : 0
        guard text.count > start else { return nil }
        var value: Int64 = 0
        for index in start..<text.count {
            let digit = text[index] &- 48
            guard digit < 10 else { return nil }
            let (shifted, overflow) = value.multipliedReportingOverflow(by: 10)
            // Negative throughout, because the most negative number has no positive twin.
            let (sum, overflowed) = shifted.subtractingReportingOverflow(Int64(digit))
            if overflow || overflowed { return nil }
            value = sum
        }
        if isNegative {
            self = value
        } else {
            guard value != .min else { return nil }
            self = -value
        }
    }
}

extension Int: SQLDecodable {
    package init?(sqlText text: Span<UInt8>) {
        guard let value = Int64(sqlText: text) else { return nil }
        self.init(exactly: value)
    }
}

extension Int32: SQLDecodable {
    package init?(sqlText text: Span<UInt8>) {
        guard let value = Int64(sqlText: text) else { return nil }
        self.init(exactly: value)
    }
}

extension Double: SQLDecodable {
    package init?(sqlText text: Span<UInt8>) {
        // "NaN", "Infinity" and "-Infinity" are spelled as PostgreSQL does.
        guard let text = String(sqlText: text), let value = Double(text) else { return nil }
        self = value
    }
}

extension Bool: SQLDecodable {
    package init?(sqlText text: Span<UInt8>) {
        guard text.count == 1, text[0] == UInt8(ascii: "t") || text[0] == UInt8(ascii: "f") else { return nil }
        self = text[0] == UInt8(ascii: "t")
    }
}

extension UInt8: SQLDecodable {
    /// A lone byte is no SQL value; the conformance makes `[UInt8]` a `bytea`.
    package init?(sqlText text: Span<UInt8>) { nil }

    package static func array(sqlText text: Span<UInt8>) -> [UInt8]? {
        guard text.count >= 2, text.count % 2 == 0, text[0] == UInt8(ascii: "\\"), text[1] == UInt8(ascii: "x") else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 2 - 1)
        for index in stride(from: 2, to: text.count, by: 2) {
            guard let high = nibble(text[index]), let low = nibble(text[index + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    private static func nibble(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 48...57: digit - 48
        case 97...102: digit - 87
        case 65...70: digit - 55
        default: nil
        }
    }
}

extension JSONText: SQLDecodable {
    package init?(sqlText text: Span<UInt8>) {
        guard let text = String(sqlText: text) else { return nil }
        self.init(text)
    }
}

extension UUIDWords: SQLDecodable {
    package init?(sqlText text: Span<UInt8>) {
        guard text.count == 36 else { return nil }
        var words: (UInt64, UInt64) = (0, 0)
        var digits = 0
        for index in 0..<36 where index != 8 && index != 13 && index != 18 && index != 23 {
            let value: UInt8
            switch text[index] {
            case 48...57: value = text[index] - 48
            case 97...102: value = text[index] - 87
            default: return nil
            }
            if digits < 16 { words.0 = words.0 << 4 | UInt64(value) } else { words.1 = words.1 << 4 | UInt64(value) }
            digits += 1
        }
        self.init(high: words.0, low: words.1)
    }
}
