import HaggleCore
import Testing

@testable import Experiments

struct ConditionTextTests {
    static let schema = FeatureSchema(features: [
        Feature(name: "recency_days", kind: .number(missing: .median, clip: .none, transform: .identity, scale: .standard)),
        Feature(name: "orders_90d", kind: .number(missing: .value(0), clip: .none, transform: .identity, scale: .standard)),
        Feature(name: "channel", kind: .category(values: ["web", "app", "store"], missing: "web")),
        Feature(name: "postcode", kind: .hashedCategory(buckets: 64, missing: nil)),
        Feature(name: "is_member", kind: .boolean(missing: false)),
        Feature(name: "avg basket", kind: .number(missing: .mean, clip: .none, transform: .identity, scale: .standard)),
    ])

    static func matches(_ text: String, _ context: Context) throws -> Bool {
        try TargetingEvaluator(try ConditionText.parse(text, schema: schema)).matches(context)
    }

    static func problems(_ text: String, schema: FeatureSchema? = schema) -> [String] {
        do throws(ConditionTextError) {
            _ = try ConditionText.parse(text, schema: schema)
            return []
        } catch {
            return error.problems.map { "\($0.line):\($0.column): \($0.message)" }
        }
    }

    /// Text and tree.
    @Test(
        arguments: [
            ("channel = 'web'", Condition.feature("channel", .equal("web"))),
            ("channel == \"web\"", .feature("channel", .equal("web"))),
            ("channel != 'it''s'", .feature("channel", .notEqual("it's"))),
            ("channel <> 'say \"a\"'", .feature("channel", .notEqual("say \"a\""))),
            ("recency_days<30", .feature("recency_days", .less(30))),
            ("recency_days <= -1.5e2", .feature("recency_days", .lessOrEqual(-150))),
            ("recency_days > .5", .feature("recency_days", .greater(0.5))),
            ("recency_days>=-3", .feature("recency_days", .greaterOrEqual(-3))),
            ("orders_90d in (1, 2)", .feature("orders_90d", .oneOf([1, 2]))), ("orders_90d IN (1)", .feature("orders_90d", .oneOf([1]))),
            ("channel not in ('web','app')", .feature("channel", .noneOf(["web", "app"]))),
            ("channel is null", .feature("channel", .exists(false))), ("channel is not null", .feature("channel", .exists(true))),
            ("channel exists", .feature("channel", .exists(true))), ("channel not exists", .feature("channel", .exists(false))),
            ("postcode matches '^1[0-9]{4}$'", .feature("postcode", .matches("^1[0-9]{4}$"))),
            ("postcode not matches '^1'", .not(.feature("postcode", .matches("^1")))),
            ("is_member", .feature("is_member", .equal(true))), ("not is_member", .not(.feature("is_member", .equal(true)))),
            ("is_member = FALSE", .feature("is_member", .equal(false))), ("`avg basket` > 3", .feature("avg basket", .greater(3))),
            (
                "orders_90d between 1 and 3",
                .all([.feature("orders_90d", .greaterOrEqual(1)), .feature("orders_90d", .lessOrEqual(3))])
            ),
            (
                "channel = 'web' and recency_days > 30",
                .all([.feature("channel", .equal("web")), .feature("recency_days", .greater(30))])
            ),
            // `and` binds closer than `or`, `not` closer than both, brackets closest.
            (
                "is_member or channel = 'app' and orders_90d > 1",
                .any([
                    .feature("is_member", .equal(true)), .all([.feature("channel", .equal("app")), .feature("orders_90d", .greater(1))]),
                ])
            ),
            (
                "(is_member or channel = 'app') and not orders_90d > 1",
                .all([
                    .any([.feature("is_member", .equal(true)), .feature("channel", .equal("app"))]),
                    .not(.feature("orders_90d", .greater(1))),
                ])
            ),
            ("not (is_member and is_member)", .not(.all([.feature("is_member", .equal(true)), .feature("is_member", .equal(true))]))),
            ("not not is_member", .feature("is_member", .equal(true))), ("((is_member))", .feature("is_member", .equal(true))),
            ("channel = 'web'\n  AND is_member", .all([.feature("channel", .equal("web")), .feature("is_member", .equal(true))])),
            (
                "orders_90d between 1 and 3 or is_member",
                .any([
                    .all([.feature("orders_90d", .greaterOrEqual(1)), .feature("orders_90d", .lessOrEqual(3))]),
                    .feature("is_member", .equal(true)),
                ])
            ),
            // The targeting syntax.
            ("{channel: {$in: [web, app]}}", .feature("channel", .oneOf(["web", "app"]))),
            (
                " {\"orders_90d\": {\"$gte\": 1}, \"is_member\": true}",
                .all([.feature("orders_90d", .greaterOrEqual(1)), .feature("is_member", .equal(true))])
            ),
        ] as [(String, Condition)])
    func textsMeanConditions(_ text: String, _ condition: Condition) throws {
        #expect(try ConditionText.parse(text, schema: Self.schema) == condition)
        #expect(try ConditionText.parse(text) == condition)
    }

