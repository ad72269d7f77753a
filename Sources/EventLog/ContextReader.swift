import HaggleCore
import Tabular

/// Reads contexts as the database stores them, where they lie. Names are made once and shared by all rows.
struct ContextReader: Sendable {
    private var names: KeyDictionary
    /// How many values the last context had: the next has about as many.
    private var expected = 0

    /// - Parameter features: those that are wanted; nil for all.
    init(features: [String]?) { names = features.map { KeyDictionary(closed: $0) } ?? KeyDictionary(open: []) }

    /// Reads the JSON object in `bytes[start..<end]`.
    /// - Throws: `EventLogError.unreadable`.
    mutating func read(_ bytes: [UInt8], from start: Int, to end: Int, impression: ImpressionID) throws -> Context {
        var json = JSONScanner(bytes, from: start, to: end, place: FilePlace(file: "impressions.context", line: 1))
        do {
            var values = [String: ContextValue](minimumCapacity: expected)
            try json.beginObject()
            while let key = try json.nextKey(in: &names) {
                let name: String
                switch key {
                case .listed(let position): name = names.keys[position]
                case .other(let text?): name = text
                case .other(nil):
                    try json.skip()
                    continue
                }
                switch try json.peek() {
                case .number: values[name] = .number(try json.number())
                case .string: values[name] = .text(try json.string())
                case .boolean: values[name] = .boolean(try json.boolean())
                case .null: try json.null()
                case .array: values[name] = .events(try Context.events(&json))
                case .object: throw json.error("a number, a boolean, a string, a list of events or null")
                }
            }
            expected = values.count
            return Context(values)
        } catch is TabularError {
            throw EventLogError.unreadable(column: "context", id: impression)
        }
    }
}
