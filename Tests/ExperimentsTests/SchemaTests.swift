import Foundation
import HaggleCore
import Testing

@testable import Experiments

/// A validator for the part of JSON Schema 2020-12 that our document uses; a keyword it does not know is an error.
struct SchemaValidator {
    struct UnknownKeyword: Error { var name: String }

    let root: OrderedJSON
    private static let annotations: Set<String> = ["$schema", "$defs", "title", "description", "default", "then", "else"]

    func accepts(_ value: OrderedJSON) throws -> Bool { try accepts(value, root) }

    private func accepts(_ value: OrderedJSON, _ schema: OrderedJSON) throws -> Bool {
        if case .boolean(let verdict) = schema { return verdict }
        guard case .object(let keywords) = schema else { return true }
        for keyword in keywords where !Self.annotations.contains(keyword.name) {
            guard try holds(keyword, value, schema) else { return false }
        }
        return true
    }

    private func holds(_ keyword: OrderedJSON.Member, _ value: OrderedJSON, _ schema: OrderedJSON) throws -> Bool {
        let operand = keyword.value
        switch keyword.name {
        case "$ref":
            guard case .string(let path) = operand, let target = root["$defs"]?[String(path.dropFirst("#/$defs/".count))] else {
                return false
            }
            return try accepts(value, target)
        case "type": return elements(operand).contains { isType(value, $0) }
        case "enum": return elements(operand).contains(value)
        case "const": return operand == value
        case "anyOf": return try elements(operand).contains { try accepts(value, $0) }
        case "oneOf": return try elements(operand).count { try accepts(value, $0) } == 1
        case "not": return try !accepts(value, operand)
        case "if": return try accepts(value, (accepts(value, operand) ? schema["then"] : schema["else"]) ?? .boolean(true))
        case "minimum": return compare(value, operand) { $0 >= $1 }
        case "maximum": return compare(value, operand) { $0 <= $1 }
        case "exclusiveMinimum": return compare(value, operand) { $0 > $1 }
        case "minLength": return length(value).map { $0 >= number(operand) } ?? true
        case "maxLength": return length(value).map { $0 <= number(operand) } ?? true
        case "pattern":
            guard case .string(let text) = value, case .string(let pattern) = operand else { return true }
            return try text.contains(Regex(pattern))
        case "items": return try array(value).map { try $0.allSatisfy { try accepts($0, operand) } } ?? true
        case "minItems": return array(value).map { Double($0.count) >= number(operand) } ?? true
        case "maxItems": return array(value).map { Double($0.count) <= number(operand) } ?? true
        case "uniqueItems": return array(value).map { Set($0).count == $0.count } ?? true
        case "required":
            return members(value).map { own in elements(operand).allSatisfy { name in own.contains { .string($0.name) == name } } } ?? true
        case "minProperties": return members(value).map { Double($0.count) >= number(operand) } ?? true
        case "maxProperties": return members(value).map { Double($0.count) <= number(operand) } ?? true
        case "propertyNames": return try members(value).map { try $0.allSatisfy { try accepts(.string($0.name), operand) } } ?? true
        case "properties":
            return try members(value).map { own in
                try own.allSatisfy { member in
                    guard let known = operand[member.name] else { return true }
                    return try accepts(member.value, known)
                }
            } ?? true
        case "patternProperties":
            return try members(value).map { own in
                try own.allSatisfy { member in
                    try patterns(operand).allSatisfy { pattern in
                        try !member.name.contains(Regex(pattern.name)) || accepts(member.value, pattern.value)
                    }
                }
            } ?? true
        case "additionalProperties":
            return try members(value).map { own in
                try own.allSatisfy { member in
                    if schema["properties"]?[member.name] != nil { return true }
                    if try patterns(schema["patternProperties"] ?? .null).contains(where: { try member.name.contains(Regex($0.name)) }) {
                        return true
                    }
                    return try accepts(member.value, operand)
                }
            } ?? true
        default: throw UnknownKeyword(name: keyword.name)
        }
    }