    @Test(
        arguments: [
            ("channel = 'web' and recency_days > 30", ["channel": "web", "recency_days": 31], true),
            ("channel = 'web' and recency_days > 30", ["channel": "web", "recency_days": 30], false),
            ("channel = 'web' and recency_days > 30", ["channel": "web"], false),
            ("orders_90d in (1, 2)", ["orders_90d": 2], true), ("orders_90d not in (1, 2)", [:], true),
            ("not orders_90d < 3", [:], true), ("recency_days is null or recency_days >= 7", [:], true),
            ("recency_days is null or recency_days >= 7", ["recency_days": 6], false), ("is_member", ["is_member": true], true),
            ("is_member", [:], false), ("postcode matches '^1'", ["postcode": "10115"], true),
            ("orders_90d between 1 and 3", ["orders_90d": 3], true), ("orders_90d not between 1 and 3", ["orders_90d": 3], false),
        ] as [(String, Context, Bool)])
    func conditionsSelectContexts(_ text: String, _ context: Context, _ expected: Bool) throws {
        #expect(try Self.matches(text, context) == expected)
    }

    @Test(arguments: [
        ("", "1:1: expected a feature's name, 'not' or '(', found the end"),
        ("channel", "1:8: expected a comparison behind 'channel', such as = 'web', > 30, in (1, 2) or is null, found the end"),
        ("channel = web", "1:11: expected a number, text in quotes, true or false, found 'web'; write 'web' in quotes if it is text"),
        ("channel = ", "1:11: expected a number, text in quotes, true or false, found the end"),
        ("channel = null", "1:11: expected a value, found 'null'; write channel is null, or is not null"),
        ("channel = 'web", "1:11: the text that begins here has no closing '"),
        ("channel = 'web' recency_days > 3", "1:17: expected 'and', 'or' or the end, found 'recency_days'"),
        ("channel = 'web' and", "1:20: expected a feature's name, 'not' or '(', found the end"),
        ("channel = 'web' && is_member", "1:17: '&' is not used here; write and"),
        ("is_member || is_member", "1:11: '|' is not used here; write or"),
        ("!is_member", "1:1: '!' is not used here; write not, or != between a feature and a value"),
        ("(is_member", "1:11: expected 'and', 'or' or ')', found the end"),
        ("is_member)", "1:10: expected 'and', 'or' or the end, found ')'"),
        ("orders_90d in 1", "1:15: expected '(' and a list of values, as in (1, 2), found 1"),
        ("orders_90d in ()", "1:16: expected a number, text in quotes, true or false, found ')'"),
        ("orders_90d in (1 2)", "1:18: expected ',' or ')', found 2"),
        ("30 < recency_days", "1:1: expected a feature's name, found 30; write the feature first, as in recency_days > 30"),
        ("recency_days > 30d", "1:16: expected a decimal number such as 30, -1.5 or 2e6, found '30d'; text needs quotes"),
        ("recency_days > true", "1:16: expected a number or text, which have an order, found 'true'"),
        ("recency_days is 3", "1:17: expected 'null' or 'not null', found 3"),
        ("recency_days not 3", "1:18: expected 'in', 'between', 'exists' or 'matches' behind 'not', found 3"),
        ("orders_90d between 1 or 2", "1:22: expected 'and' between the two ends, found 'or'"),
        ("and is_member", "1:1: expected a feature's name, found 'and'; a feature of that name stands between backticks"),
        ("avg basket > 3", "1:5: expected a comparison behind 'avg', such as = 'web', > 30, in (1, 2) or is null, found 'basket'"),
        ("é% > 3", "1:2: '%' is not used here; a feature whose name has such a character stands between backticks"),
        (
            "is_member and\n  channel ~ 'w'",
            "2:11: '~' is not used here; a feature whose name has such a character stands between backticks"
        ),
        ("postcode matches 3", "1:18: expected a regular expression in quotes, found 3"),
    ])
    func syntaxErrorsHaveAPlace(_ text: String, _ message: String) {
        #expect(Self.problems(text).last == message)
        // Without a schema a feature alone may be a boolean one.
        #expect(Self.problems(text, schema: nil) == (text == "channel" ? [] : [message]))
    }

