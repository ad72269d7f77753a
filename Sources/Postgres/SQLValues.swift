/// A `timestamptz`: microseconds since 1970-01-01T00:00:00Z.
package struct Instant: Hashable, Comparable, Sendable, SQLElement {
    package var microseconds: Int64

    package init(microseconds: Int64) { self.microseconds = microseconds }

    package static func < (left: Self, right: Self) -> Bool { left.microseconds < right.microseconds }

    /// PostgreSQL counts from 2000-01-01.
    private static let epoch: Int64 = 946_684_800_000_000

    package static var sqlType: SQLType { SQLType(oid: 1184, arrayOID: 1185) }
    package func appendBinary(to bytes: inout [UInt8]) -> Bool { (microseconds - Self.epoch).appendBinary(to: &bytes) }
}

/// JSON text that binds as `jsonb`; the server parses and checks it.
package struct JSONText: Hashable, Sendable, SQLElement {
    package var text: String

    package init(_ text: String) { self.text = text }

    package static var sqlType: SQLType { SQLType(oid: 3802, arrayOID: 3807) }
    package func appendBinary(to bytes: inout [UInt8]) -> Bool {
        bytes.append(1)  // the version of jsonb's binary form: text follows
        bytes.append(contentsOf: text.utf8)
        return true
    }
}

/// A `uuid` as two big-endian words.
package struct UUIDWords: Hashable, Sendable, SQLElement {
    package var high: UInt64
    package var low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    package static var sqlType: SQLType { SQLType(oid: 2950, arrayOID: 2951) }
    package func appendBinary(to bytes: inout [UInt8]) -> Bool {
        bytes.append(bigEndian: high)
        bytes.append(bigEndian: low)
        return true
    }
}
