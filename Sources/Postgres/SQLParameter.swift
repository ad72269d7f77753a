/// One bound value as the wire carries it.
package struct SQLBinding: Sendable {
    /// The type's OID; 0 lets the server infer it from where the parameter stands.
    package var type: UInt32
    package var isBinary: Bool
    /// Nil is NULL. Text is without its terminating zero.
    package var bytes: [UInt8]?

    package init(type: UInt32, isBinary: Bool, bytes: [UInt8]?) {
        self.type = type
        self.isBinary = isBinary
        self.bytes = bytes
    }
}

/// A value that can be interpolated into `SQL`.
///
/// Numbers, booleans, bytes and arrays bind with their type (`Int` is `bigint`, `Double` is `double precision`, `[UInt8]` is `bytea`,
/// `[String]` is `text[]`); where a function wants an `integer`, write `\(n)::int`. A `String` binds without a type, so that it fits
/// columns of `text`, `uuid`, `jsonb`, an enumeration, ...
package protocol SQLParameter: Sendable {
    var sqlBinding: SQLBinding { get }
    /// NULL with this type.
    static var sqlNull: SQLBinding { get }
}

/// A value with a binary form, which can be an element of an array parameter and a field of a binary COPY.
package protocol SQLElement: SQLParameter {
    static var sqlType: SQLType { get }
    /// Appends the binary form; returns false for NULL.
    func appendBinary(to bytes: inout [UInt8]) -> Bool
    /// How an array of these binds. Only bytes differ: `[UInt8]` is a `bytea`.
    static func bind(array: [Self]) -> SQLBinding
    static var nullArray: SQLBinding { get }
}

/// The OIDs of a type and of its array type; both are fixed for built-in types.
package struct SQLType: Sendable {
    package var oid: UInt32
    package var arrayOID: UInt32

    package init(oid: UInt32, arrayOID: UInt32) {
        self.oid = oid
        self.arrayOID = arrayOID
    }
}

extension SQLElement {
    package static var sqlNull: SQLBinding { SQLBinding(type: sqlType.oid, isBinary: true, bytes: nil) }
    package static var nullArray: SQLBinding { SQLBinding(type: sqlType.arrayOID, isBinary: true, bytes: nil) }

    package var sqlBinding: SQLBinding {
        var bytes: [UInt8] = []
        return SQLBinding(type: Self.sqlType.oid, isBinary: true, bytes: appendBinary(to: &bytes) ? bytes : nil)
    }

    package static func bind(array: [Self]) -> SQLBinding {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(20 + array.count * 16)
        // Dimensions, "may contain NULL", element type; then count and lower bound of the only dimension.
        bytes.append(bigEndian: Int32(array.isEmpty ? 0 : 1))
        bytes.append(bigEndian: Int32(1))
        bytes.append(bigEndian: Int32(bitPattern: sqlType.oid))
        if !array.isEmpty {
            bytes.append(bigEndian: Int32(array.count))
            bytes.append(bigEndian: Int32(1))
        }
        for element in array { bytes.append(field: element) }
        return SQLBinding(type: sqlType.arrayOID, isBinary: true, bytes: bytes)
    }
}

extension Array: SQLParameter where Element: SQLElement {
    package var sqlBinding: SQLBinding { Element.bind(array: self) }
    package static var sqlNull: SQLBinding { Element.nullArray }
}

extension Optional: SQLParameter where Wrapped: SQLParameter {
    package var sqlBinding: SQLBinding { self?.sqlBinding ?? Wrapped.sqlNull }
    package static var sqlNull: SQLBinding { Wrapped.sqlNull }
}

extension Optional: SQLElement where Wrapped: SQLElement {
    package static var sqlType: SQLType { Wrapped.sqlType }
    package func appendBinary(to bytes: inout [UInt8]) -> Bool { self?.appendBinary(to: &bytes) ?? false }
}

extension String: SQLElement {
    package static var sqlType: SQLType { SQLType(oid: 25, arrayOID: 1009) }
    package static var sqlNull: SQLBinding { SQLBinding(type: 0, isBinary: false, bytes: nil) }
    package var sqlBinding: SQLBinding { SQLBinding(type: 0, isBinary: false, bytes: Array(utf8)) }
    package func appendBinary(to bytes: inout [UInt8]) -> Bool {
        bytes.append(contentsOf: utf8)
        return true
    }
}

extension Int64: SQLElement {
    package static var sqlType: SQLType { SQLType(oid: 20, arrayOID: 1016) }
    package func appendBinary(to bytes: inout [UInt8]) -> Bool {
        bytes.append(bigEndian: self)
        return true
    }
}

extension Int: SQLElement {
    package static var sqlType: SQLType { Int64.sqlType }
    package func appendBinary(to bytes: inout [UInt8]) -> Bool { Int64(self).appendBinary(to: &bytes) }
}

extension Int32: SQLElement {
    package static var sqlType: SQLType { SQLType(oid: 23, arrayOID: 1007) }
    package func appendBinary(to bytes: inout [UInt8]) -> Bool {
        bytes.append(bigEndian: self)
        return true
    }
}

extension Double: SQLElement {
    package static var sqlType: SQLType { SQLType(oid: 701, arrayOID: 1022) }
    package func appendBinary(to bytes: inout [UInt8]) -> Bool {
        bytes.append(bigEndian: bitPattern)
        return true
    }
}

extension Bool: SQLElement {
    package static var sqlType: SQLType { SQLType(oid: 16, arrayOID: 1000) }
    package func appendBinary(to bytes: inout [UInt8]) -> Bool {
        bytes.append(self ? 1 : 0)
        return true
    }
}

/// A lone byte is no SQL value; the conformance makes `[UInt8]` a `bytea`.
extension UInt8: SQLElement {
    package static var sqlType: SQLType { SQLType(oid: 17, arrayOID: 17) }
    package func appendBinary(to bytes: inout [UInt8]) -> Bool {
        bytes.append(self)
        return true
    }
    package static func bind(array: [UInt8]) -> SQLBinding { SQLBinding(type: 17, isBinary: true, bytes: array) }
}

extension [UInt8] {
    /// An integer's bytes in network order.
    mutating func append(bigEndian value: some FixedWidthInteger) {
        for shift in stride(from: value.bitWidth - 8, through: 0, by: -8) { append(UInt8(truncatingIfNeeded: value >> shift)) }
    }

    /// Length and binary form of an element of an array or a field of a binary COPY; -1 for NULL.
    mutating func append(field: some SQLElement) {
        let start = count
        append(bigEndian: Int32(0))
        let length = field.appendBinary(to: &self) ? Int32(count - start - 4) : -1
        for index in 0..<4 { self[start + index] = UInt8(truncatingIfNeeded: length >> Int32(24 - 8 * index)) }
    }
}
