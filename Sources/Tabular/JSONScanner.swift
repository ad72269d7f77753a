/// A strict JSON parser (RFC 8259) that is pulled: the caller asks for what it expects next, and nothing is built that it did not ask for.
package struct JSONScanner: Sendable {
    /// What a value begins with.
    package enum Kind: Sendable { case object, array, string, number, boolean, null }

    /// Deepest nesting that `skip` follows.
    private static let depthLimit = 512

    private let bytes: [UInt8]
    private let start: Int
    private let end: Int
    private var position: Int
    private let place: FilePlace
    private let mayBeUnfinished: Bool
    private var isFirst = false

    /// - Parameters:
    ///   - place: what the errors name.
    ///   - mayBeUnfinished: whether this is the end of a file, so that a value that lacks its rest was cut off.
    package init(_ bytes: [UInt8], from start: Int, to end: Int, place: FilePlace, mayBeUnfinished: Bool = false) {
        self.mayBeUnfinished = mayBeUnfinished
        self.bytes = bytes
        self.start = start
        self.end = end
        self.place = place
        position = start
    }

    package init(_ bytes: [UInt8], place: FilePlace) { self.init(bytes, from: 0, to: bytes.count, place: place) }

    /// The kind of the value that comes next.
    package mutating func peek() throws -> Kind {
        skipSpace()
        guard position < end else { throw error("a value") }
        switch bytes[position] {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "\""): return .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .boolean
        case UInt8(ascii: "n"): return .null
        case UInt8(ascii: "-"), 48...57: return .number
        default: throw error("a value")
        }
    }

    package mutating func beginObject() throws {
        skipSpace()
        try take(UInt8(ascii: "{"), "an object")
        isFirst = true
    }

    /// The next key of the object; nil at its end.
    package mutating func nextKey() throws -> String? {
        skipSpace()
        if position < end, bytes[position] == UInt8(ascii: "}") {
            position += 1
            isFirst = false
            return nil
        }
        if !isFirst {
            try take(UInt8(ascii: ","), "`,` or `}`")
            skipSpace()
        }
        isFirst = false
        let key = try string()
        skipSpace()
        try take(UInt8(ascii: ":"), "`:`")
        return key
    }

    /// A key as `nextKey(in:)` finds it.
    package enum Key: Hashable, Sendable {
        /// Its position in the dictionary.
        case listed(Int)
        /// Not in it: the text where the dictionary is open (and full), nil where it is closed, as then nobody wants it.
        case other(String?)
    }

    /// The next key of the object as a position in a dictionary, without a string; nil at its end.
    package mutating func nextKey(in names: inout KeyDictionary) throws -> Key? {
        let before = (position, isFirst)
        skipSpace()
        if position < end, bytes[position] == UInt8(ascii: "}") {
            position += 1
            isFirst = false
            return nil
        }
        if !isFirst {
            try take(UInt8(ascii: ","), "`,` or `}`")
            skipSpace()
        }
        try take(UInt8(ascii: "\""), "a string")
        let begin = position
        if skipPlain(), position < end, bytes[position] == 34 {
            let found = names.position(of: bytes.span, from: begin, to: position)
            let other = found == nil && names.isOpen ? try text(begin, position, isASCII: true) : nil
            position += 1
            isFirst = false
            skipSpace()
            try take(UInt8(ascii: ":"), "`:`")
            return found.map { .listed(Int($0)) } ?? .other(other)
        }
        // Escapes, or more than ASCII: the other way, which checks them.
        (position, isFirst) = before
        guard let text = try nextKey() else { return nil }
        let utf8 = Array(text.utf8)
        return names.position(of: utf8.span, from: 0, to: utf8.count).map { .listed(Int($0)) } ?? .other(names.isOpen ? text : nil)
    }

    package mutating func beginArray() throws {
        skipSpace()
        try take(UInt8(ascii: "["), "an array")
        isFirst = true
    }

    /// Whether the array has another element, which the caller then reads.
    package mutating func nextElement() throws -> Bool {
        skipSpace()
        if position < end, bytes[position] == UInt8(ascii: "]") {
            position += 1
            isFirst = false
            return false
        }
        if !isFirst { try take(UInt8(ascii: ","), "`,` or `]`") }
        isFirst = false
        return true
    }

    package mutating func string() throws -> String {
        skipSpace()
        try take(UInt8(ascii: "\""), "a string")
        let begin = position
        let isASCII = skipPlain()
        if position < end, bytes[position] == 34 {
            position += 1
            return try text(begin, position - 1, isASCII: isASCII)
        }
        var unescaped = Array(bytes[begin..<position])
        while true {
            guard position < end else { throw error("`\"` at the end of the string") }
            let byte = bytes[position]
            if byte == 34 { break }
            guard byte >= 32 else { throw error("an escaped control character") }
            position += 1
            if byte == 92 { try unescape(into: &unescaped) } else { unescaped.append(byte) }
        }
        position += 1
        guard let text = String(validating: unescaped, as: UTF8.self) else { throw error("UTF-8") }
        return text
    }

    /// - Throws: also for a number beyond double.
    package mutating func number() throws -> Double {
        skipSpace()
        let begin = position
        if position < end, bytes[position] == UInt8(ascii: "-") { position += 1 }
        let whole = digits()
        guard whole > 0 else {
            position = begin
            throw error("a number")
        }
        if whole > 1, bytes[position - whole] == 48 { throw error("a number without leading zeros") }
        if position < end, bytes[position] == UInt8(ascii: ".") {
            position += 1
            guard digits() > 0 else { throw error("a digit") }
        }
        if position < end, bytes[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            if position < end, bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-") { position += 1 }
            guard digits() > 0 else { throw error("a digit") }
        }
        guard let value = DecimalNumber.parse(bytes.span, from: begin, to: position), value.isFinite else {
            throw error("a number that fits a double")
        }
        return value
    }

    package mutating func integer() throws -> Int {
        let before = position
        guard let value = Int(exactly: try number()) else {
            position = before
            throw error("a whole number")
        }
        return value
    }

    package mutating func boolean() throws -> Bool {
        skipSpace()
        if takeWord("true") { return true }
        if takeWord("false") { return false }
        throw error("true or false")
    }

    package mutating func null() throws {
        skipSpace()
        guard takeWord("null") else { throw error("null") }
    }

    /// Reads past null.
    /// - Returns: whether it stood there.
    package mutating func takeNull() -> Bool {
        skipSpace()
        return takeWord("null")
    }

    /// Reads past the next value, checking it.
    package mutating func skip() throws { try skip(depth: 0) }

    private mutating func skip(depth: Int) throws {
        guard depth < Self.depthLimit else { throw error("at most \(Self.depthLimit) levels") }
        switch try peek() {
        case .string: _ = try string()
        case .number: _ = try number()
        case .boolean: _ = try boolean()
        case .null: try null()
        case .object:
            try beginObject()
            while try nextKey() != nil { try skip(depth: depth + 1) }
        case .array:
            try beginArray()
            while try nextElement() { try skip(depth: depth + 1) }
        }
    }

    /// Makes sure that nothing but space follows.
    package mutating func finish() throws {
        skipSpace()
        guard position == end else { throw error("the end of the line") }
    }

    /// Whether nothing follows but the beginning of `true`, `false` or `null`.
    private var isPartOfWord: Bool {
        end - position < 5 && ["true", "false", "null"].contains { $0.utf8.starts(with: bytes[position..<end]) }
    }

    /// The error that names this place.
    package func error(_ expected: String) -> TabularError {
        if mayBeUnfinished, position == end || isPartOfWord { return .unfinishedLine(place) }
        if position < end, bytes[position] == 0 { return .zeroByte(place) }
        return .badJSON(place, expected: expected, offset: position - start)
    }

    private mutating func skipSpace() {
        while position < end {
            let byte = bytes[position]
            guard byte == 32 || byte == 9 || byte == 10 || byte == 13 else { return }
            position += 1
        }
    }

    private mutating func take(_ byte: UInt8, _ expected: String) throws {
        guard position < end, bytes[position] == byte else { throw error(expected) }
        position += 1
    }

    private mutating func takeWord(_ word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard position + count <= end else { return false }
        // A static string's bytes live as long as the program.
        guard word.withUTF8Buffer({ unsafe $0.elementsEqual(bytes[position..<position + count]) }) else { return false }
        position += count
        return true
    }

    private mutating func digits() -> Int {
        let begin = position
        while position < end, bytes[position] &- 48 < 10 { position += 1 }
        return position - begin
    }

    /// Moves to the first byte that is not itself in a string; says whether all before it were ASCII.
    private mutating func skipPlain() -> Bool {
        var seen: UInt8 = 0
        var position = position
        while position < end {
            let byte = bytes[position]
            if byte == 34 || byte == 92 || byte < 32 { break }
            seen |= byte
            position += 1
        }
        self.position = position
        return seen < 128
    }

    private func text(_ begin: Int, _ end: Int, isASCII: Bool) throws -> String {
        if isASCII {
            // Nothing to validate; the bytes are copied before the closure ends.
            return unsafe bytes.span.extracting(begin..<end).withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
        }
        guard let text = String(validating: bytes[begin..<end], as: UTF8.self) else { throw error("UTF-8") }
        return text
    }

    private mutating func unescape(into text: inout [UInt8]) throws {
        guard position < end else { throw error("an escape") }
        let byte = bytes[position]
        position += 1
        switch byte {
        case 34, 47, 92: text.append(byte)
        case UInt8(ascii: "b"): text.append(8)
        case UInt8(ascii: "f"): text.append(12)
        case UInt8(ascii: "n"): text.append(10)
        case UInt8(ascii: "r"): text.append(13)
        case UInt8(ascii: "t"): text.append(9)
        case UInt8(ascii: "u"):
            var code = try hexadecimal()
            if code & 0xfc00 == 0xd800 {
                guard position + 2 <= end, bytes[position] == 92, bytes[position + 1] == UInt8(ascii: "u") else {
                    throw error("the second half of a surrogate pair")
                }
                position += 2
                let low = try hexadecimal()
                guard low & 0xfc00 == 0xdc00 else { throw error("the second half of a surrogate pair") }
                code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw error("the first half of a surrogate pair") }
            text += String(Character(scalar)).utf8
        default:
            position -= 1
            throw error("an escape")
        }
    }

    private mutating func hexadecimal() throws -> UInt32 {
        guard position + 4 <= end else { throw error("four hexadecimal digits") }
        var code: UInt32 = 0
        for _ in 0..<4 {
            let digit: UInt8
            switch bytes[position] {
            case 48...57: digit = bytes[position] - 48
            case 97...102: digit = bytes[position] - 87
            case 65...70: digit = bytes[position] - 55
            default: throw error("four hexadecimal digits")
            }
            code = code << 4 | UInt32(digit)
            position += 1
        }
        return code
    }
}
