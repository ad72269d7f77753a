/// One word, number, text or sign of a condition's text.
struct ConditionToken: Equatable {
    enum Kind: Equatable {
        /// A feature's name or a word of the syntax.
        case word(String)
        /// A feature's name between backticks.
        case name(String)
        case text(String)
        case number(Double)
        case sign(String)
        case end
    }

    var kind: Kind
    var place: Place

    /// For messages.
    var found: String {
        switch kind {
        case .word(let word): "'\(YAMLNode.shortened(word))'"
        case .name(let name): "the feature `\(YAMLNode.shortened(name))`"
        case .text(let text): "the text '\(YAMLNode.shortened(text))'"
        case .number(let number): NumberText.write(number)
        case .sign(let sign): "'\(sign)'"
        case .end: "the end"
        }
    }

    /// Whether this is that word of the syntax, in whatever case.
    func isWord(_ word: String) -> Bool {
        if case .word(let own) = kind { own.lowercased() == word } else { false }
    }

    func isSign(_ sign: String) -> Bool { kind == .sign(sign) }

    /// Splits a text; the last token is the end.
    static func all(of text: String) throws(ConditionSyntaxError) -> [ConditionToken] {
        guard text.utf8.count <= byteLimit else {
            throw ConditionSyntaxError(message: "expected at most \(byteLimit) bytes, found \(text.utf8.count)", place: .start)
        }
        var scanner = Scanner(scalars: Array(text.unicodeScalars))
        var tokens: [ConditionToken] = []
        while let token = try scanner.next() { tokens.append(token) }
        return tokens + [ConditionToken(kind: .end, place: scanner.place)]
    }

    /// More than anybody writes by hand.
    static let byteLimit = 100_000
}

private struct Scanner {
    let scalars: [Unicode.Scalar]
    var position = 0
    var place = Place.start

    private var current: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

    private mutating func advance() {
        place = scalars[position] == "\n" ? Place(line: place.line + 1, column: 1) : Place(line: place.line, column: place.column + 1)
        position += 1
    }

    mutating func next() throws(ConditionSyntaxError) -> ConditionToken? {
        while let scalar = current, scalar.properties.isWhitespace { advance() }
        guard let scalar = current else { return nil }
        let start = place
        if scalar == "'" || scalar == "\"" { return ConditionToken(kind: .text(try quoted(by: scalar, "text")), place: start) }
        if scalar == "`" { return ConditionToken(kind: .name(try quoted(by: scalar, "name")), place: start) }
        if Self.beginsNumber(scalars[position...]) { return ConditionToken(kind: .number(try number()), place: start) }
        if Self.beginsWord(scalar) {
            var word = ""
            while let scalar = current, Self.continuesWord(scalar) {
                word.unicodeScalars.append(scalar)
                advance()
            }
            return ConditionToken(kind: .word(word), place: start)
        }
        return ConditionToken(kind: .sign(try sign(scalar)), place: start)
    }

    /// Up to the same quote; two of them stand for one.
    private mutating func quoted(by quote: Unicode.Scalar, _ what: String) throws(ConditionSyntaxError) -> String {
        let start = place
        advance()
        var result = ""
        while let scalar = current {
            advance()
            if scalar == quote {
                guard current == quote else { return result }
                advance()
            }
            result.unicodeScalars.append(scalar)
        }
        throw ConditionSyntaxError(message: "the \(what) that begins here has no closing \(quote)", place: start)
    }

    private mutating func number() throws(ConditionSyntaxError) -> Double {
        let start = place
        var text = ""
        while let scalar = current, Self.continuesWord(scalar) || scalar == "+" {
            // A sign inside a number only behind its exponent's letter.
            if scalar == "+" || scalar == "-", !text.isEmpty, text.last != "e", text.last != "E" { break }
            text.unicodeScalars.append(scalar)
            advance()
        }
        guard NumberGrammar.isNumber(text), let value = Double(text), value.isFinite else {
            throw ConditionSyntaxError(
                message: "expected a decimal number such as 30, -1.5 or 2e6, found '\(YAMLNode.shortened(text))'; text needs quotes",
                place: start)
        }
        return value
    }

    private mutating func sign(_ first: Unicode.Scalar) throws(ConditionSyntaxError) -> String {
        let start = place
        advance()
        let second = current
        switch (first, second) {
        case ("<", "="), (">", "="), ("!", "="), ("=", "="), ("<", ">"):
            advance()
            let sign = "\(first)\(second ?? " ")"
            return sign == "==" ? "=" : sign == "<>" ? "!=" : sign
        case ("<", _), (">", _), ("=", _), ("(", _), (")", _), (",", _): return String(first)
        case ("&", _): throw ConditionSyntaxError(message: "'&' is not used here; write and", place: start)
        case ("|", _): throw ConditionSyntaxError(message: "'|' is not used here; write or", place: start)
        case ("!", _):
            throw ConditionSyntaxError(message: "'!' is not used here; write not, or != between a feature and a value", place: start)
        default:
            throw ConditionSyntaxError(
                message:
                    "'\(YAMLNode.shortened(String(first)))' is not used here; a feature whose name has such a character stands between backticks",
                place: start)
        }
    }

    private static func beginsNumber(_ rest: ArraySlice<Unicode.Scalar>) -> Bool {
        var rest = rest
        if let first = rest.first, first == "-" || first == "+" { rest = rest.dropFirst() }
        if rest.first == "." { rest = rest.dropFirst() }
        return rest.first.map { ("0"..."9").contains($0) } ?? false
    }

    private static func beginsWord(_ scalar: Unicode.Scalar) -> Bool { scalar == "_" || scalar.properties.isAlphabetic }

    private static func continuesWord(_ scalar: Unicode.Scalar) -> Bool {
        beginsWord(scalar) || ("0"..."9").contains(scalar) || scalar == "." || scalar == "-"
    }
}
