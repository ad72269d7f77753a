import HaggleCore
import Tabular

/// Reads `c` of a dsjson event: the features that all actions share, with the names of nested objects joined by `.`, and the keys of the actions.
///
/// Objects in arrays are merged, other elements get their number: `{"user": [{"age": 30}], "last": [1, 2]}` is `user.age`, `last.0`, `last.1`.
/// Names that begin with `_` are left out as Vowpal Wabbit leaves them out, but for `_text`. The features of an action are not read: an arm is
/// known by its key.
struct DSJSONContext {
    /// Deepest nesting of features.
    private static let depthLimit = 32

    let place: FilePlace
    var values: [String: ContextValue] = [:]
    /// Of the actions, in their order: `_tag`, else `id`, else `i.id`, else the number from 1.
    var keys: [String] = []

    init(place: FilePlace) { self.place = place }

    mutating func read(_ json: inout JSONScanner) throws {
        try json.beginObject()
        while let name = try json.nextKey() {
            switch name {
            case "_multi": try readActions(&json)
            case "_slots":
                throw EventLogError.badEvent(
                    place, field: "c._slots", expected: "one choice of one arm", found: "several slots (a conditional or slate bandit)")
            default: try readFeature(name, &json, depth: 0)
            }
        }
    }

    private mutating func readFeature(_ name: String, _ json: inout JSONScanner, depth: Int) throws {
        let last = name.utf8.lastIndex(of: UInt8(ascii: ".")).map { name.utf8[name.utf8.index(after: $0)...] } ?? name.utf8[...]
        if last.first == UInt8(ascii: "_"), !last.elementsEqual("_text".utf8) { return try json.skip() }
        guard depth < Self.depthLimit else { throw error(name, "features nested less than \(Self.depthLimit) deep", "more") }
        switch try json.peek() {
        case .number: try set(name, .number(try json.number()))
        case .string: try set(name, .text(try json.string()))
        case .boolean: try set(name, .boolean(try json.boolean()))
        case .null: try json.null()
        case .object: try readObject(name, &json, depth: depth)
        case .array:
            var index = 0
            try json.beginArray()
            while try json.nextElement() {
                if try json.peek() == .object {
                    try readObject(name, &json, depth: depth)
                } else {
                    try readFeature("\(name).\(index)", &json, depth: depth + 1)
                }
                index += 1
            }
        }
    }

    private mutating func readObject(_ prefix: String, _ json: inout JSONScanner, depth: Int) throws {
        try json.beginObject()
        while let name = try json.nextKey() { try readFeature("\(prefix).\(name)", &json, depth: depth + 1) }
    }

    private mutating func set(_ name: String, _ value: ContextValue) throws {
        guard values.updateValue(value, forKey: name) == nil else { throw error(name, "each feature once", "it twice") }
    }

    private mutating func readActions(_ json: inout JSONScanner) throws {
        try json.beginArray()
        while try json.nextElement() {
            var tag: String?
            var id: String?
            var nested: String?
            try json.beginObject()
            while let name = try json.nextKey() {
                switch name {
                case "_tag": tag = try key(&json)
                case "id": id = try key(&json)
                case "i":
                    guard try json.peek() == .object else {
                        try json.skip()
                        continue
                    }
                    try json.beginObject()
                    while let inner = try json.nextKey() { if inner == "id" { nested = try key(&json) } else { try json.skip() } }
                default: try json.skip()
                }
            }
            keys.append(tag ?? id ?? nested ?? String(keys.count + 1))
        }
    }

    /// A key is text; a whole number will do. Nil for anything else.
    private func key(_ json: inout JSONScanner) throws -> String? {
        switch try json.peek() {
        case .string:
            let text = try json.string()
            return text.isEmpty ? nil : text
        case .number:
            let number = try json.number()
            return Int(exactly: number).map { String($0) } ?? number.description
        default:
            try json.skip()
            return nil
        }
    }

    private func error(_ name: String, _ expected: String, _ found: String) -> EventLogError {
        .badEvent(place, field: "c.\(name)", expected: expected, found: found)
    }
}
