/// Writes the state of an evaluation as bytes: fixed widths, little-endian, doubles by their bits; the same state gives the same bytes on
/// every machine.
///
/// ```
/// 8 bytes  "HAGGLEEV"
/// 4 bytes  version of the format
/// 8 bytes  length of the content
/// n bytes  content
/// 8 bytes  checksum of everything before it (FNV-1a, 64 bits)
/// ```
struct StateWriter {
    static let magic: [UInt8] = Array("HAGGLEEV".utf8)
    static let version: UInt32 = 1
    /// Bytes before and after the content.
    static let headerSize = 20
    static let checksumSize = 8

    private var bytes: [UInt8] = []

    mutating func write(_ value: UInt64) {
        for shift in stride(from: UInt64(0), to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> shift)) }
    }
    mutating func write(_ value: Int64) { write(UInt64(bitPattern: value)) }
    mutating func write(_ value: Int) { write(UInt64(bitPattern: Int64(value))) }
    mutating func write(_ value: Double) { write(value.bitPattern) }
    mutating func write(_ value: Bool) { bytes.append(value ? 1 : 0) }

    mutating func write(_ value: String) {
        write(value.utf8.count)
        bytes.append(contentsOf: value.utf8)
    }

    /// An optional: whether there is one, and it.
    mutating func write<Value>(_ value: Value?, _ body: (inout Self, Value) -> Void) {
        write(value != nil)
        if let value { body(&self, value) }
    }

    /// A list: its count, and each element.
    mutating func write<Elements: Collection>(_ values: Elements, _ body: (inout Self, Elements.Element) -> Void) {
        write(values.count)
        for value in values { body(&self, value) }
    }

    mutating func write(_ values: [Double]) { write(values) { $0.write($1) } }

    /// The content with everything around it.
    consuming func finished() -> [UInt8] { Self.file(bytes) }

    /// A content with everything around it.
    static func file(_ content: [UInt8]) -> [UInt8] {
        var file = StateWriter()
        file.bytes = Self.magic
        for shift in stride(from: UInt32(0), to: 32, by: 8) { file.bytes.append(UInt8(truncatingIfNeeded: Self.version >> shift)) }
        file.write(content.count)
        file.bytes.append(contentsOf: content)
        file.write(Self.checksum(file.bytes[...]))
        return file.bytes
    }

    /// FNV-1a over 64 bits.
    static func checksum(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        return hash
    }
}