    private func isType(_ value: OrderedJSON, _ name: OrderedJSON) -> Bool {
        switch (value, name) {
        case (.null, .string("null")), (.boolean, .string("boolean")), (.number, .string("number")), (.string, .string("string")),
            (.array, .string("array")), (.object, .string("object")):
            true
        case (.number(let value), .string("integer")): value == value.rounded()
        default: false
        }
    }

    private func elements(_ value: OrderedJSON) -> [OrderedJSON] { if case .array(let values) = value { values } else { [value] } }
    private func array(_ value: OrderedJSON) -> [OrderedJSON]? { if case .array(let values) = value { values } else { nil } }
    private func members(_ value: OrderedJSON) -> [OrderedJSON.Member]? { if case .object(let members) = value { members } else { nil } }
    private func patterns(_ value: OrderedJSON) -> [OrderedJSON.Member] { members(value) ?? [] }
    private func number(_ value: OrderedJSON) -> Double { if case .number(let value) = value { value } else { .nan } }
    private func length(_ value: OrderedJSON) -> Double? {
        if case .string(let text) = value { Double(text.unicodeScalars.count) } else { nil }
    }

    private func compare(_ value: OrderedJSON, _ bound: OrderedJSON, _ holds: (Double, Double) -> Bool) -> Bool {
        guard case .number(let value) = value else { return true }
        return holds(value, number(bound))
    }
}

extension OrderedJSON {
    /// A YAML file as an editor's schema checker sees it.
    init?(yaml text: String) {
        guard let node = YAMLDocument.read(text, problems: ProblemList(file: "")) else { return nil }
        self.init(node)
    }

    init(_ node: YAMLNode) {
        switch node.content {
        case .sequence(let items): self = .array(items.map { OrderedJSON($0) })
        case .mapping(let entries): self = .object(entries.map { Member(name: $0.key, value: OrderedJSON($0.value)) })
        case .refused: self = .null
        case .scalar:
            switch node.scalar {
            case .boolean(let value): self = .boolean(value)
            case .number(let value): self = .number(value)
            case .text(let value): self = .string(value)
            case .null, nil: self = .null
            }
        }
    }

    /// This tree with one value put at a path (keys, and positions in lists as numbers); nil removes it.
    func setting(_ path: ArraySlice<String>, to value: OrderedJSON?) -> OrderedJSON {
        guard let name = path.first else { return value ?? .null }
        switch self {
        case .array(var values):
            if let index = Int(name), index < values.count { values[index] = values[index].setting(path.dropFirst(), to: value) }
            return .array(values)
        case .object(var members):
            let index = members.firstIndex { $0.name == name }
            if path.count == 1, value == nil {
                members.removeAll { $0.name == name }
            } else if let index {
                members[index].value = members[index].value.setting(path.dropFirst(), to: value)
            } else {
                members.append(Member(name: name, value: OrderedJSON.object([] as [Member]).setting(path.dropFirst(), to: value)))
            }
            return .object(members)
        default: return OrderedJSON.object([] as [Member]).setting(path, to: value)
        }
    }
}

/// A mapping of the format: its table, where it stands, and the base file it is tried in.
struct KnownMapping: Sendable, CustomTestStringConvertible {
    var table: Table
    var path: [String]
    var base = GoodFile.bandit

    var testDescription: String { "\(table.what) at \(path.joined(separator: "."))" }

