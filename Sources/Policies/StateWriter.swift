import Foundation

/// Writes learned state as bytes: little-endian, floating-point numbers as their exact bits, arrays and texts after their count.
///
/// The whole is `mark (8 bytes) | format (4) | length of the body (8) | checksum of the two and the body (8) | body`.
struct StateWriter {
    /// What a state's bytes begin with; the last two letters say what it is.
    enum Mark: String { case snapshot = "HAGGLESN", posterior = "HAGGLEPO" }

    /// 2 since settings are written whole and sums carry the clock of forgetting.
    static let format: UInt32 = 3

    private var body: [UInt8] = []

    mutating func write(_ value: UInt8) { body.append(value) }
    mutating func write(_ value: UInt64) { body.append(contentsOf: value.littleEndianBytes) }
    mutating func write(_ value: Int) { write(UInt64(bitPattern: Int64(value))) }
    mutating func write(_ value: Double) { write(value.bitPattern) }

    mutating func write(_ values: [Double]) {
        write(values.count)
        body.reserveCapacity(body.count + 8 * values.count)
        for value in values { write(value) }
    }

    mutating func write(_ text: String) { write(bytes: Array(text.utf8)) }

    mutating func write(bytes: [UInt8]) {
        write(bytes.count)
        body.append(contentsOf: bytes)
    }

    /// A value as JSON with sorted keys. `Double` and `Float` are written with as many digits as give them back exactly.
    mutating func write(json value: some Encodable) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        // So that nothing is left that can throw; a reader refuses such a state.
        encoder.nonConformingFloatEncodingStrategy = .convertToString(positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        do {
            write(bytes: Array(try encoder.encode(value)))
        } catch {
            preconditionFailure("\(type(of: value)) must be encodable")
        }
    }

    /// The bytes with their header.
    func finished(_ mark: Mark) -> [UInt8] {
        let covered = Self.format.littleEndianBytes + UInt64(body.count).littleEndianBytes
        var checksum = Checksum64()
        checksum.add(covered)
        checksum.add(body)
        return Array(mark.rawValue.utf8) + covered + checksum.value.littleEndianBytes + body
    }
}

extension FixedWidthInteger {
    var littleEndianBytes: [UInt8] { (0..<Self.bitWidth / 8).map { UInt8(truncatingIfNeeded: self >> (8 * $0)) } }
}
