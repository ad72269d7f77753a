/// JSON whose objects keep the order in which they were written, for documents that people read: the JSON Schema.
enum OrderedJSON: Hashable, Sendable {
    case null
    case boolean(Bool)
    case number(Double)
    case string(String)
    case array([OrderedJSON])
    case object([Member])

    struct Member: Hashable, Sendable {
        var name: String
        var value: OrderedJSON
    }

    static func object(_ members: KeyValuePairs<String, OrderedJSON>) -> Self {
        .object(members.map { Member(name: $0.key, value: $0.value) })
    }

    static func strings(_ texts: some Sequence<String>) -> Self { .array(texts.map { .string($0) }) }

    /// The value of a member of an object.
    subscript(name: String) -> OrderedJSON? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    /// This object with more members behind its own; anything else unchanged.
    func adding(_ members: KeyValuePairs<String, OrderedJSON>) -> Self {
        guard case .object(let own) = self else { return self }
        return .object(own + members.map { Member(name: $0.key, value: $0.value) })
    }

    /// Indented by two spaces; arrays of scalars stay on one line.
    var text: String {
        var result = ""
        write(into: &result, indent: 0)
        return result + "\n"
    }

    private func write(into result: inout String, indent: Int) {
        let inner = String(repeating: " ", count: indent + 2)
        switch self {
        case .null: result += "null"
        case .boolean(let value): result += value ? "true" : "false"
        case .number(let value): result += NumberText.write(value)
        case .string(let value): result += QuotedText.write(value)
        case .array(let values):
            if values.allSatisfy({ if case .object = $0 { false } else { true } }) {
                result += "["
                for (index, value) in values.enumerated() {
                    if index > 0 { result += ", " }
                    value.write(into: &result, indent: indent)
                }
                result += "]"
            } else {
                result += "["
                for (index, value) in values.enumerated() {
                    result += (index > 0 ? ",\n" : "\n") + inner
                    value.write(into: &result, indent: indent + 2)
                }
                result += "\n" + String(repeating: " ", count: indent) + "]"
            }
        case .object(let members):
            guard !members.isEmpty else {
                result += "{}"
                return
            }
            result += "{"
            for (index, member) in members.enumerated() {
                result += (index > 0 ? ",\n" : "\n") + inner + QuotedText.write(member.name) + ": "
                member.value.write(into: &result, indent: indent + 2)
            }
            result += "\n" + String(repeating: " ", count: indent) + "}"
        }
    }
}

/// Numbers as they stand in YAML and JSON: the shortest text that reads back to the same value, whole numbers without a fraction.
enum NumberText {
    static func write(_ value: Double) -> String {
        if let whole = Int64(exactly: value), abs(whole) < 1 << 53 { return String(whole) }
        return "\(value)"
    }
}

/// Text in double quotes, in the escapes that JSON and YAML share.
enum QuotedText {
    static func write(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            default:
                if isPlainlyPrintable(scalar) { result.unicodeScalars.append(scalar) } else { result += escape(scalar) }
            }
        }
        return result + "\""
    }

    /// What YAML lets stand in a file as itself, less the characters that break lines or cannot be seen.
    static func isPlainlyPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x20...0x7e, 0xa0...0x2027, 0x202a...0xd7ff, 0xe000...0xfefe, 0xff00...0xfffd, 0x10000...0x10ffff: true
        default: false
        }
    }

    private static func escape(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }
}
