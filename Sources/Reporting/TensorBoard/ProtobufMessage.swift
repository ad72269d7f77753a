/// A protocol-buffer message while it is written, field by field.
///
/// Event files need seven small messages of three files of TensorBoard. Generated code for them would bring a dependency and a thousand
/// lines; the wire format of what we write is these five functions. Fields must be added in the order of their numbers, so that the bytes
/// equal those of other writers.
struct ProtobufMessage: Hashable, Sendable {
    private(set) var bytes: [UInt8] = []

    /// A whole number, boolean or enumeration; 0 is the default and is not written.
    mutating func add(_ field: Int, varint value: Int) {
        guard value != 0 else { return }
        addKey(field, wireType: 0)
        addVarint(UInt64(bitPattern: Int64(value)))
    }

    /// 0 is not written unless it is `present`, as a member of a oneof is.
    mutating func add(_ field: Int, double value: Double, isPresent: Bool = false) {
        guard isPresent || value.bitPattern != 0 else { return }
        addKey(field, wireType: 1)
        addLittleEndian(value.bitPattern)
    }

    /// A member of a oneof: written even where it is 0.
    mutating func add(_ field: Int, float value: Float) {
        addKey(field, wireType: 5)
        addLittleEndian(value.bitPattern)
    }

    mutating func add(_ field: Int, text: String) { add(field, bytes: Array(text.utf8)) }
    mutating func add(_ field: Int, message: ProtobufMessage) { add(field, bytes: message.bytes) }

    /// Packed; nothing where there are none.
    mutating func add(_ field: Int, doubles: [Double]) {
        guard !doubles.isEmpty else { return }
        addKey(field, wireType: 2)
        addVarint(UInt64(8 * doubles.count))
        for value in doubles { addLittleEndian(value.bitPattern) }
    }

    /// With its length; written even where it is empty.
    mutating func add(_ field: Int, bytes content: [UInt8]) {
        addKey(field, wireType: 2)
        addVarint(UInt64(content.count))
        bytes += content
    }

    /// A member of a oneof: written even where it is false.
    mutating func add(_ field: Int, flag: Bool) {
        addKey(field, wireType: 0)
        bytes.append(flag ? 1 : 0)
    }

    private mutating func addKey(_ field: Int, wireType: Int) { addVarint(UInt64(field << 3 | wireType)) }

    private mutating func addVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7f) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    private mutating func addLittleEndian<Number: FixedWidthInteger>(_ value: Number) {
        for byte in 0..<Number.bitWidth / 8 { bytes.append(UInt8(truncatingIfNeeded: value >> Number(8 * byte))) }
    }
}
