import HaggleCore

/// A strict pull reader of JSON (RFC 8259) over a request's bytes, for the hot routes.
///
/// Foundation's decoder costs more than everything else on the request path together. This one makes no tree: the caller asks for what it
/// expects, and every error names the place (`context.recency_days`) and the byte. Numbers must be finite doubles; `\u0000` and lone
/// surrogates are refused, because jsonb refuses them and an acknowledged record must never be refusable by the database.
package struct JSONReader {
    /// The kind of the value that comes next.
    package enum Kind: String {
        case object = "an object"
        case array = "an array"
        case string = "a string"
        case number = "a number"
        case boolean = "a boolean"
        case null = "null"
    }

    /// Containers may nest this deep; deeper input is an error, not a stack overflow.
    package static let maximumDepth = 64

    private let bytes: [UInt8]
    package private(set) var position = 0
    private var depth = 0
    /// Where the reader is, for error messages: the key that it stands behind (its place in the bytes), or an index.
    private enum Step {
        case key(Range<Int>)
        case index(Int)
    }
    private var path: [Step] = []
    /// Whether a number was read that another reader of the same text might take otherwise: one with an exponent, or of many digits.
    package private(set) var hasUnusualNumber = false

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    // MARK: Values

    /// The kind of the next value, without consuming it.
    package mutating func peekKind() throws(JSONProblem) -> Kind {
        skipWhitespace()
        guard position < bytes.count else { throw problem("unexpected end of the body") }
        switch bytes[position] {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .boolean
        case UInt8(ascii: "n"): return .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
        default: throw problem("expected a JSON value")
        }
    }

    /// Reads an object, handing each key to `field`, which must consume exactly one value. A key that comes twice is an error.
    package mutating func object(_ field: (inout JSONReader, String) throws(JSONProblem) -> Void) throws(JSONProblem) {
        try expect(.object)
        try enter()
        position += 1
        var seen = SeenKeys()
        skipWhitespace()
        if take("}") {
            depth -= 1
            return
        }
        while true {
            skipWhitespace()
            guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { throw problem("expected a key in quotation marks") }
            let start = position + 1
            let key = try string()
            let place = start..<position - 1
            guard seen.insert(key) else { throw problem("the key \"\(key)\" stands twice") }
            skipWhitespace()
            guard take(":") else { throw problem("expected ':' after a key") }
            path.append(.key(place))
            try field(&self, key)
            path.removeLast()
            skipWhitespace()
            if take(",") { continue }
            guard take("}") else { throw problem("expected ',' or '}'") }
            depth -= 1
            return
        }
    }

    /// Reads an array; `element` must consume exactly one value each time.
    package mutating func array(_ element: (inout JSONReader, Int) throws(JSONProblem) -> Void) throws(JSONProblem) {
        try expect(.array)
        try enter()
        position += 1
        skipWhitespace()
        if take("]") {
            depth -= 1
            return
        }
        var index = 0
        while true {
            path.append(.index(index))
            try element(&self, index)
            path.removeLast()
            index += 1
            skipWhitespace()
            if take(",") { continue }
            guard take("]") else { throw problem("expected ',' or ']'") }
            depth -= 1
            return
        }
    }

    /// Reads a string.
    package mutating func string() throws(JSONProblem) -> String {
        try expect(.string)
        position += 1
        let start = position
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                guard let text = String(utf8: bytes[start..<position]) else { throw problem("a string is not UTF-8") }
                position += 1
                return text
            }
            if byte == UInt8(ascii: "\\") { return try escapedString(from: start) }
            if byte < 0x20 { throw problem("a control character stands unescaped in a string") }
            position += 1
        }
        throw problem("a string does not end")
    }

    /// Reads a finite number.
    package mutating func number() throws(JSONProblem) -> Double {
        try expect(.number)
        let start = position
        let isNegative = take("-")
        guard position < bytes.count, isDigit(bytes[position]) else { throw problem("expected a digit") }
        if take("0") {
            if position < bytes.count, isDigit(bytes[position]) { throw problem("a number may not begin with 0 followed by digits") }
        } else {
            skipDigits()
        }
        var decimals = 0
        var hasExponent = false
        if take(".") {
            let point = position
            guard position < bytes.count, isDigit(bytes[position]) else { throw problem("expected a digit after the decimal point") }
            skipDigits()
            decimals = position - point
        }
        if take("e") || take("E") {
            hasExponent = true
            if !take("+") { _ = take("-") }
            guard position < bytes.count, isDigit(bytes[position]) else { throw problem("expected a digit in the exponent") }
            skipDigits()
        }
        if hasExponent || position - start > 24 { hasUnusualNumber = true }
        // At most 15 digits fit a double's significand and powers of ten up to 22 are exact, so one division rounds correctly (Clinger 1990).
        if !hasExponent, position - start - (decimals > 0 ? 1 : 0) - (isNegative ? 1 : 0) <= 15 {
            return short(from: start, decimals: decimals, isNegative: isNegative)
        }
        guard let value = Double(String(decoding: bytes[start..<position], as: UTF8.self)), value.isFinite else {
            throw problem("a number is beyond the range of a double")
        }
        return value + 0
    }

    /// Reads `true` or `false`.
    package mutating func boolean() throws(JSONProblem) -> Bool {
        try expect(.boolean)
        if takeWord("true") { return true }
        if takeWord("false") { return false }
        throw problem("expected true or false")
    }

    /// Consumes `null` if it comes next.
    package mutating func takeNull() throws(JSONProblem) -> Bool {
        guard try peekKind() == .null else { return false }
        guard takeWord("null") else { throw problem("expected null") }
        return true
    }

    /// Consumes one value of any kind, checking its syntax.
    package mutating func skipValue() throws(JSONProblem) {
        switch try peekKind() {
        case .object: try object { (reader, _) throws(JSONProblem) in try reader.skipValue() }
        case .array: try array { (reader, _) throws(JSONProblem) in try reader.skipValue() }
        case .string: _ = try string()
        case .number: _ = try number()
        case .boolean: _ = try boolean()
        case .null: _ = try takeNull()
        }
    }

    /// Checks that nothing but white space is left.
    package mutating func end() throws(JSONProblem) {
        skipWhitespace()
        guard position == bytes.count else { throw problem("unexpected text after the JSON value") }
    }

    /// An error at this place.
    package func problem(_ message: String) -> JSONProblem {
        let steps = path.map { step in
            switch step {
            case .key(let place): String(decoding: bytes[place], as: UTF8.self)
            case .index(let index): String(index)
            }
        }
        return JSONProblem(path: steps.joined(separator: "."), byte: position, message: message)
    }

    // MARK: Leaves

    private mutating func expect(_ kind: Kind) throws(JSONProblem) {
        let found = try peekKind()
        guard found == kind else { throw problem("expected \(kind.rawValue), found \(found.rawValue)") }
    }

    private mutating func enter() throws(JSONProblem) {
        depth += 1
        guard depth <= Self.maximumDepth else { throw problem("nested deeper than \(Self.maximumDepth)") }
    }

    private mutating func skipWhitespace() {
        while position < bytes.count,
            bytes[position] == 0x20 || bytes[position] == 0x0a || bytes[position] == 0x0d || bytes[position] == 0x09
        {
            position += 1
        }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private mutating func takeWord(_ word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard position + count <= bytes.count else { return false }
        // Safe: a static string's bytes live as long as the program, and the index stays below their count.
        for index in 0..<count where unsafe bytes[position + index] != word.utf8Start[index] { return false }
        position += count
        return true
    }

    private func isDigit(_ byte: UInt8) -> Bool { byte >= 48 && byte <= 57 }

    private mutating func skipDigits() {
        while position < bytes.count, isDigit(bytes[position]) { position += 1 }
    }

    private static let powersOfTen: [Double] = [
        1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
    ]

    private func short(from start: Int, decimals: Int, isNegative: Bool) -> Double {
        var digits: Int64 = 0
        for byte in bytes[(isNegative ? start + 1 : start)..<position] where byte != UInt8(ascii: ".") {
            digits = digits * 10 + Int64(byte - 48)
        }
        // A sum, because the negative zero of "-0" would not come back from the database.
        return 0 + (isNegative ? -Double(digits) : Double(digits)) / Self.powersOfTen[decimals]
    }

    private mutating func escapedString(from start: Int) throws(JSONProblem) -> String {
        var decoded = Array(bytes[start..<position])
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(utf8: decoded[...]) else { throw problem("a string is not UTF-8") }
                return text
            case UInt8(ascii: "\\"):
                try escape(into: &decoded)
            default:
                if byte < 0x20 { throw problem("a control character stands unescaped in a string") }
                decoded.append(byte)
            }
        }
        throw problem("a string does not end")
    }

    private mutating func escape(into decoded: inout [UInt8]) throws(JSONProblem) {
        guard position < bytes.count else { throw problem("a string does not end") }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): decoded.append(byte)
        case UInt8(ascii: "b"): decoded.append(0x08)
        case UInt8(ascii: "f"): decoded.append(0x0c)
        case UInt8(ascii: "n"): decoded.append(0x0a)
        case UInt8(ascii: "r"): decoded.append(0x0d)
        case UInt8(ascii: "t"): decoded.append(0x09)
        case UInt8(ascii: "u"):
            let scalar = try escapedScalar()
            decoded.append(contentsOf: Array(String(Character(scalar)).utf8))
        default: throw problem("an unknown escape stands in a string")
        }
    }

    private mutating func escapedScalar() throws(JSONProblem) -> Unicode.Scalar {
        var value = UInt32(try hexadecimal())
        if value == 0 { throw problem("\\u0000 cannot be stored") }
        if (0xd800..<0xdc00).contains(value) {
            guard take("\\"), take("u") else { throw problem("a surrogate stands alone") }
            let low = UInt32(try hexadecimal())
            guard (0xdc00..<0xe000).contains(low) else { throw problem("a surrogate stands alone") }
            value = 0x10000 + (value - 0xd800) << 10 + (low - 0xdc00)
        }
        guard let scalar = Unicode.Scalar(value) else { throw problem("a surrogate stands alone") }
        return scalar
    }

    private mutating func hexadecimal() throws(JSONProblem) -> UInt16 {
        guard position + 4 <= bytes.count else { throw problem("expected four hexadecimal digits") }
        var value: UInt16 = 0
        for byte in bytes[position..<position + 4] {
            switch byte {
            case 48...57: value = value << 4 | UInt16(byte - 48)
            case 97...102: value = value << 4 | UInt16(byte - 87)
            case 65...70: value = value << 4 | UInt16(byte - 55)
            default: throw problem("expected four hexadecimal digits")
            }
        }
        position += 4
        return value
    }
}

/// The keys of an object so far: a few are compared one by one, which is cheaper than hashing them.
private struct SeenKeys {
    private var few: [String] = []
    private var many: Set<String> = []

    mutating func insert(_ key: String) -> Bool {
        if many.isEmpty {
            if few.contains(key) { return false }
            few.append(key)
            if few.count > 32 { many = Set(few) }
            return true
        }
        return many.insert(key).inserted
    }
}

/// Why a body could not be read: where, and what was expected.
package struct JSONProblem: Error, CustomStringConvertible {
    /// Keys and indices from the root, joined by dots; empty at the root.
    package let path: String
    /// Offset into the body.
    package let byte: Int
    package let message: String

    package var description: String { path.isEmpty ? "at byte \(byte): \(message)" : "\(path) (byte \(byte)): \(message)" }
}