    /// All of them at once.
    @Test func unknownFeaturesAreAllNamed() {
        #expect(
            Self.problems("chanel = 'web' and recency_day > 3 or zebra exists") == [
                "1:1: there is no feature 'chanel'; did you mean 'channel'?",
                "1:20: there is no feature 'recency_day'; did you mean 'recency_days'?",
                "1:39: there is no feature 'zebra'; the features are recency_days, orders_90d, channel, postcode, is_member or avg basket",
            ])
        #expect(Self.problems("zebra = 1", schema: FeatureSchema()) == ["1:1: there is no feature 'zebra'; there are none"])
        #expect(
            Self.problems("{chanel: web, $or: [{is_membre: true}, {$not: {orders_90d: 1}}]}") == [
                "1:2: there is no feature 'chanel'; did you mean 'channel'?",
                "1:22: there is no feature 'is_membre'; did you mean 'is_member'?",
            ])
    }

    @Test(arguments: [
        ("recency_days = 'web'", "1:16: 'recency_days' is a number: expected a number, found the text 'web'"),
        ("recency_days in (1, true)", "1:21: 'recency_days' is a number: expected a number, found true"),
        ("channel = 3", "1:11: 'channel' is a category: expected text in quotes, found 3"),
        ("postcode > 10115", "1:12: 'postcode' is a category: expected text in quotes, found 10115"),
        ("is_member = 1", "1:13: 'is_member' is true or false: expected true or false, found 1"),
        ("is_member > 0", "1:13: 'is_member' is true or false and has no order; write = or !="),
    ])
    func comparisonsThatCannotHoldAreErrors(_ text: String, _ message: String) {
        #expect(Self.problems(text) == [message])
        #expect(Self.problems(text, schema: nil) == [])
    }

    @Test func targetingSyntaxHasItsOwnMessages() {
        #expect(
            Self.problems("{channel: {$inn: [web]}}") == [
                "1:12: condition.channel.$inn: unknown operator '$inn', expected $eq, $ne, $lt, $lte, $gt, $gte, $in, $nin, $exists, $regex or "
                    + "$not; did you mean '$in'?"
            ])
        #expect(Self.problems("{channel: ").count == 1)
        #expect(Self.problems("{}") == ["1:1: condition: expected at least one condition, found none; remove the key"])
    }

    /// Depth and length are bounded, whatever is sent.
    @Test func hostileTextsEndInAMessage() {
        let deep = String(repeating: "(", count: 40_000) + "is_member" + String(repeating: ")", count: 40_000)
        #expect(Self.problems(deep) == ["1:65: expected at most 64 conditions inside each other, found more"])
        #expect(Self.problems(String(repeating: "not ", count: 20_000) + "is_member") == [])
        #expect(
            Self.problems(String(repeating: "x", count: 100_001)) == ["1:1: expected at most 100000 bytes, found 100001"])
        #expect(Self.problems("postcode matches '('").count == 1)
    }

    @Test func errorsReadAsLines() throws {
        let error = try #require(throws: ConditionTextError.self) {
            try ConditionText.parse("x = 1 and y = 2", schema: FeatureSchema(), source: "--where")
        }
        #expect(
            error.description
                == "--where:1:1: there is no feature 'x'; there are none\n--where:1:11: there is no feature 'y'; there are none")
    }
}
