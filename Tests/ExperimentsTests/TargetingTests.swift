import HaggleCore
import Testing

@testable import Experiments

/// One row of the truth table: a condition as it stands in a file, a context, and whether they fit.
struct TargetingCase: Sendable, CustomTestStringConvertible {
    var condition: String
    var context: Context
    var expected: Bool

    init(_ condition: String, _ context: Context, _ expected: Bool) {
        self.condition = condition
        self.context = context
        self.expected = expected
    }

    var testDescription: String { "\(condition) \(context.values)" }
}

struct TargetingTests {
    static func parse(_ condition: String) throws -> Condition {
        try #require(GoodFile.experiment(GoodFile.bandit(with: "targeting: \(condition)")).targeting)
    }

    static let table: [TargetingCase] = [
        // A bare value is equality, without conversion between types.
        .init("{a: 1}", ["a": 1], true), .init("{a: 1}", ["a": 2], false), .init("{a: 1}", ["a": "1"], false), .init("{a: 1}", [:], false),
        .init("{a: web}", ["a": "web"], true), .init("{a: 'true'}", ["a": true], false), .init("{a: true}", ["a": true], true),
        .init("{a: null}", [:], true), .init("{a: null}", ["a": 0], false),
        // Several keys must all hold.
        .init("{a: 1, b: 2}", ["a": 1, "b": 2], true), .init("{a: 1, b: 2}", ["a": 1, "b": 3], false),
        .init("{a: {$gte: 1, $lt: 3}}", ["a": 1], true), .init("{a: {$gte: 1, $lt: 3}}", ["a": 3], false),
        // Every operator on a value, on another type, and on nothing.
        .init("{a: {$eq: 1}}", ["a": 1], true), .init("{a: {$eq: 1}}", ["a": 2], false), .init("{a: {$eq: null}}", [:], true),
        .init("{a: {$ne: 1}}", ["a": 1], false), .init("{a: {$ne: 1}}", ["a": 2], true), .init("{a: {$ne: 1}}", ["a": "1"], true),
        .init("{a: {$ne: 1}}", [:], true), .init("{a: {$ne: null}}", [:], false), .init("{a: {$ne: null}}", ["a": false], true),
        .init("{a: {$lt: 2}}", ["a": 1], true), .init("{a: {$lt: 2}}", ["a": 2], false), .init("{a: {$lt: 2}}", [:], false),
        .init("{a: {$lt: 2}}", ["a": "1"], false), .init("{a: {$lte: 2}}", ["a": 2], true), .init("{a: {$lte: 2}}", ["a": 2.5], false),
        .init("{a: {$gt: 2}}", ["a": 3], true), .init("{a: {$gt: 2}}", ["a": 2], false), .init("{a: {$gt: 2}}", [:], false),
        .init("{a: {$gte: 2}}", ["a": 2], true), .init("{a: {$gte: 2}}", ["a": 1], false), .init("{a: {$gte: 2}}", ["a": true], false),
        .init("{a: {$lt: b}}", ["a": "a"], true), .init("{a: {$lt: b}}", ["a": "b"], false), .init("{a: {$gte: b}}", ["a": "ba"], true),
        .init("{a: {$in: [web, app]}}", ["a": "app"], true), .init("{a: {$in: [web, app]}}", ["a": "store"], false),
        .init("{a: {$in: [web, app]}}", [:], false), .init("{a: {$in: [1, true]}}", ["a": true], true),
        .init("{a: {$nin: [web, app]}}", ["a": "app"], false), .init("{a: {$nin: [web, app]}}", ["a": "store"], true),
        .init("{a: {$nin: [web, app]}}", [:], true),
        .init("{a: {$exists: true}}", ["a": 0], true), .init("{a: {$exists: true}}", [:], false), .init("{a: {$exists: false}}", [:], true),
        .init("{a: {$exists: false}}", ["a": ""], false),
        .init("{a: {$regex: '^DE-[0-9]+$'}}", ["a": "DE-12"], true), .init("{a: {$regex: '^DE-[0-9]+$'}}", ["a": "DE-"], false),
        .init("{a: {$regex: '1'}}", ["a": 1], false), .init("{a: {$regex: '1'}}", [:], false),
        .init("{a: {$not: {$gt: 2}}}", ["a": 1], true), .init("{a: {$not: {$gt: 2}}}", ["a": 3], false),
        .init("{a: {$not: {$gt: 2}}}", [:], true),
        .init("{a: {$not: 2}}", ["a": 2], false),
        // Connectives.
        .init("{$or: [{a: 1}, {b: 1}]}", ["b": 1], true), .init("{$or: [{a: 1}, {b: 1}]}", ["a": 2], false),
        .init("{$and: [{a: 1}, {b: 1}]}", ["a": 1, "b": 1], true), .init("{$and: [{a: 1}, {b: 1}]}", ["a": 1], false),
        .init("{$nor: [{a: 1}, {b: 1}]}", ["a": 2], true), .init("{$nor: [{a: 1}, {b: 1}]}", ["b": 1], false),
        .init("{$not: {a: 1, b: 1}}", ["a": 1], true), .init("{$not: {a: 1, b: 1}}", ["a": 1, "b": 1], false),
        .init("{$or: [{a: 1}], b: 2}", ["a": 1, "b": 2], true), .init("{$or: [{a: 1}], b: 2}", ["a": 1], false),
        // Text is compared scalar by scalar: "e" with a combining accent is not "é".
        .init("{a: \"\\u00e9\"}", ["a": "e\u{301}"], false), .init("{a: {$in: [\"\\u00e9\"]}}", ["a": "\u{e9}"], true),
    ]