    static let all = [
        KnownMapping(table: ExperimentKeys.table, path: []), KnownMapping(table: ArmKeys.table, path: ["arms", "1"]),
        KnownMapping(table: RewardKeys.table, path: ["reward"]), KnownMapping(table: PolicyKeys.table, path: ["policy"]),
        KnownMapping(table: ModelKeys.table, path: ["policy", "model"]),
        KnownMapping(
            table: ForgetKeys.table, path: ["policy", "forget"], base: GoodFile.bandit + "  forget: {factor: 0.9}\n"),
        KnownMapping(table: WarmStartKeys.table, path: ["warm_start"], base: GoodFile.bandit + "warm_start: {from: x}\n"),
        KnownMapping(
            table: FeatureKeys.cycle, path: ["context", "c"], base: GoodFile.bandit(with: "context: {c: {type: cycle, period: 24}}")),
        KnownMapping(
            table: FeatureKeys.sequence, path: ["context", "s"],
            base: GoodFile.bandit(with: "context: {s: {type: sequence, of: {days_ago: number}}}")),
        KnownMapping(table: RetrainKeys.table, path: ["policy", "retrain"]),
        KnownMapping(table: AnalysisKeys.table, path: ["analysis"], base: GoodFile.ab),
        KnownMapping(table: FeatureKeys.number, path: ["context", "n"], base: GoodFile.bandit(with: "context: {n: {type: number}}")),
        KnownMapping(table: FeatureKeys.boolean, path: ["context", "b"], base: GoodFile.bandit(with: "context: {b: {type: boolean}}")),
        KnownMapping(
            table: FeatureKeys.category, path: ["context", "c"], base: GoodFile.bandit(with: "context: {c: {type: category, values: [x]}}")),
    ]
}

struct SchemaTests {
    private let validator = SchemaValidator(root: JSONSchema.tree)
    private static let garbage = OrderedJSON.object(["bogus": .array([.array([.number(-1)])])])

    @Test func documentIsJSONOfTheRightDialect() throws {
        let decoded = try JSONDecoder().decode(JSONValue.self, from: Data(JSONSchema.document.utf8))
        guard case .object(let members) = decoded else { throw SchemaValidator.UnknownKeyword(name: "root") }
        #expect(members["$schema"] == .string("https://json-schema.org/draft/2020-12/schema"))
        #expect(members["additionalProperties"] == .boolean(false))
        #expect(OrderedJSON(yaml: JSONSchema.document) == JSONSchema.tree)
    }

    @Test(arguments: Examples.names) func schemaAcceptsTheExample(_ name: String) throws {
        let value = try #require(OrderedJSON(yaml: Examples.text(name)))
        #expect(try validator.accepts(value))
    }

    @Test(arguments: [GoodFile.bandit, GoodFile.ab]) func schemaAcceptsTheGoodFiles(_ text: String) throws {
        #expect(try validator.accepts(try #require(OrderedJSON(yaml: text))))
    }

    /// What no experiment can run, an editor must not offer.
    @Test(arguments: PolicyConfiguration.Algorithm.allCases) func schemaOffersWhatCanServe(_ algorithm: PolicyConfiguration.Algorithm)
        throws
    {
        var text = GoodFile.bandit.replacing("linear-thompson", with: algorithm.rawValue)
        if algorithm == .bernoulliThompson { text = text.replacing("metric: margin", with: "metric: conversion") }
        #expect(try validator.accepts(try #require(OrderedJSON(yaml: text))) == !algorithm.isLearnedOffline)
        #expect(GoodFile.problems(text).isEmpty == !algorithm.isLearnedOffline)
    }

    /// Each row of the truth table is a valid condition for the schema too.
    @Test(arguments: TargetingTests.table) func schemaAcceptsTheCondition(_ row: TargetingCase) throws {
        #expect(try validator.accepts(try #require(OrderedJSON(yaml: GoodFile.bandit(with: "targeting: \(row.condition)")))))
    }

    /// The parser reads every key that the tables name (a value that fits no key is reported), and the schema lists it.
    @Test(arguments: KnownMapping.all) func everyKeyIsReadByTheParserAndListedInTheSchema(_ mapping: KnownMapping) throws {
        let base = try #require(OrderedJSON(yaml: mapping.base))
        for name in mapping.table.names where name != "payload" {
            let spoilt = base.setting((mapping.path + [name])[...], to: Self.garbage)
            let problems = GoodFile.problems(spoilt.text)
            #expect(problems.contains { $0.contains(name) && !$0.contains("unknown key '\(name)'") }, "\(name): \(problems)")
            #expect(try !validator.accepts(spoilt), "\(name)")
        }
    }

