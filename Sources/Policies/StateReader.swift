import Foundation

/// Reads what `StateWriter` wrote; every defect is a `PoliciesError`.
struct StateReader {
    /// The format that the bytes are in: at most the newest.
    let format: UInt32
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    /// Checks mark, format, length and checksum.
    init(_ bytes: [UInt8], mark: StateWriter.Mark) throws(PoliciesError) {
        let prefix = Array(mark.rawValue.utf8)
        guard bytes.starts(with: prefix) else { throw .notSerialised(byteCount: bytes.count) }
        guard bytes.count >= Self.headerLength else {
            throw .wrongLength(expected: UInt64(Self.headerLength), found: UInt64(bytes.count))
        }
        let format = UInt32(Self.integer(bytes[8..<12]))
        guard format <= StateWriter.format else { throw .unsupportedFormat(found: format, newest: StateWriter.format) }
        let length = Self.integer(bytes[12..<20])
        guard length == UInt64(bytes.count - Self.headerLength) else {
            let (expected, overflow) = length.addingReportingOverflow(UInt64(Self.headerLength))
            throw .wrongLength(expected: overflow ? .max : expected, found: UInt64(bytes.count))
        }
        let stored = Self.integer(bytes[20..<28])
        var checksum = Checksum64()
        checksum.add(bytes[8..<20])
        checksum.add(bytes[Self.headerLength...])
        guard checksum.value == stored else { throw .checksumMismatch(stored: stored, computed: checksum.value) }
        self.format = format
        self.bytes = bytes[Self.headerLength...]
        position = Self.headerLength
    }

    mutating func byte(_ part: String) throws(PoliciesError) -> UInt8 { try take(1, part)[position - 1] }
    mutating func unsigned(_ part: String) throws(PoliciesError) -> UInt64 { Self.integer(try take(8, part)) }
    mutating func double(_ part: String) throws(PoliciesError) -> Double { Double(bitPattern: try unsigned(part)) }

    mutating func int(_ part: String) throws(PoliciesError) -> Int {
        guard let value = Int(exactly: Int64(bitPattern: try unsigned(part))) else { throw .malformed(part: part) }
        return value
    }

    /// A count of things that take at least `size` bytes each, so that a wrong one cannot ask for more memory than there are bytes.
    mutating func count(of part: String, size: Int = 1) throws(PoliciesError) -> Int {
        let value = try int(part)
        guard value >= 0, value <= (bytes.endIndex - position) / size else { throw .malformed(part: part) }
        return value
    }

    mutating func doubles(_ part: String) throws(PoliciesError) -> [Double] {
        let count = try count(of: part, size: 8)
        var values: [Double] = []
        values.reserveCapacity(count)
        for _ in 0..<count { values.append(try double(part)) }
        return values
    }

    mutating func byteArray(_ part: String) throws(PoliciesError) -> [UInt8] { Array(try take(try count(of: part), part)) }

    mutating func text(_ part: String) throws(PoliciesError) -> String {
        guard let text = String(validating: try byteArray(part), as: UTF8.self) else { throw .malformed(part: part) }
        return text
    }

    mutating func json<Value: Decodable>(_ type: Value.Type, _ part: String) throws(PoliciesError) -> Value {
        let data = Data(try byteArray(part))
        do {
            return try JSONDecoder().decode(type, from: data)
        } catch {
            throw .malformed(part: part)
        }
    }

    /// Nothing may follow the last part.
    func finish() throws(PoliciesError) {
        guard position == bytes.endIndex else { throw .malformed(part: "end") }
    }

    private mutating func take(_ count: Int, _ part: String) throws(PoliciesError) -> ArraySlice<UInt8> {
        guard count <= bytes.endIndex - position else { throw .malformed(part: part) }
        position += count
        return bytes[position - count..<position]
    }

    private static func integer(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        var value: UInt64 = 0
        for byte in bytes.reversed() { value = value << 8 | UInt64(byte) }
        return value
    }

    private static let headerLength = 28
}
