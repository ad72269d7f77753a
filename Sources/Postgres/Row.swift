/// One row of a result. It keeps the whole result (in a stream: only itself) in memory.
package struct Row: Sendable {
    private let result: RowSet
    private let index: Int32

    init(_ result: RowSet, index: Int) {
        self.result = result
        self.index = Int32(index)
    }

    package var columnNames: [String] { result.columns.names }

    /// The value's text as the server prints it, nil for NULL.
    package subscript(name: String) -> String? { get throws { try decode(name, as: String?.self) } }
    package subscript(index: Int) -> String? { get throws { try decode(index, as: String?.self) } }

    /// The value of a named column (the first of that name).
    package func decode<Value: SQLDecodable>(_ name: String, as type: Value.Type = Value.self) throws -> Value {
        try decode(result.columns.index(of: name), as: type)
    }

    /// The value of a column by position, counted from 0.
    package func decode<Value: SQLDecodable>(_ column: Int, as type: Value.Type = Value.self) throws -> Value {
        let columns = result.columns
        guard columns.names.indices.contains(column) else {
            throw PostgresError.noSuchColumnIndex(index: column, columns: columns.names)
        }
        return try result.handle.withText(row: index, column: Int32(column)) { text in
            guard let text else {
                guard let null = Value.null else {
                    throw PostgresError.unexpectedNull(column: columns.names[column], expected: "\(type)")
                }
                return null
            }
            guard let value = Value(sqlText: text) else {
                throw PostgresError.unexpectedValue(column: columns.names[column], expected: "\(type)", typeOID: columns.types[column])
            }
            return value
        }
    }

    /// An identifier or an enumeration from its raw value.
    package func decode<Value: RawRepresentable>(_ name: String, as type: Value.Type = Value.self) throws -> Value
    where Value.RawValue: SQLDecodable {
        let column = try result.columns.index(of: name)
        guard let value = Value(rawValue: try decode(column, as: Value.RawValue.self)) else {
            throw PostgresError.unexpectedValue(column: name, expected: "\(type)", typeOID: result.columns.types[column])
        }
        return value
    }

    /// An identifier or an enumeration from its raw value, nil for NULL.
    package func decode<Value: RawRepresentable>(_ name: String, as type: Value?.Type = Value?.self) throws -> Value?
    where Value.RawValue: SQLDecodable {
        try isNull(name) ? nil : decode(name, as: Value.self)
    }

    package func isNull(_ name: String) throws -> Bool {
        result.handle.withText(row: index, column: Int32(try result.columns.index(of: name))) { $0 == nil }
    }

    /// Lends the value's text without copying it, nil for NULL.
    package func withText<Value>(_ column: Int, _ body: (Span<UInt8>?) throws -> Value) throws -> Value {
        guard result.columns.names.indices.contains(column) else {
            throw PostgresError.noSuchColumnIndex(index: column, columns: result.columns.names)
        }
        return try result.handle.withText(row: index, column: Int32(column), body)
    }
}

/// A result that its rows share.
final class RowSet: Sendable {
    let handle: ResultHandle
    let columns: Columns

    init(_ handle: consuming ResultHandle, columns: Columns? = nil) {
        self.columns = columns ?? handle.columns()
        self.handle = handle
    }

    var rows: [Row] { (0..<handle.rowCount).map { Row(self, index: $0) } }
}

extension Columns {
    fileprivate func index(of name: String) throws -> Int {
        guard let index = names.firstIndex(of: name) else { throw PostgresError.noSuchColumn(name: name, columns: names) }
        return index
    }
}