    @Test(arguments: table) func truthTable(_ row: TargetingCase) throws {
        let condition = try Self.parse(row.condition)
        #expect(try condition.matches(row.context) == row.expected)
        #expect(try TargetingEvaluator(condition).matches(row.context) == row.expected)
    }

    @Test(arguments: [
        ("abc", "xabcx", true), ("^abc", "xabc", false), ("abc$", "abcx", false), ("^$", "", true), ("", "anything", true),
        ("a|b|c", "xxc", true),
        ("^(a|b)+$", "abba", true), ("^(a|b)+$", "abca", false), ("^a{2,3}$", "aa", true), ("^a{2,3}$", "aaaa", false),
        ("^a{2}$", "aaa", false),
        ("^a{2,}$", "aaaaa", true), ("^a{0}$", "", true), ("^a?b$", "b", true), ("a.c", "a\nc", false), ("a.c", "abc", true),
        ("^\\d{5}$", "12345", true),
        ("^\\D$", "5", false), ("\\w+@\\w+\\.de", "x@y.de", true), ("^\\s$", "\t", true), ("^[a-c]+$", "abcd", false),
        ("^[^a-c]+$", "xyz", true),
        ("^[]a]$", "]", true), ("^[a\\]-]+$", "a]-", true), ("^[\\d.]+$", "1.5", true), ("^[\\D]$", "x", true), ("^[\\W]$", "x", false),
        ("(?i)^web$", "WeB", true), ("^web$", "Web", false), ("(?i)^[^w]$", "W", false), ("^(?:ab)*?$", "abab", true),
        ("^(a*)*$", "aaa", true), ("ä+", "ää", true),
        ("^.$", "🎁", true), ("(|a)b", "b", true), ("a||b", "", true),
    ]) func patternMatches(_ pattern: String, _ text: String, _ expected: Bool) throws {
        #expect(try TextPattern(pattern).matches(text) == expected)
    }

    @Test(arguments: [
        ("(a", TextPattern.SyntaxError.Fault.unclosed("("), 1), ("a)", .unexpected(")"), 2), ("[a", .unclosed("["), 1),
        ("*a", .nothingToRepeat, 1),
        ("a\\", .unclosed("\\"), 2), ("(a)\\1", .unsupportedEscape("1"), 4), ("a\\b", .unsupportedEscape("b"), 2),
        ("(?=a)", .unsupportedGroup, 1),
        ("(?<n>a)", .unsupportedGroup, 1), ("[z-a]", .badRange, 3), ("[\\d-z]", .badRange, 4), ("a{3,2}", .badCount, 2),
        ("a{x}", .badCount, 2),
        ("a{1001}", .badCount, 2), ("(a{500}){500}", .tooComplex(limit: 2000), 9),
        (String(repeating: "a", count: 1001), .tooLong(limit: 1000), 1001),
        (String(repeating: "(", count: 60), .tooDeep, 51),
    ]) func patternErrorSaysWhere(_ pattern: String, _ fault: TextPattern.SyntaxError.Fault, _ position: Int) {
        #expect(throws: TextPattern.SyntaxError(fault: fault, position: position)) { try TextPattern(pattern) }
    }

    /// A backtracking engine needs 2^4000 steps for these; this one needs under 2000 * 4096 at worst, a fraction of a second even unoptimised.
    @Test(arguments: ["^(a+)+$", "^(a|a)*$", "^(a?){200}a{200}$", "(x+x+)+y"]) func hostilePatternIsMatchedInLinearTime(_ pattern: String)
        throws
    {
        let compiled = try TextPattern(pattern)
        let text = String(repeating: pattern.contains("x") ? "x" : "a", count: 1000) + "!"
        let duration = ContinuousClock().measure { #expect(!compiled.matches(text)) }
        #expect(duration < .seconds(10))
    }

    @Test func textBeyondTheLimitDoesNotMatch() throws {
        let pattern = try TextPattern("a")
        #expect(pattern.matches(String(repeating: "a", count: TextPattern.textLimit)))
        #expect(!pattern.matches(String(repeating: "a", count: TextPattern.textLimit + 1)))
    }
}
