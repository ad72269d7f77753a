import HaggleCore

/// What one value of a file may be: how it is read and checked, and the JSON Schema that says the same to an editor.
///
/// Both come from one construction, so that parser and schema cannot drift apart.
struct Shape<Value: Sendable>: Sendable {
    /// The value as JSON Schema.
    let schema: OrderedJSON
    /// Reads a node. Returns nil after it has reported why; `path` names the value in messages (`policy.floor`).
    let read: @Sendable (_ node: YAMLNode, _ path: String, _ problems: ProblemList) -> Value?

    init(schema: OrderedJSON, read: @escaping @Sendable (_ node: YAMLNode, _ path: String, _ problems: ProblemList) -> Value?) {
        self.schema = schema
        self.read = read
    }

    /// The same value in another type; the schema stays.
    func map<Other: Sendable>(_ transform: @escaping @Sendable (Value) -> Other) -> Shape<Other> {
        Shape<Other>(schema: schema) { node, path, problems in read(node, path, problems).map(transform) }
    }
}

extension ProblemList {
    /// Reports a value that is not what was expected. Says nothing about a node that was refused before.
    func mismatch(_ path: String, expected: String, _ node: YAMLNode, hint: String = "") {
        guard !node.isRefused else { return }
        report("\(path): expected \(expected), found \(node.found)\(hint)", at: node.place)
    }
}

/// The ends of a range of numbers, each of which may be open.
struct Bounds: Sendable {
    var lower: Double?
    var upper: Double?
    var includesLower = true

    static func closed(_ range: ClosedRange<Double>) -> Self { Self(lower: range.lowerBound, upper: range.upperBound) }
    static func above(_ lower: Double) -> Self { Self(lower: lower, upper: nil, includesLower: false) }
    static func atLeast(_ lower: Double) -> Self { Self(lower: lower, upper: nil) }
    static func above(_ lower: Double, upTo upper: Double) -> Self { Self(lower: lower, upper: upper, includesLower: false) }
    static let all = Self()

    func contains(_ value: Double) -> Bool {
        if let lower, includesLower ? value < lower : value <= lower { return false }
        if let upper, value > upper { return false }
        return true
    }

    /// ` from 0 to 1`, ` above 0`, or nothing.
    var words: String {
        switch (lower, upper) {
        case (let lower?, let upper?) where includesLower: " from \(NumberText.write(lower)) to \(NumberText.write(upper))"
        case (let lower?, let upper?): " above \(NumberText.write(lower)) and at most \(NumberText.write(upper))"
        case (let lower?, nil): includesLower ? " of at least \(NumberText.write(lower))" : " above \(NumberText.write(lower))"
        case (nil, let upper?): " of at most \(NumberText.write(upper))"
        case (nil, nil): ""
        }
    }

    func added(to schema: OrderedJSON) -> OrderedJSON {
        var schema = schema
        if let lower { schema = schema.adding(includesLower ? ["minimum": .number(lower)] : ["exclusiveMinimum": .number(lower)]) }
        if let upper { schema = schema.adding(["maximum": .number(upper)]) }
        return schema
    }
}

extension Shape where Value == Double {
    /// A finite decimal number, not a text that looks like one.
    static func number(_ bounds: Bounds = .all) -> Self {
        Self(schema: bounds.added(to: .object(["type": .string("number")]))) { node, path, problems in
            guard let value = ScalarReader.number(node, path, "a number\(bounds.words)", problems) else { return nil }
            guard bounds.contains(value) else {
                problems.mismatch(path, expected: "a number\(bounds.words)", node)
                return nil
            }
            return value
        }
    }

    /// A share of the units: the cuts see steps of 0.0001.
    static let share = Self(schema: Bounds.closed(0...1).added(to: .object(["type": .string("number")]))) { node, path, problems in
        let expected = "a share from 0 to 1 in steps of 0.0001"
        guard let value = ScalarReader.number(node, path, expected, problems) else { return nil }
        // 1e-7 of a step forgives the binary rounding of a decimal number and nothing else.
        guard (0...1).contains(value), abs(value * 10_000 - (value * 10_000).rounded()) < 1e-7 else {
            problems.mismatch(path, expected: expected, node)
            return nil
        }
        return value
    }

