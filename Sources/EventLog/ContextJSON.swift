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
            case .object, .array: throw json.error("a number, a boolean, a string or null")
            }
        }
        self.init(values)
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
            }
        }
    }

    func jsonText() throws -> String {
        var json = JSONWriter()
        try write(to: &json)
        return json.text
    }
}
