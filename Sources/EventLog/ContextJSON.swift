import HaggleCore
import Tabular

extension Context {
    /// Reads a JSON object of numbers, booleans, strings and nulls (which are missing values).
    init(reading json: inout JSONScanner) throws {
        var values: [String: ContextValue] = [:]
        try json.beginObject()
        while let name = try json.nextKey() {
            switch try json.peek() {
            case .number: values[name] = .number(try json.number())
            case .string: values[name] = .text(try json.string())
            case .boolean: values[name] = .boolean(try json.boolean())
            case .null: try json.null()
            case .array: values[name] = .events(try Self.events(&json))
            case .object: throw json.error("a number, a boolean, a string, a list of events or null")
            }
        }
        self.init(values)
    }

    /// Reads the value of a `sequence` feature: an array of flat objects.
    static func events(_ json: inout JSONScanner) throws -> [[String: ContextValue]] {
        var events: [[String: ContextValue]] = []
        try json.beginArray()
        while try json.nextElement() {
            var event: [String: ContextValue] = [:]
            try json.beginObject()
            while let name = try json.nextKey() {
                switch try json.peek() {
                case .number: event[name] = .number(try json.number())
                case .string: event[name] = .text(try json.string())
                case .boolean: event[name] = .boolean(try json.boolean())
                case .null: try json.null()
                case .object, .array: throw json.error("a number, a boolean, a string or null in an event")
                }
            }
            events.append(event)
        }
        return events
    }

    /// Reads what the database stores.
    init(json bytes: [UInt8], impression: ImpressionID?) throws {
        var scanner = JSONScanner(bytes, place: FilePlace(file: "impressions.context", line: 1))
        do {
            try self.init(reading: &scanner)
        } catch is TabularError {
            throw EventLogError.unreadable(column: "context", id: impression)
        }
    }

    /// Appends the context as a JSON object, names in order, so that equal contexts give equal bytes.
    /// - Throws: `EventLogError.notFinite`.
    func write(to json: inout JSONWriter) throws {
        json.beginObject()
        try writeFields(to: &json)
        json.endObject()
    }

    /// As `write`, into an object that the caller has begun.
    func writeFields(to json: inout JSONWriter) throws {
        for (name, value) in values.sorted(by: { $0.key < $1.key }) {
            json.key(name)
            switch value {
            case .number(let number):
                guard number.isFinite else { throw EventLogError.notFinite(field: "context.\(name)") }
                json.number(number)
            case .boolean(let flag): json.boolean(flag)
            case .text(let text): json.string(text)
            case .events(let events):
                json.beginArray()
                for event in events { try Context(event).write(to: &json) }
                json.endArray()
            }
        }
    }

    package func jsonText() throws -> String {
        var json = JSONWriter()
        try write(to: &json)
        return json.text
    }
}
