import HaggleCore

/// A test of one feature, as it is spelt in files.
enum ConditionOperator: String, CaseIterable, Sendable {
    case equal = "$eq"
    case notEqual = "$ne"
    case less = "$lt"
    case lessOrEqual = "$lte"
    case greater = "$gt"
    case greaterOrEqual = "$gte"
    case oneOf = "$in"
    case noneOf = "$nin"
    case exists = "$exists"
    case matches = "$regex"
    case not = "$not"

    static let names = allCases.map(\.rawValue)
}

/// A combination of conditions, as it is spelt in files.
enum ConditionConnective: String, CaseIterable, Sendable {
    case or = "$or"
    case and = "$and"
    case nor = "$nor"
    case not = "$not"

    static let names = allCases.map(\.rawValue)
}

/// Reads targeting conditions in GrowthBook's syntax: `{channel: {$in: [web, app]}, orders_90d: {$gte: 1}}`.
///
/// Several keys of a mapping must all hold. A bare value means `$eq`; `null` means that the feature is missing. Operators of GrowthBook that
/// look into lists or saved groups are refused, since contexts hold neither.
extension Shape where Value == Condition {
    static let condition = Self(schema: .object(["$ref": .string("#/$defs/condition")])) { node, path, problems in
        ConditionReader(problems: problems).condition(node, path)
    }

    /// What stands under `$defs` of the schema for `condition` to refer to.
    static let conditionDefinitions: [OrderedJSON.Member] = {
        let condition = OrderedJSON.object(["$ref": .string("#/$defs/condition")])
        let scalar = OrderedJSON.object(["type": .strings(["string", "number", "boolean", "null"])])
        let ordered = OrderedJSON.object(["type": .strings(["string", "number"])])
        let values = OrderedJSON.object([
            "type": .string("array"), "items": .object(["type": .strings(["string", "number", "boolean"])]), "minItems": .number(1),
        ])
        let operators = ConditionOperator.allCases.map { name in
            let schema: OrderedJSON =
                switch name {
                case .equal, .notEqual: scalar
                case .less, .lessOrEqual, .greater, .greaterOrEqual: ordered
                case .oneOf, .noneOf: values
                case .exists: .object(["type": .string("boolean")])
                case .matches: .object(["type": .string("string"), "minLength": .number(1)])
                case .not: .object(["$ref": .string("#/$defs/test")])
                }
            return OrderedJSON.Member(name: name.rawValue, value: schema)
        }
        let connectives = ConditionConnective.allCases.map { name in
            let list = OrderedJSON.object(["type": .string("array"), "items": condition, "minItems": .number(1)])
            return OrderedJSON.Member(name: name.rawValue, value: name == .not ? condition : list)
        }
        let test = OrderedJSON.object([
            "anyOf": .array([
                scalar,
                .object([
                    "type": .string("object"), "minProperties": .number(1), "properties": .object(operators),
                    "additionalProperties": .boolean(false),
                ]),
            ])
        ])
        return [
            OrderedJSON.Member(
                name: "condition",
                value: .object([
                    "type": .string("object"), "minProperties": .number(1), "properties": .object(connectives),
                    "patternProperties": .object(["^[^$]": .object(["$ref": .string("#/$defs/test")])]),
                    "additionalProperties": .boolean(false),
                ])),
            OrderedJSON.Member(name: "test", value: test),
        ]
    }()
}

private struct ConditionReader {
    let problems: ProblemList

    func condition(_ node: YAMLNode, _ path: String) -> Condition? {
        guard case .mapping(let entries) = node.content else {
            problems.mismatch(path, expected: "a mapping of conditions such as {channel: {$in: [web, app]}}", node)
            return nil
        }
        guard !entries.isEmpty else {
            problems.report("\(path): expected at least one condition, found none; remove the key", at: node.place)
            return nil
        }
        return all(entries) { entry in
            let path = "\(path).\(entry.key)"
            guard entry.key.hasPrefix("$") else { return test(entry.value, feature: entry.key, path) }
            switch ConditionConnective(rawValue: entry.key) {
            case .and: return list(entry.value, path).map { .all($0) }
            case .or: return list(entry.value, path).map { .any($0) }
            case .nor: return list(entry.value, path).map { .not(.any($0)) }
            case .not: return condition(entry.value, path).map { .not($0) }
            case nil:
                let hint =
                    ConditionOperator(rawValue: entry.key) != nil
                    ? "; it tests one feature: write {feature: {\(entry.key): ...}}"
                    : Suggestion.hint(for: entry.key, among: ConditionConnective.names)
                problems.report(
                    "unknown connective '\(entry.key)', expected \(Words.list(ConditionConnective.names)) or a feature's name\(hint)",
                    at: entry.keyPlace)
                return nil
            }
        }
    }

