package import HaggleCore

/// A targeting condition made ready for the request path: regular expressions are compiled once.
///
/// Missing values and values of another type are ordinary: ordering, `$in`, `$eq` and `$regex` are false for them, and `$ne`, `$nin` and `$not`
/// are true wherever the test they negate is false (as in GrowthBook). Numbers compare as numbers, text by its Unicode scalars. Nothing is
/// converted: the text `"1"` is not the number 1.
package struct TargetingEvaluator: Sendable {
    private indirect enum Tree: Sendable {
        case all([Tree])
        case any([Tree])
        case not(Tree)
        case feature(String, Condition.Test)
        case pattern(String, TextPattern)
    }

    private let tree: Tree

    /// - Throws: where the condition holds a regular expression that is not supported. Conditions of parsed files hold none.
    package init(_ condition: Condition) throws(TextPattern.SyntaxError) { tree = try Self.compile(condition) }

    private static func compile(_ condition: Condition) throws(TextPattern.SyntaxError) -> Tree {
        switch condition {
        case .all(let parts): return .all(try compile(parts))
        case .any(let parts): return .any(try compile(parts))
        case .not(let part): return .not(try compile(part))
        case .feature(let name, .matches(let pattern)): return .pattern(name, try TextPattern(pattern))
        case .feature(let name, let test): return .feature(name, test)
        }
    }

    private static func compile(_ parts: [Condition]) throws(TextPattern.SyntaxError) -> [Tree] {
        var result: [Tree] = []
        for part in parts { result.append(try compile(part)) }
        return result
    }

    /// Whether the unit with that context is targeted.
    package func matches(_ context: Context) -> Bool { Self.evaluate(tree, context) }

    private static func evaluate(_ tree: Tree, _ context: Context) -> Bool {
        switch tree {
        case .all(let parts): parts.allSatisfy { evaluate($0, context) }
        case .any(let parts): parts.contains { evaluate($0, context) }
        case .not(let part): !evaluate(part, context)
        case .feature(let name, let test): passes(test, context[name])
        case .pattern(let name, let pattern): if case .text(let text) = context[name] { pattern.matches(text) } else { false }
        }
    }

    private static func passes(_ test: Condition.Test, _ value: ContextValue?) -> Bool {
        switch test {
        case .equal(let operand): value.map { isEqual($0, operand) } ?? false
        case .notEqual(let operand): !(value.map { isEqual($0, operand) } ?? false)
        case .less(let operand): order(value, operand).map { $0 < 0 } ?? false
        case .lessOrEqual(let operand): order(value, operand).map { $0 <= 0 } ?? false
        case .greater(let operand): order(value, operand).map { $0 > 0 } ?? false
        case .greaterOrEqual(let operand): order(value, operand).map { $0 >= 0 } ?? false
        case .oneOf(let operands): value.map { value in operands.contains { isEqual(value, $0) } } ?? false
        case .noneOf(let operands): !(value.map { value in operands.contains { isEqual(value, $0) } } ?? false)
        case .exists(let wanted): (value != nil) == wanted
        case .matches: false
        }
    }

    /// Text is the same when its scalars are: canonical equivalence would make two spellings in a log one value here and two elsewhere.
    private static func isEqual(_ left: ContextValue, _ right: ContextValue) -> Bool {
        switch (left, right) {
        case (.number(let left), .number(let right)): left == right
        case (.boolean(let left), .boolean(let right)): left == right
        case (.text(let left), .text(let right)): left.utf8.elementsEqual(right.utf8)
        default: false
        }
    }

    /// Negative, zero or positive; nil where the two have no order.
    private static func order(_ left: ContextValue?, _ right: ContextValue) -> Int? {
        switch (left, right) {
        case (.number(let left), .number(let right)): left < right ? -1 : left == right ? 0 : 1
        case (.text(let left), .text(let right)):
            if left.utf8.elementsEqual(right.utf8) { 0 } else { left.utf8.lexicographicallyPrecedes(right.utf8) ? -1 : 1 }
        default: nil
        }
    }
}

extension Condition {
    /// Whether the unit with that context is targeted. Compiles regular expressions each time: on the request path keep a `TargetingEvaluator`.
    /// - Throws: where the condition holds a regular expression that is not supported.
    package func matches(_ context: Context) throws(TextPattern.SyntaxError) -> Bool { try TargetingEvaluator(self).matches(context) }
}