    @Test(arguments: KnownMapping.all) func keysOfLaterVersionsAreRefusedByBoth(_ mapping: KnownMapping) throws {
        let base = try #require(OrderedJSON(yaml: mapping.base))
        for name in mapping.table.later {
            let spoilt = base.setting((mapping.path + [name])[...], to: .number(1))
            #expect(GoodFile.problems(spoilt.text).contains { $0.contains("\(name)' is not supported yet") }, "\(name)")
            #expect(try !validator.accepts(spoilt), "\(name)")
        }
    }

    @Test(arguments: KnownMapping.all) func unknownKeysAreRefusedByBoth(_ mapping: KnownMapping) throws {
        let spoilt = try #require(OrderedJSON(yaml: mapping.base)).setting((mapping.path + ["zebra"])[...], to: .number(1))
        #expect(GoodFile.problems(spoilt.text).contains { $0.contains("unknown key 'zebra'") })
        #expect(try !validator.accepts(spoilt))
    }

    @Test(arguments: KnownMapping.all) func requiredKeysAreRequiredByBoth(_ mapping: KnownMapping) throws {
        let base = try #require(OrderedJSON(yaml: mapping.base))
        for key in mapping.table.keys where key.isRequired {
            let spoilt = base.setting((mapping.path + [key.name])[...], to: nil)
            #expect(GoodFile.problems(spoilt.text).contains { $0.contains("'\(key.name)'") }, "\(key.name)")
            #expect(try !validator.accepts(spoilt), "\(key.name)")
        }
    }

    /// A default that the schema shows is the one the parser takes: writing it down changes nothing.
    @Test(arguments: KnownMapping.all) func defaultsInTheSchemaAreTheParsersOwn(_ mapping: KnownMapping) throws {
        let text = mapping.path.contains("model") ? mapping.base.replacing("linear-thompson", with: "neural-thompson") : mapping.base
        let base = try #require(OrderedJSON(yaml: text))
        let plain = try GoodFile.experiment(base.text)
        for key in mapping.table.keys {
            guard let value = key.schema["default"] else { continue }
            var written = base
            // A key that belongs to one algorithm is tried under that algorithm, against the same file without it.
            var reference = plain
            if let algorithm = ["alpha": "linear-ucb", "epsilon": "epsilon-greedy", "beta": "top-two-thompson"][key.name] {
                written = written.setting(["policy", "algorithm"], to: .string(algorithm))
                reference = try GoodFile.experiment(written.text)
            }
            // The sequence encoder's widths need one, which needs events, which the shortest file lacks.
            if ["units", "kernel", "centred"].contains(key.name) { continue }
            #expect(try GoodFile.experiment(written.setting((mapping.path + [key.name])[...], to: value).text) == reference, "\(key.name)")
        }
    }

    /// What the schema refuses in a spoilt file the parser refuses too; the other way round only rules between keys are missing.
    @Test func schemaKnowsMostOfTheRules() throws {
        var refused = 0
        for file in SpoiltFile.all {
            let text = try file.text
            guard let value = OrderedJSON(yaml: text) else { continue }
            if try !validator.accepts(value) { refused += 1 }
        }
        #expect(refused * 2 > SpoiltFile.all.count)
    }

    @Test(arguments: KnownMapping.all) func everyKeyHasADescription(_ mapping: KnownMapping) {
        for key in mapping.table.keys {
            guard case .string(let text) = key.schema["description"] else {
                Issue.record("\(key.name) has no description")
                continue
            }
            #expect(text.hasSuffix(".") && text.count > 10, "\(key.name)")
        }
    }
}