    /// A span of time in seconds, written with its unit: `7d`, `90s`, `250ms`.
    static let duration = Self(schema: .object(["type": .string("string"), "pattern": .string(DurationText.schemaPattern)])) {
        node, path, problems in
        let expected = "a duration above 0 such as 7d, 1h, 30m, 90s or 250ms"
        switch node.scalar {
        case .text(let text):
            if let seconds = DurationText.seconds(text) { return seconds }
            problems.mismatch(path, expected: expected, node)
        case .number: problems.mismatch(path, expected: expected, node, hint: "; add a unit")
        default: problems.mismatch(path, expected: expected, node)
        }
        return nil
    }
}

extension Shape where Value == Int {
    static func integer(_ range: ClosedRange<Int>) -> Self {
        let bounds = Bounds.closed(Double(range.lowerBound)...Double(range.upperBound))
        let expected = range.upperBound == .max ? "a whole number of at least \(range.lowerBound)" : "a whole number\(bounds.words)"
        let schema = OrderedJSON.object(["type": .string("integer"), "minimum": .number(bounds.lower ?? 0)])
        return Self(schema: range.upperBound == .max ? schema : schema.adding(["maximum": .number(bounds.upper ?? 0)])) {
            node, path, problems in
            guard let value = ScalarReader.number(node, path, expected, problems) else { return nil }
            // The digits themselves where there are only digits: a Double has no room for a seed of 64 bits.
            var whole = Int(exactly: value)
            if case .scalar(let text, _) = node.content, let exact = Int(text) { whole = exact }
            guard let whole, range.contains(whole) else {
                problems.mismatch(path, expected: expected, node)
                return nil
            }
            return whole
        }
    }
}

extension Shape where Value == Bool {
    static let boolean = Self(schema: .object(["type": .string("boolean")])) { node, path, problems in
        switch node.scalar {
        case .boolean(let value): return value
        case .text(let text) where ["yes", "no", "on", "off", "y", "n", "true", "false"].contains(text.lowercased()):
            problems.mismatch(path, expected: "true or false (without quotes)", node)
        default: problems.mismatch(path, expected: "true or false", node)
        }
        return nil
    }
}

extension Shape where Value == Timestamp {
    static let time = Self(schema: .object(["type": .string("string"), "pattern": .string("^[0-9]{4}-[0-9]{2}-[0-9]{2}")])) {
        node, path, problems in
        if case .text(let text) = node.scalar, let time = Timestamp(text) { return time }
        problems.mismatch(path, expected: "an ISO 8601 time such as 2026-11-01T00:00:00Z", node)
        return nil
    }
}

extension Shape where Value == String {
    /// Text of `1...limit` characters; `lines: true` allows line breaks.
    static func text(limit: Int = 200, lines: Bool = false) -> Self {
        Self(schema: .object(["type": .string("string"), "minLength": .number(1), "maxLength": .number(Double(limit))])) {
            node, path, problems in
            guard let text = ScalarReader.text(node, path, "text", problems) else { return nil }
            guard !text.isEmpty else {
                problems.mismatch(path, expected: "text of 1 to \(limit) characters", node)
                return nil
            }
            guard text.unicodeScalars.count <= limit else {
                problems.report("\(path): expected at most \(limit) characters, found \(text.unicodeScalars.count)", at: node.place)
                return nil
            }
            guard lines || !text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
                problems.report("\(path): expected one line of text, found a line break or control character", at: node.place)
                return nil
            }
            return text
        }
    }

    /// Text of a fixed form, which `pattern` describes to editors and `isMatch` decides.
    static func word(_ what: String, pattern: String, _ isMatch: @escaping @Sendable (String) -> Bool) -> Self {
        Self(schema: .object(["type": .string("string"), "pattern": .string(pattern)])) { node, path, problems in
            guard let text = ScalarReader.text(node, path, what, problems) else { return nil }
            guard isMatch(text) else {
                problems.mismatch(path, expected: what, node)
                return nil
            }
            return text
        }
    }

    /// One of some words; `later` are words that a later version will know.
    static func word(of words: [String], later: [String] = []) -> Self {
        let expected = Words.list(words)
        return Self(schema: .object(["enum": .strings(words)])) { node, path, problems in
            guard case .text(let text) = node.scalar else {
                problems.mismatch(path, expected: expected, node)
                return nil
            }
            if words.contains(text) { return text }
            if later.contains(text) {
                problems.report("\(path): '\(text)' is not supported yet; expected \(expected)", at: node.place)
            } else {
                problems.mismatch(path, expected: expected, node, hint: Suggestion.hint(for: text, among: words + later))
            }
            return nil
        }
    }
}

