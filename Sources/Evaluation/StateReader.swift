/// Reads what `StateWriter` wrote, and trusts nothing: every count is held against the bytes that are left before anything is allocated.
struct StateReader {
    private let bytes: [UInt8]
    private var position: Int
    private var end: Int

    /// - Throws: `EvaluationError.unreadableState` for what is not a whole, undamaged state of this version.
    init(_ bytes: [UInt8]) throws(EvaluationError) {
        let around = StateWriter.headerSize + StateWriter.checksumSize
        guard bytes.starts(with: StateWriter.magic) else {
            throw .unreadableState(
                bytes.count < StateWriter.magic.count && StateWriter.magic.starts(with: bytes)
                    ? "it is cut off after \(bytes.count) bytes: copy or make it again"
                    : "it does not begin with \"HAGGLEEV\": expected a file that evaluate-shard wrote")
        }
        self.bytes = bytes
        position = StateWriter.magic.count
        end = bytes.count
        guard bytes.count >= around else { throw .unreadableState("it is cut off after \(bytes.count) bytes: copy or make it again") }
        let version = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[position + $1]) << UInt32(8 * $1) }
        guard version == StateWriter.version else {
            throw .unreadableState(
                "it has format version \(version), this program reads version \(StateWriter.version): make all shards and merge them with one "
                    + "version of the program")
        }
        position += 4
        let length = try unsigned()
        guard length == UInt64(bytes.count - around) else {
            throw .unreadableState(
                "expected \(length) bytes of content, found \(bytes.count - around): it is cut off, or another file was added")
        }
        position = bytes.count - StateWriter.checksumSize
        guard try unsigned() == StateWriter.checksum(bytes[..<(bytes.count - StateWriter.checksumSize)]) else {
            throw .unreadableState("its checksum is wrong: it was damaged; copy or make it again")
        }
        position = StateWriter.headerSize
        end = bytes.count - StateWriter.checksumSize
    }

    mutating func unsigned() throws(EvaluationError) -> UInt64 {
        guard position + 8 <= bytes.count else { throw Self.nonsense("length") }
        var value: UInt64 = 0
        for index in 0..<8 { value |= UInt64(bytes[position + index]) << UInt64(8 * index) }
        position += 8
        return value
    }

    mutating func int64() throws(EvaluationError) -> Int64 { Int64(bitPattern: try unsigned()) }

    mutating func int() throws(EvaluationError) -> Int { Int(try int64()) }

    /// A number of things, at least 0.
    mutating func count() throws(EvaluationError) -> Int {
        let value = try int()
        // Counts of rows are added up when states are merged: nothing near the end of the range.
        guard value >= 0, value < 1 << 60 else { throw Self.nonsense("count") }
        return value
    }

    mutating func double() throws(EvaluationError) -> Double { Double(bitPattern: try unsigned()) }

    mutating func bool() throws(EvaluationError) -> Bool {
        guard position < end, bytes[position] <= 1 else { throw Self.nonsense("flag") }
        position += 1
        return bytes[position - 1] == 1
    }

    mutating func text() throws(EvaluationError) -> String {
        let length = try size(of: 1)
        guard let text = String(validating: bytes[position..<position + length], as: UTF8.self) else { throw Self.nonsense("text") }
        position += length
        return text
    }

    mutating func optional<Value>(_ body: (inout Self) throws(EvaluationError) -> Value) throws(EvaluationError) -> Value? {
        try bool() ? try body(&self) : nil
    }

    /// A list.
    /// - Parameter least: bytes that an element takes at least, at least 1.
    mutating func list<Value>(least: Int, _ body: (inout Self) throws(EvaluationError) -> Value) throws(EvaluationError) -> [Value] {
        let count = try size(of: least)
        var values: [Value] = []
        values.reserveCapacity(count)
        for _ in 0..<count { values.append(try body(&self)) }
        return values
    }

    mutating func doubles() throws(EvaluationError) -> [Double] {
        try list(least: 8) { reader throws(EvaluationError) in try reader.double() }
    }

    /// Checks that everything was read.
    func finish() throws(EvaluationError) { if position != end { throw Self.nonsense("end") } }

    /// For a part that cannot be what an evaluation wrote.
    static func nonsense(_ part: String) -> EvaluationError {
        .unreadableState("its \(part) makes no sense: it was not written by evaluate-shard of this version; make it again")
    }

    /// Whether so many elements of at least a size may still follow.
    func fits(_ count: Int, of least: Int) -> Bool { count <= (end - position) / least }

    /// A count of elements that fit into what is left.
    private mutating func size(of least: Int) throws(EvaluationError) -> Int {
        let count = try count()
        guard fits(count, of: least) else { throw Self.nonsense("length") }
        return count
    }
}
