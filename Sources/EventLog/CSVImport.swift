package import HaggleCore
import Tabular

/// Rows of any CSV file, by a `ColumnMap`.
package struct CSVImport: ImportSource {
    package let path: String
    package let map: ColumnMap
    private let schema: FeatureSchema
    private let context: [String]
    /// Context columns that the experiment knows and the file has not; their values are missing.
    package let missingFeatures: [String]

    /// - Parameter schema: the experiment's features; they decide how context columns are read.
    package init(path: String, map: ColumnMap, schema: FeatureSchema) throws {
        self.path = path
        self.map = map
        self.schema = schema
        let reader = try CSVReader(path: path)
        context = try map.contextColumns(of: reader.columns, schema: schema)
        let columns = reader.columns
        missingFeatures = schema.features.map(\.name).filter { !columns.contains($0) }
        _ = try Places(map, context: context, schema: schema, in: reader)
    }

    package func forEachRow(_ body: (ImportedRow) async throws -> Void) async throws {
        var reader = try CSVReader(path: path)
        let places = try Places(map, context: context, schema: schema, in: reader)
        while let row = try reader.next() { try await body(try places.read(row, of: reader)) }
    }

    /// The map, resolved against the file's header.
    struct Places {
        enum Text { case column(Int), constant(String) }
        enum Number { case column(Int), constant(Double) }

        let arm: Text
        let reward: Number
        let unit: Int?
        let time: Int?
        let propensity: Number?
        let eligible: Int?
        let context: [(name: String, column: Int, reading: FeatureReading?)]

        init(_ map: ColumnMap, context: [String], schema: FeatureSchema, in reader: borrowing CSVReader) throws {
            let columns = reader.columns
            func column(_ name: String?) throws -> Int? {
                guard let name else { return nil }
                return try reader.index(of: name)
            }
            func number(_ field: String, _ value: String) throws -> Number {
                if let column = columns.firstIndex(of: value) { return .column(column) }
                guard let constant = ColumnMap.number(value), constant.isFinite else {
                    throw EventLogError.badMapValue(field: field, value: value, columns: columns)
                }
                return .constant(constant)
            }
            arm = columns.firstIndex(of: map.arm).map { .column($0) } ?? .constant(map.arm)
            reward = try number("reward", map.reward)
            unit = try column(map.unit)
            time = try column(map.time)
            eligible = try column(map.eligible)
            propensity = try map.propensity.map { try number("propensity", $0) }
            if case .constant(let value) = propensity, Propensity(value) == nil {
                throw EventLogError.badMapValue(field: "propensity", value: map.propensity ?? "", columns: columns)
            }
            var places: [(String, Int, FeatureReading?)] = []
            for name in context { places.append((name, try reader.index(of: name), schema[name].map { FeatureReading($0.kind) })) }
            self.context = places
        }

        func read(_ row: CSVRow, of reader: borrowing CSVReader) throws -> ImportedRow {
            func number(_ place: Number) throws -> Double {
                switch place {
                case .column(let column): try reader.number(at: column, in: row)
                case .constant(let value): value
                }
            }
            let armKey =
                switch arm {
                case .column(let column): ArmKey(row.string(at: column))
                case .constant(let key): ArmKey(key)
                }
            var place = FilePlace(file: reader.file, line: row.line)
            if case .column(let column) = arm { place = reader.place(of: column, in: row) }
            var propensity: Double?
            if let where_ = self.propensity {
                let value = try number(where_)
                guard Propensity(value) != nil else {
                    var place = place
                    if case .column(let column) = where_ { place = reader.place(of: column, in: row) }
                    throw EventLogError.propensityOutOfRange(place, found: value)
                }
                propensity = value
            }
            var context = Context()
            for (name, column, reading) in self.context {
                if let reading {
                    context[name] = try reading.value(at: column, in: row, of: reader)
                } else if !row.isEmpty(at: column) {
                    // Not a feature of the experiment: kept as what it looks like.
                    if let value = row.double(at: column), value.isFinite {
                        context[name] = .number(value)
                    } else {
                        context[name] = .text(row.string(at: column))
                    }
                }
            }
            let time: Timestamp? = if let column = self.time { try reader.time(at: column, in: row) } else { nil }
            return ImportedRow(
                time: time, unit: unit.flatMap { row.isEmpty(at: $0) ? nil : UnitID(row.string(at: $0)) }, context: context,
                eligibleArms: eligible.flatMap {
                    row.isEmpty(at: $0) ? nil : row.string(at: $0).split(separator: "|").map { ArmKey(String($0)) }
                },
                arm: armKey, propensity: propensity, result: .reward(try number(reward)), place: place)
        }
    }
}
