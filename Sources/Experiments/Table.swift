/// The keys that one kind of mapping may have: what the parser accepts and what the JSON Schema lists.
struct Table: Sendable {
    /// For messages: `an experiment`.
    let what: String
    let keys: [any KeyDescription]
    /// Keys of the format whose behaviour comes with a later version; refused, never ignored.
    let later: [String]

    init(_ what: String, _ keys: [any KeyDescription], later: [String] = []) {
        self.what = what
        self.keys = keys
        self.later = later
    }

    var names: [String] { keys.map(\.name) }

    var schema: OrderedJSON {
        let required = keys.filter(\.isRequired).map(\.name)
        var result = OrderedJSON.object(["type": .string("object")])
        if !required.isEmpty { result = result.adding(["required": .strings(required)]) }
        return result.adding([
            "properties": .object(keys.map { OrderedJSON.Member(name: $0.name, value: $0.schema) }),
            "additionalProperties": .boolean(false),
        ])
    }
}

/// What can be said about a key without knowing the type of its value.
protocol KeyDescription: Sendable {
    var name: String { get }
    var isRequired: Bool { get }
    /// The value's schema with the key's description and default.
    var schema: OrderedJSON { get }
}

/// One key of a mapping: its name, its value's shape, and a sentence for editors.
struct Key<Value: Sendable>: KeyDescription {
    let name: String
    let shape: Shape<Value>
    let about: String
    let isRequired: Bool
    let fallback: OrderedJSON?

    init(_ name: String, _ shape: Shape<Value>, _ about: String, required: Bool = false, default fallback: OrderedJSON? = nil) {
        self.name = name
        self.shape = shape
        self.about = about
        self.isRequired = required
        self.fallback = fallback
    }

    var schema: OrderedJSON {
        let described = shape.schema.adding(["description": .string(about)])
        guard let fallback else { return described }
        return described.adding(["default": fallback])
    }
}

/// Reads the keys of one mapping. Unknown, unsupported and missing keys are reported when it is made, each value when it is asked for.
struct MappingReader {
    let path: String
    let place: Place
    let problems: ProblemList
    private let entries: [String: YAMLNode.Entry]

    /// - Returns: nil, and a problem, where the node is no mapping.
    init?(_ node: YAMLNode, _ table: Table, path: String, problems: ProblemList, elsewhere: [String: String] = [:]) {
        guard case .mapping(let found) = node.content else {
            let expected = "a mapping" + (table.keys.isEmpty ? "" : " with keys such as \(table.names.prefix(3).joined(separator: ", "))")
            problems.mismatch(path.isEmpty ? table.what : path, expected: expected, node)
            return nil
        }
        self.path = path
        self.place = node.place
        self.problems = problems
        let names = table.names
        let known = Set(names)
        let later = Set(table.later)
        var entries: [String: YAMLNode.Entry] = [:]
        var misspelt: Set<String> = []
        for entry in found {
            if known.contains(entry.key) {
                entries[entry.key] = entry
            } else if later.contains(entry.key) {
                problems.report("'\(Self.join(path, entry.key))' is not supported yet; remove it", at: entry.keyPlace)
            } else {
                misspelt.formUnion(Suggestion.nearest(to: entry.key, among: names).map { [$0] } ?? [])
                let hint = elsewhere[entry.key].map { "; \($0)" } ?? Suggestion.hint(for: entry.key, among: names + table.later)
                let owner = path.isEmpty ? table.what : "\(table.what) (\(path))"
                problems.report("unknown key '\(YAMLNode.shortened(entry.key))' in \(owner)\(hint)", at: entry.keyPlace)
            }
        }
        self.entries = entries
        // A misspelt key is one problem, not two.
        let missing = table.keys.filter { $0.isRequired && entries[$0.name] == nil && !misspelt.contains($0.name) }.map(\.name)
        if !missing.isEmpty {
            let list = missing.map { "'\($0)'" }
            let words =
                list.count == 1
                ? "the key \(list[0]) is" : "the keys \(list.dropLast().joined(separator: ", ")) and \(list[list.count - 1]) are"
            problems.report("\(path.isEmpty ? table.what : path): \(words) missing", at: place)
        }
    }

    /// The value of a key; nil where it is absent or wrong. Wrong values are reported.
    func callAsFunction<Value>(_ key: Key<Value>) -> Value? {
        guard let entry = entries[key.name], !entry.value.isRefused else { return nil }
        if entry.value.scalar == .null {
            problems.report("\(Self.join(path, key.name)) has no value; give one or remove the key", at: entry.keyPlace)
            return nil
        }
        return key.shape.read(entry.value, Self.join(path, key.name), problems)
    }

    /// Whether the key stands in the file, with whatever value.
    func has(_ key: some KeyDescription) -> Bool { entries[key.name] != nil }

    func has(_ name: String) -> Bool { entries[name] != nil }

    func keyPlace(of name: String) -> Place { entries[name]?.keyPlace ?? place }

    /// Where the key's value stands; the mapping's own place where it is absent.
    func place(of key: some KeyDescription) -> Place { entries[key.name]?.value.place ?? place }

    /// Where the key itself stands; the mapping's own place where it is absent.
    func keyPlace(of key: some KeyDescription) -> Place { entries[key.name]?.keyPlace ?? place }

    func node(of key: some KeyDescription) -> YAMLNode? { entries[key.name]?.value }

    /// The key's path for messages: `policy.floor`.
    func path(of key: some KeyDescription) -> String { Self.join(path, key.name) }

    private static func join(_ path: String, _ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }
}
