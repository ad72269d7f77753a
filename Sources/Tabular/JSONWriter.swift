/// Appends JSON to bytes, without intermediate values. Commas are the writer's business, braces the caller's.
package struct JSONWriter {
    package private(set) var bytes: [UInt8] = []
    private var needsComma = false

    package init() {}

    package var text: String { String(decoding: bytes, as: UTF8.self) }

    package mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        needsComma = false
    }

    package mutating func beginObject() { open(UInt8(ascii: "{")) }
    package mutating func endObject() { close(UInt8(ascii: "}")) }
    package mutating func beginArray() { open(UInt8(ascii: "[")) }
    package mutating func endArray() { close(UInt8(ascii: "]")) }

    package mutating func key(_ name: String) {
        separate()
        Self.append(string: name, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    package mutating func string(_ text: String) {
        separate()
        Self.append(string: text, to: &bytes)
        needsComma = true
    }

    /// - Precondition: finite; JSON has no other numbers.
    package mutating func number(_ value: Double) {
        precondition(value.isFinite, "JSON has no number for NaN or infinity")
        separate()
        Self.append(number: value, to: &bytes)
        needsComma = true
    }

    package mutating func number(_ value: Int) { literal(String(value)) }
    package mutating func boolean(_ value: Bool) { literal(value ? "true" : "false") }
    package mutating func null() { literal("null") }

    /// JSON that somebody else wrote.
    package mutating func raw(_ json: some Sequence<UInt8>) {
        separate()
        bytes += json
        needsComma = true
    }

    /// Ends a line of NDJSON.
    package mutating func endLine() {
        bytes.append(10)
        needsComma = false
    }

    private mutating func literal(_ text: String) {
        separate()
        bytes += text.utf8
        needsComma = true
    }

    private mutating func open(_ byte: UInt8) {
        separate()
        bytes.append(byte)
        needsComma = false
    }

    private mutating func close(_ byte: UInt8) {
        bytes.append(byte)
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
    }

    /// The shortest decimal that reads back as the same double; whole numbers without a fraction.
    static func append(number value: Double, to bytes: inout [UInt8]) {
        if let whole = Int64(exactly: value), abs(value) < 9e15, value != 0 || value.sign == .plus {
            bytes += String(whole).utf8
        } else {
            bytes += value.description.utf8
        }
    }

    static func append(string: String, to bytes: inout [UInt8]) {
        bytes.append(34)
        for byte in string.utf8 {
            switch byte {
            case 34: bytes += [92, 34]
            case 92: bytes += [92, 92]
            case 10: bytes += [92, 110]
            case 13: bytes += [92, 114]
            case 9: bytes += [92, 116]
            case 0..<32:
                bytes += [92, 117, 48, 48]
                bytes.append(48 + byte >> 4)
                bytes.append(byte & 15 < 10 ? 48 + byte & 15 : 87 + byte & 15)
            default: bytes.append(byte)
            }
        }
        bytes.append(34)
    }
}
