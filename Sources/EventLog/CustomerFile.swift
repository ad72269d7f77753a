package import HaggleCore
import Tabular

/// A file of customers to be scored: a unit and its context a row, as CSV or as NDJSON (one flat object a line), also with gzip.
///
/// Read a row at a time and as often as needed; the file must not change in between. A feature without a column, an empty field and null
/// are missing values. Units are not compared with one another: one that stands there twice is scored twice.
package struct CustomerFile: Sendable {
    package struct Customer: Hashable, Sendable {
        package let unit: UnitID
        package let context: Context

        package init(unit: UnitID, context: Context) {
            self.unit = unit
            self.context = context
        }
    }

    package let path: String
    /// The column, or the key, that holds the unit.
    package let unitColumn: String
    /// Features of the schema that no column of the header brings; empty for NDJSON, which has no header.
    package let absentFeatures: [String]
    private let isNDJSON: Bool
    private let schema: FeatureSchema
    private let readings: [String: FeatureReading]
    private let ignored: Set<String>
    private let state: FileState

    /// Opens the file and looks at its header, or at its first line.
    /// - Parameters:
    ///   - unitColumn: by default the first.
    ///   - ignoring: columns that are neither unit nor feature and may stand there all the same.
    /// - Throws: `TabularError`: with its place a column that nobody knows, a file that is empty or cannot be read again (a pipe).
    package init(path: String, unitColumn: String? = nil, schema: FeatureSchema, ignoring: [String] = []) throws {
        guard let state = try FileState(path: path) else {
            throw TabularError.cannotRead(file: path, reason: "expected a regular file, which can be read more than once, found a pipe")
        }
        self.path = path
        self.schema = schema
        self.state = state
        readings = Dictionary(schema.features.map { ($0.name, FeatureReading($0.kind)) }) { first, _ in first }
        ignored = Set(ignoring)
        isNDJSON = [".ndjson", ".jsonl", ".ndjson.gz", ".jsonl.gz"].contains { path.lowercased().hasSuffix($0) }
        if isNDJSON {
            var reader = try NDJSONReader(path: path)
            guard var json = try reader.next() else { throw TabularError.empty(file: path) }
            try json.beginObject()
            guard let first = try json.nextKey() else { throw json.error("an object with a unit and features") }
            self.unitColumn = unitColumn ?? first
            absentFeatures = []
        } else {
            let reader = try CSVReader(path: path)
            let unit = unitColumn ?? reader.columns[0]
            _ = try reader.index(of: unit)
            self.unitColumn = unit
            for name in reader.columns where name != unit && readings[name] == nil && !ignored.contains(name) {
                throw Self.unknown(FilePlace(file: path, line: 1, column: name), name, schema)
            }
            absentFeatures = schema.features.map(\.name).filter { !reader.columns.contains($0) }
        }
    }

    /// One pass over all customers, in the order of the file.
    /// - Returns: how many there are.
    /// - Throws: what `body` throws, and `TabularError` with file, line and column.
    @discardableResult
    package func forEach(_ body: (Customer) throws -> Void) throws -> Int {
        try isNDJSON ? forEachLine(body) : forEachRow(body)
    }

    private func forEachRow(_ body: (Customer) throws -> Void) throws -> Int {
        var reader = try CSVReader(path: path)
        guard reader.state == state else { throw TabularError.changed(file: path) }
        let unit = try reader.index(of: unitColumn)
        var features: [(column: Int, name: String, reading: FeatureReading)] = []
        for (column, name) in reader.columns.enumerated() where column != unit {
            if let reading = readings[name], !ignored.contains(name) { features.append((column, name, reading)) }
        }
        var count = 0
        while let row = try reader.next() {
            guard !row.isEmpty(at: unit) else {
                throw TabularError.badValue(reader.place(of: unit, in: row), expected: "a unit", found: "")
            }
            var values = [String: ContextValue](minimumCapacity: features.count)
            for feature in features { values[feature.name] = try feature.reading.value(at: feature.column, in: row, of: reader) }
            try body(Customer(unit: UnitID(row.string(at: unit)), context: Context(values)))
            count += 1
        }
        return count
    }

    private func forEachLine(_ body: (Customer) throws -> Void) throws -> Int {
        var reader = try NDJSONReader(path: path)
        guard reader.state == state else { throw TabularError.changed(file: path) }
        var count = 0
        while var json = try reader.next() {
            var unit: String?
            var context = Context()
            try json.beginObject()
            while let name = try json.nextKey() {
                var place = reader.place
                place.column = name
                if name == unitColumn {
                    unit = try Self.unit(&json, place)
                } else if ignored.contains(name) {
                    try json.skip()
                } else if let reading = readings[name] {
                    context[name] = try Self.value(reading, &json, place)
                } else {
                    throw Self.unknown(place, name, schema)
                }
            }
            try json.finish()
            guard let unit, !unit.isEmpty else {
                var place = reader.place
                place.column = unitColumn
                throw TabularError.badValue(place, expected: "a unit", found: "")
            }
            try body(Customer(unit: UnitID(unit), context: context))
            count += 1
        }
        return count
    }

    private static func unit(_ json: inout JSONScanner, _ place: FilePlace) throws -> String {
        switch try json.peek() {
        case .string: return try json.string()
        case .number:
            let number = try json.number()
            guard let whole = Int64(exactly: number) else {
                throw TabularError.badValue(place, expected: "a unit: a string or a whole number", found: "\(number)")
            }
            return String(whole)
        case .object, .array, .boolean, .null:
            throw TabularError.badValue(place, expected: "a unit: a string or a whole number", found: try name(of: json.peek()))
        }
    }

    private static func value(_ reading: FeatureReading, _ json: inout JSONScanner, _ place: FilePlace) throws -> ContextValue? {
        let kind = try json.peek()
        switch (reading, kind) {
        case (_, .null):
            try json.null()
            return nil
        case (.number, .number): return .number(try json.number())
        case (.boolean, .boolean): return .boolean(try json.boolean())
        case (.text, .string): return .text(try json.string())
        case (.events, .array): return .events(try Context.events(&json))
        default:
            let expected =
                switch reading {
                case .number: "a number"
                case .boolean: "true or false"
                case .text: "a string"
                case .events: "a list of events"
                }
            throw TabularError.badValue(place, expected: expected, found: name(of: kind))
        }
    }

    private static func name(of kind: JSONScanner.Kind) -> String {
        switch kind {
        case .object: "an object"
        case .array: "a list"
        case .string: "a string"
        case .number: "a number"
        case .boolean: "a boolean"
        case .null: "null"
        }
    }

    private static func unknown(_ place: FilePlace, _ name: String, _ schema: FeatureSchema) -> TabularError {
        let known = schema.features.map(\.name).filter { !$0.hasPrefix("$") }
        return .badValue(
            place, expected: "the unit or a feature of the experiment (\(known.isEmpty ? "it has none" : known.joined(separator: ", ")))",
            found: name)
    }
}
