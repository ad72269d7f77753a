/// CRC-64/XZ (ECMA-182 polynomial, reflected): every change of up to 64 neighbouring bits, and so of any one byte, changes it.
package struct Checksum64: Sendable {
    private var register = UInt64.max

    package init() {}

    /// The checksum of what was added; of "123456789" it is `995dc9bbdf1939fa`.
    package var value: UInt64 { ~register }

    package mutating func add(_ bytes: some Sequence<UInt8>) {
        for byte in bytes { register = Self.table[Int(UInt8(truncatingIfNeeded: register) ^ byte)] ^ (register >> 8) }
    }

    private static let table: [UInt64] = (0..<256).map { index in
        var value = UInt64(index)
        for _ in 0..<8 { value = value & 1 == 1 ? (value >> 1) ^ 0xc96c_5795_d787_0f42 : value >> 1 }
        return value
    }
}
