/// One value of a YAML file with its place. Anchors, tags and duplicate keys are gone by the time a tree of these exists.
struct YAMLNode: Sendable {
    enum Content: Sendable {
        /// `isPlain`: without quotes, so that it may denote a number, a boolean or nothing.
        case scalar(String, isPlain: Bool)
        case sequence([YAMLNode])
        case mapping([Entry])
        /// Something that is not allowed here; its problem is reported already, so that readers pass over it in silence.
        case refused
    }

    struct Entry: Sendable {
        var key: String
        var keyPlace: Place
        var value: YAMLNode
    }

    /// What a scalar denotes under YAML's core schema, narrowed: numbers are decimal, booleans are `true` and `false`.
    enum Scalar: Equatable {
        case null
        case boolean(Bool)
        case number(Double)
        case text(String)
    }

    var place: Place
    var content: Content

    var isRefused: Bool { if case .refused = content { true } else { false } }

    /// The scalar's meaning; nil for lists and mappings.
    var scalar: Scalar? {
        guard case .scalar(let text, let isPlain) = content else { return nil }
        guard isPlain else { return .text(text) }
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .boolean(true)
        case "false", "False", "FALSE": return .boolean(false)
        default: return NumberGrammar.isNumber(text) ? Double(text).map { .number($0) } ?? .text(text) : .text(text)
        }
    }

    /// For messages: `the text "abc"`, `5`, `a list`, `nothing`.
    var found: String {
        switch content {
        case .sequence(let items): items.isEmpty ? "an empty list" : "a list"
        case .mapping: "a mapping"
        case .refused: "something that is not allowed"
        case .scalar(let text, let isPlain):
            switch scalar {
            case .null: "nothing"
            case .boolean, .number: Self.shortened(text)
            case .text, nil: isPlain ? "'\(Self.shortened(text))'" : "the text \"\(Self.shortened(text))\""
            }
        }
    }

    /// At most 60 characters of one line, so that a message stays a line.
    static func shortened(_ text: String) -> String {
        var result = ""
        for (index, scalar) in text.unicodeScalars.enumerated() {
            if index == 60 { return result + "..." }
            result.unicodeScalars.append(QuotedText.isPlainlyPrintable(scalar) ? scalar : " ")
        }
        return result
    }
}

/// Which plain scalars are numbers: decimal, with an optional sign, fraction and exponent. Hexadecimal, octal, `_`, `.inf` and `.nan` are not.
enum NumberGrammar {
    static func isNumber(_ text: some StringProtocol) -> Bool {
        var rest = Array(text.utf8)[...]
        if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
        let whole = takeDigits(&rest)
        if whole.count > 1, whole.first == UInt8(ascii: "0") { return false }
        var fraction = 0
        if rest.first == UInt8(ascii: ".") {
            rest.removeFirst()
            fraction = takeDigits(&rest).count
            if fraction == 0 { return false }
        }
        guard !whole.isEmpty || fraction > 0 else { return false }
        if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
            rest.removeFirst()
            if rest.first == UInt8(ascii: "-") || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
            if takeDigits(&rest).isEmpty { return false }
        }
        return rest.isEmpty
    }

    private static func takeDigits(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let digits = rest.prefix { $0 >= 48 && $0 <= 57 }
        rest = rest.dropFirst(digits.count)
        return digits
    }
}
