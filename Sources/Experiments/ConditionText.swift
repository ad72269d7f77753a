package import HaggleCore

/// Conditions as people write them on a command line: `channel = 'web' and recency_days > 30`.
///
///     condition  = and { "or" and }            and = not { "and" not }         not = "not" not | "(" condition ")" | test
///     test       = feature [ comparison ]
///     comparison = ( "=" | "!=" | "<" | "<=" | ">" | ">=" ) value | [ "not" ] "in" "(" value { "," value } ")"
///                | [ "not" ] "between" value "and" value | "is" [ "not" ] "null" | [ "not" ] "exists" | [ "not" ] "matches" 'pattern'
///     value      = number | 'text' | "text" | true | false
///
/// Words are the same in capitals; `==` is `=` and `<>` is `!=`. A feature alone means `= true`. A quote inside text is written twice. A feature
/// whose name is no word (letters, digits, `_`, `.`, `-`) or one of the words above stands between backticks. A text that begins with `{` is read in the
/// targeting syntax instead: `{channel: {$in: [web, app]}}`.
///
/// The result means what `TargetingEvaluator` makes of it: there are no three-valued logic and no conversions, so `<` and `=` are false where the
/// feature is missing, and `!=`, `not in` and `not (...)` are true wherever what they negate is false.
package enum ConditionText {
    /// - Parameters:
    ///   - schema: the features that may be named, with their types; nil where they are not known.
    ///   - source: what messages call the text.
    /// - Throws: `ConditionTextError` with a syntax error, or with every feature that is unknown or tested against a value of another type.
    package static func parse(
        _ text: String, schema: FeatureSchema? = nil, source: String = "--where"
    ) throws(ConditionTextError) -> Condition {
        let problems = ProblemList(file: source)
        var condition: Condition?
        if text.drop(while: \.isWhitespace).hasPrefix("{") {
            if let node = YAMLDocument.read(text, problems: problems) {
                condition = Shape<Condition>.condition.read(node, "condition", problems)
                if let schema { FeatureCheck(schema: schema, problems: problems).checkNames(in: node) }
            }
        } else {
            do throws(ConditionSyntaxError) {
                var parser = ConditionParser(
                    tokens: try ConditionToken.all(of: text), check: schema.map { FeatureCheck(schema: $0, problems: problems) })
                condition = try parser.whole()
            } catch {
                problems.report(error.message, at: error.place)
            }
        }
        guard problems.isEmpty, let condition else { throw ConditionTextError(problems: problems.sorted) }
        return condition
    }
}

/// What is wrong with a condition's text.
package struct ConditionTextError: Error, Hashable, Sendable {
    /// At least one, in the order of the text.
    package var problems: [Problem]
}

extension ConditionTextError: CustomStringConvertible {
    /// One line per problem: `--where:1:9: expected ...`.
    package var description: String { problems.map(\.description).joined(separator: "\n") }
}

/// Where reading stopped, and why.
struct ConditionSyntaxError: Error {
    var message: String
    var place: Place
}

/// Whether a condition's features exist and can be compared with what they are compared with.
struct FeatureCheck {
    let schema: FeatureSchema
    let problems: ProblemList

    func checkName(_ name: String, at place: Place) {
        guard schema[name] == nil else { return }
        let names = schema.features.map(\.name)
        var hint = Suggestion.hint(for: name, among: names)
        if hint.isEmpty { hint = names.isEmpty ? "; there are none" : "; the features are \(Words.list(names))" }
        problems.report("there is no feature '\(YAMLNode.shortened(name))'\(hint)", at: place)
    }

    /// A comparison that could never hold is a slip of the pen.
    func checkValue(_ value: ContextValue, of name: String, isOrdering: Bool, at place: Place) {
        guard let feature = schema[name] else { return }
        let found =
            switch value {
            case .number(let number): NumberText.write(number)
            case .boolean(let boolean): "\(boolean)"
            case .text(let text): "the text '\(YAMLNode.shortened(text))'"
            case .events: "a list of events"
            }
        switch (feature.kind, value) {
        case (.number, .number), (.cycle, .number), (.category, .text), (.hashedCategory, .text): break
        case (.boolean, _) where isOrdering:
            problems.report("'\(name)' is true or false and has no order; write = or !=", at: place)
        case (.boolean, .boolean): break
        case (.sequence, _): problems.report("'\(name)' is a list of events, which no comparison holds for", at: place)
        case (.number, _), (.cycle, _): problems.report("'\(name)' is a number: expected a number, found \(found)", at: place)
        case (.boolean, _): problems.report("'\(name)' is true or false: expected true or false, found \(found)", at: place)
        case (.category, _), (.hashedCategory, _):
            problems.report("'\(name)' is a category: expected text in quotes, found \(found)", at: place)
        }
    }

    /// The features that a condition in the targeting syntax names.
    func checkNames(in node: YAMLNode) {
        guard case .mapping(let entries) = node.content else { return }
        for entry in entries {
            switch ConditionConnective(rawValue: entry.key) {
            case .not: checkNames(in: entry.value)
            case .or, .and, .nor:
                if case .sequence(let items) = entry.value.content { for item in items { checkNames(in: item) } }
            case nil: if !entry.key.hasPrefix("$") { checkName(entry.key, at: entry.keyPlace) }
            }
        }
    }
}