    /// Reads every entry, so that every problem is found; one condition stands for itself, several must all hold.
    private func all(_ entries: [YAMLNode.Entry], _ read: (YAMLNode.Entry) -> Condition?) -> Condition? {
        let conditions = entries.map(read)
        let valid = conditions.compactMap { $0 }
        guard valid.count == conditions.count else { return nil }
        return valid.count == 1 ? valid[0] : .all(valid)
    }

    private func list(_ node: YAMLNode, _ path: String) -> [Condition]? {
        guard case .sequence(let items) = node.content, !items.isEmpty else {
            problems.mismatch(path, expected: "a list of conditions", node)
            return nil
        }
        let conditions = items.enumerated().map { condition($0.element, "\(path)[\($0.offset)]") }
        let valid = conditions.compactMap { $0 }
        return valid.count == conditions.count ? valid : nil
    }

    private func test(_ node: YAMLNode, feature: String, _ path: String) -> Condition? {
        switch node.content {
        case .scalar: equality(node, path).map { .feature(feature, $0) }
        case .mapping(let entries): operators(entries, feature: feature, path, at: node.place)
        case .sequence:
            {
                problems.mismatch(path, expected: "a value or operators", node, hint: "; write {$in: [...]} for one of several values")
                return nil
            }()
        case .refused: nil
        }
    }

    private func operators(_ entries: [YAMLNode.Entry], feature: String, _ path: String, at place: Place) -> Condition? {
        guard !entries.isEmpty else {
            problems.report("\(path): expected an operator, found none", at: place)
            return nil
        }
        return all(entries) { entry in
            let path = "\(path).\(entry.key)"
            guard let name = ConditionOperator(rawValue: entry.key) else {
                let hint = Suggestion.hint(for: entry.key, among: ConditionOperator.names)
                problems.report(
                    "\(path): unknown operator '\(YAMLNode.shortened(entry.key))', expected \(Words.list(ConditionOperator.names))\(hint)",
                    at: entry.keyPlace)
                return nil
            }
            if name == .not { return test(entry.value, feature: feature, path).map { .not($0) } }
            return test(entry.value, name, path).map { .feature(feature, $0) }
        }
    }

    private func test(_ node: YAMLNode, _ name: ConditionOperator, _ path: String) -> Condition.Test? {
        switch name {
        case .equal: equality(node, path)
        case .notEqual: equality(node, path).map { $0 == .exists(false) ? .exists(true) : .notEqual(operand(of: $0)) }
        case .less: ordered(node, path).map { .less($0) }
        case .lessOrEqual: ordered(node, path).map { .lessOrEqual($0) }
        case .greater: ordered(node, path).map { .greater($0) }
        case .greaterOrEqual: ordered(node, path).map { .greaterOrEqual($0) }
        case .oneOf: values(node, path).map { .oneOf($0) }
        case .noneOf: values(node, path).map { .noneOf($0) }
        case .exists: Shape.boolean.read(node, path, problems).map { .exists($0) }
        case .matches: pattern(node, path).map { .matches($0) }
        case .not: nil
        }
    }

    private func equality(_ node: YAMLNode, _ path: String) -> Condition.Test? {
        if node.scalar == .null { return .exists(false) }
        return value(node, path).map { .equal($0) }
    }

    private func operand(of test: Condition.Test) -> ContextValue {
        guard case .equal(let value) = test else { return .boolean(false) }
        return value
    }

    private func value(_ node: YAMLNode, _ path: String) -> ContextValue? {
        switch node.scalar {
        case .boolean(let value): return .boolean(value)
        case .number: return ScalarReader.number(node, path, "a number", problems).map { .number($0) }
        case .text(let value): return .text(value)
        case .null, nil:
            problems.mismatch(path, expected: "a number, text, true or false", node)
            return nil
        }
    }

    private func ordered(_ node: YAMLNode, _ path: String) -> ContextValue? {
        if case .boolean = node.scalar {
            problems.mismatch(path, expected: "a number or text, which have an order", node)
            return nil
        }
        return value(node, path)
    }

    private func values(_ node: YAMLNode, _ path: String) -> [ContextValue]? {
        guard case .sequence(let items) = node.content, !items.isEmpty else {
            problems.mismatch(path, expected: "a list of at least one value", node)
            return nil
        }
        let values = items.enumerated().map { value($0.element, "\(path)[\($0.offset)]") }
        let valid = values.compactMap { $0 }
        return valid.count == values.count ? valid : nil
    }

    private func pattern(_ node: YAMLNode, _ path: String) -> String? {
        guard let text = ScalarReader.text(node, path, "a regular expression as text", problems) else { return nil }
        do throws(TextPattern.SyntaxError) {
            _ = try TextPattern(text)
            return text
        } catch {
            problems.report("\(path): \(error)", at: node.place)
            return nil
        }
    }
}