extension Shape where Value: RawRepresentable & CaseIterable, Value.RawValue == String {
    /// One of the enumeration's raw values.
    static func choice(later: [String] = []) -> Self { choice(Array(Value.allCases), later: later) }

    /// One of some of the enumeration's raw values.
    static func choice(_ cases: [Value], later: [String] = []) -> Self {
        let word = Shape<String>.word(of: cases.map(\.rawValue), later: later)
        return Self(schema: word.schema) { node, path, problems in word.read(node, path, problems).flatMap { Value(rawValue: $0) } }
    }
}

extension Shape {
    /// A list; elements that cannot be read are reported and left out.
    static func list<Element: Sendable>(
        of element: Shape<Element>, _ what: String, count: ClosedRange<Int>, unique: Bool = false
    ) -> Self where Value == [Element] {
        var schema = OrderedJSON.object(["type": .string("array"), "items": element.schema, "minItems": .number(Double(count.lowerBound))])
        schema = schema.adding(["maxItems": .number(Double(count.upperBound))])
        if unique { schema = schema.adding(["uniqueItems": .boolean(true)]) }
        return Self(schema: schema) { node, path, problems in
            guard case .sequence(let items) = node.content else {
                problems.mismatch(path, expected: "a list of \(what)", node)
                return nil
            }
            guard count.contains(items.count) else {
                let least = count.lowerBound == 1 ? "one or more" : "at least \(count.lowerBound)"
                let expected = items.count < count.lowerBound ? least : "at most \(count.upperBound)"
                problems.report("\(path): expected \(expected) \(what), found \(items.isEmpty ? "none" : "\(items.count)")", at: node.place)
                return nil
            }
            return items.enumerated().compactMap { element.read($0.element, "\(path)[\($0.offset)]", problems) }
        }
    }
}

/// Reading scalars with messages that say what to do about the usual slips.
enum ScalarReader {
    static func number(_ node: YAMLNode, _ path: String, _ expected: String, _ problems: ProblemList) -> Double? {
        switch node.scalar {
        case .number(let value) where value.isFinite: return value
        case .number: problems.mismatch(path, expected: "\(expected) that fits a 64-bit float", node)
        case .text(let text) where NumberGrammar.isNumber(text):
            problems.mismatch(path, expected: expected, node, hint: "; remove the quotes")
        case .text(let text) where [".nan", ".inf", "+.inf", "-.inf", "nan", "inf", "infinity"].contains(text.lowercased()):
            problems.mismatch(path, expected: "\(expected) (NaN and infinities are not allowed)", node)
        case .text(let text) where text.hasSuffix("%") && NumberGrammar.isNumber(text.dropLast()):
            problems.mismatch(path, expected: expected, node, hint: "; write 0.1 for 10 %")
        default: problems.mismatch(path, expected: expected, node)
        }
        return nil
    }

    static func text(_ node: YAMLNode, _ path: String, _ expected: String, _ problems: ProblemList) -> String? {
        switch node.scalar {
        case .text(let text): return text
        case .number, .boolean:
            guard case .scalar(let text, _) = node.content else { return nil }
            problems.mismatch(path, expected: expected, node, hint: "; write it in quotes: \(QuotedText.write(YAMLNode.shortened(text)))")
        default: problems.mismatch(path, expected: expected, node)
        }
        return nil
    }
}

/// Phrases of messages.
enum Words {
    /// A computed number, rounded to 9 decimals so that binary rounding does not show.
    static func rounded(_ value: Double) -> String {
        let scaled = (value * 1e9).rounded() / 1e9
        return NumberText.write(scaled.isFinite ? scaled : value)
    }

    /// `a`, `a or b`, `a, b or c`.
    static func list(_ words: [String]) -> String {
        guard let last = words.last, words.count > 1 else { return words.first ?? "" }
        return words.dropLast().joined(separator: ", ") + " or " + last
    }
}
