/// CRC-32C (Castagnoli, reflected polynomial 82f63b78): the checksum of TFRecord files.
enum CRC32C {
    /// Of "123456789" it is e3069283.
    static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
        var register = UInt32.max
        for byte in bytes { register = table[Int(UInt8(truncatingIfNeeded: register) ^ byte)] ^ (register >> 8) }
        return ~register
    }

    /// As TFRecord stores it: rotated and shifted, because a checksum of bytes that hold their own checksum is a bad one.
    static func masked(_ bytes: some Sequence<UInt8>) -> UInt32 {
        let sum = checksum(bytes)
        return (sum >> 15 | sum << 17) &+ 0xa282_ead8
    }

    private static let table: [UInt32] = (0..<256).map { index in
        var value = UInt32(index)
        for _ in 0..<8 { value = value & 1 == 1 ? (value >> 1) ^ 0x82f6_3b78 : value >> 1 }
        return value
    }
}
