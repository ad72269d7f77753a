import HaggleCore

/// Reads the tokens of a condition's text by recursive descent.
struct ConditionParser {
    let tokens: [ConditionToken]
    /// Nil where the features are not known.
    let check: FeatureCheck?
    private var position = 0
    private var depth = 0

    init(tokens: [ConditionToken], check: FeatureCheck?) {
        self.tokens = tokens
        self.check = check
    }

    /// The whole text as one condition.
    mutating func whole() throws(ConditionSyntaxError) -> Condition {
        let result = try alternatives()
        guard token.kind == .end else { throw expected("'and', 'or' or the end") }
        return result
    }

    private var token: ConditionToken { tokens[position] }

    /// Goes past the present token if it is that word.
    private mutating func take(word: String) -> Bool {
        guard token.isWord(word) else { return false }
        position += 1
        return true
    }

    private mutating func take(sign: String) -> Bool {
        guard token.isSign(sign) else { return false }
        position += 1
        return true
    }

    private func expected(_ what: String, hint: String = "") -> ConditionSyntaxError {
        ConditionSyntaxError(message: "expected \(what), found \(token.found)\(hint)", place: token.place)
    }

    private mutating func alternatives() throws(ConditionSyntaxError) -> Condition {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Self.depthLimit else {
            throw ConditionSyntaxError(
                message: "expected at most \(Self.depthLimit) conditions inside each other, found more", place: token.place)
        }
        var parts = [try conjunction()]
        while take(word: "or") { parts.append(try conjunction()) }
        return parts.count == 1 ? parts[0] : .any(parts)
    }

    private mutating func conjunction() throws(ConditionSyntaxError) -> Condition {
        var parts = [try negation()]
        while take(word: "and") { parts.append(try negation()) }
        return parts.count == 1 ? parts[0] : .all(parts)
    }

    private mutating func negation() throws(ConditionSyntaxError) -> Condition {
        var isNegated = false
        while take(word: "not") { isNegated.toggle() }
        let condition = take(sign: "(") ? try bracketed() : try test()
        return isNegated ? .not(condition) : condition
    }

    private mutating func bracketed() throws(ConditionSyntaxError) -> Condition {
        let result = try alternatives()
        guard take(sign: ")") else { throw expected("'and', 'or' or ')'") }
        return result
    }

    private mutating func test() throws(ConditionSyntaxError) -> Condition {
        let place = token.place
        let name = try featureName()
        check?.checkName(name, at: place)
        for (sign, make) in Self.comparisons where take(sign: sign) {
            return .feature(name, make(try value(of: name, isOrdering: sign != "=" && sign != "!=")))
        }
        if take(word: "is") {
            let isNegated = take(word: "not")
            guard take(word: "null") else { throw expected(isNegated ? "'null'" : "'null' or 'not null'") }
            return .feature(name, .exists(isNegated))
        }
        let isNegated = take(word: "not")
        if take(word: "in") {
            let values = try list(of: name)
            return .feature(name, isNegated ? .noneOf(values) : .oneOf(values))
        }
        if take(word: "exists") { return .feature(name, .exists(!isNegated)) }
        if take(word: "matches") {
            let condition = Condition.feature(name, .matches(try pattern()))
            return isNegated ? .not(condition) : condition
        }
        if take(word: "between") {
            let low = try value(of: name, isOrdering: true)
            guard take(word: "and") else { throw expected("'and' between the two ends") }
            let condition = Condition.all([
                .feature(name, .greaterOrEqual(low)), .feature(name, .lessOrEqual(try value(of: name, isOrdering: true))),
            ])
            return isNegated ? .not(condition) : condition
        }
        guard !isNegated else { throw expected("'in', 'between', 'exists' or 'matches' behind 'not'") }
        return try alone(name, place)
    }

    /// A feature by itself: a boolean one that must be true.
    private func alone(_ name: String, _ place: Place) throws(ConditionSyntaxError) -> Condition {
        let isEnd = token.kind == .end || token.isSign(")") || token.isWord("and") || token.isWord("or")
        var isBoolean = true
        if let feature = check?.schema[name] { if case .boolean = feature.kind { isBoolean = true } else { isBoolean = false } }
        guard isEnd, isBoolean else {
            throw expected("a comparison behind '\(YAMLNode.shortened(name))', such as = 'web', > 30, in (1, 2) or is null")
        }
        return .feature(name, .equal(.boolean(true)))
    }

    private mutating func featureName() throws(ConditionSyntaxError) -> String {
        switch token.kind {
        case .name(let name):
            position += 1
            return name
        case .word(let word) where !Self.words.contains(word.lowercased()):
            position += 1
            return word
        case .number, .text: throw expected("a feature's name", hint: "; write the feature first, as in recency_days > 30")
        case .word: throw expected("a feature's name", hint: "; a feature of that name stands between backticks")
        case .sign, .end: throw expected("a feature's name, 'not' or '('")
        }
    }

    private mutating func list(of name: String) throws(ConditionSyntaxError) -> [ContextValue] {
        guard take(sign: "(") else { throw expected("'(' and a list of values, as in (1, 2)") }
        var values = [try value(of: name, isOrdering: false)]
        while take(sign: ",") { values.append(try value(of: name, isOrdering: false)) }
        guard take(sign: ")") else { throw expected("',' or ')'") }
        return values
    }

    private mutating func value(of name: String, isOrdering: Bool) throws(ConditionSyntaxError) -> ContextValue {
        let value: ContextValue
        switch token.kind {
        case .number(let number): value = .number(number)
        case .text(let text): value = .text(text)
        case .word(let word) where word.lowercased() == "true" || word.lowercased() == "false":
            guard !isOrdering else { throw expected("a number or text, which have an order") }
            value = .boolean(word.lowercased() == "true")
        case .word(let word) where word.lowercased() == "null":
            throw expected("a value", hint: "; write \(name) is null, or is not null")
        case .word(let word) where !Self.words.contains(word.lowercased()):
            throw expected("a number, text in quotes, true or false", hint: "; write '\(YAMLNode.shortened(word))' in quotes if it is text")
        default: throw expected("a number, text in quotes, true or false")
        }
        check?.checkValue(value, of: name, isOrdering: isOrdering, at: token.place)
        position += 1
        return value
    }

    private mutating func pattern() throws(ConditionSyntaxError) -> String {
        guard case .text(let text) = token.kind else { throw expected("a regular expression in quotes") }
        do throws(TextPattern.SyntaxError) {
            _ = try TextPattern(text)
        } catch {
            throw ConditionSyntaxError(message: "\(error)", place: token.place)
        }
        position += 1
        return text
    }

    private static let comparisons: [(sign: String, make: @Sendable (ContextValue) -> Condition.Test)] = [
        ("=", { .equal($0) }), ("!=", { .notEqual($0) }), ("<", { .less($0) }), ("<=", { .lessOrEqual($0) }), (">", { .greater($0) }),
        (">=", { .greaterOrEqual($0) }),
    ]
    private static let words: Set = ["and", "or", "not", "in", "is", "null", "exists", "matches", "between", "true", "false"]
    private static let depthLimit = 64
}
