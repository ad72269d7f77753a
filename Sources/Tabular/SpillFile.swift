#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Records that did not fit into memory, in a temporary file that goes with the object.
///
/// A record is bytes and a number that its writer gave it.
package final class SpillFile: Sendable {
    /// Before each record: its length in four bytes, its number in eight, lowest first.
    static let headerSize = 12

    package let path: String
    package let byteCount: Int
    package let recordCount: Int
    /// The least and the greatest number of a record.
    package let numbers: ClosedRange<UInt64>
    /// Must outlive its files.
    private let folder: TemporaryFolder

    init(in folder: TemporaryFolder, path: String, byteCount: Int, recordCount: Int, numbers: ClosedRange<UInt64>) {
        self.folder = folder
        self.path = path
        self.byteCount = byteCount
        self.recordCount = recordCount
        self.numbers = numbers
    }

    deinit { unsafe unlink(path) }  // the path's bytes live until the call returns

    /// All records at once.
    package func records() throws -> SpilledRecords {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(byteCount)
        try readFile(path) { bytes += $0 }
        guard bytes.count == byteCount else { throw TabularError.changed(file: path) }
        return SpilledRecords(bytes: bytes, count: recordCount)
    }
}

/// Records in memory.
package struct SpilledRecords: Sendable {
    package struct Record: Hashable, Sendable {
        package var number: UInt64
        /// Where its bytes stand.
        package var start: Int
        package var end: Int
    }

    package let bytes: [UInt8]
    /// In the order in which they were written.
    package let records: [Record]

    init(bytes: [UInt8], count: Int) {
        var records: [Record] = []
        records.reserveCapacity(count)
        var position = 0
        while position + SpillFile.headerSize <= bytes.count {
            let start = position + SpillFile.headerSize
            let length = Int(bytes.span.integer(at: position, UInt32.self))
            records.append(Record(number: bytes.span.integer(at: position + 4, UInt64.self), start: start, end: start + length))
            position = start + length
        }
        self.bytes = bytes
        self.records = records
    }
}

/// Writes a spill file through a buffer.
///
/// A file that is never finished goes with its writer.
final class SpillWriter {
    private let folder: TemporaryFolder
    private let path: String
    private let handle: FileHandle
    private let bufferSize: Int
    private var buffer: [UInt8] = []
    private var byteCount = 0
    private var recordCount = 0
    private var least = UInt64.max
    private var greatest: UInt64 = 0
    private var isFinished = false

    init(in folder: TemporaryFolder, bufferSize: Int = 1 << 16) throws {
        self.folder = folder
        self.bufferSize = bufferSize
        path = folder.newPath()
        handle = try FileHandle(creating: path)
    }

    deinit { if !isFinished { unsafe unlink(path) } }  // the path's bytes live until the call returns

    func append(_ record: some Collection<UInt8>, number: UInt64) throws {
        buffer.append(integer: UInt32(record.count))
        buffer.append(integer: number)
        buffer += record
        recordCount += 1
        least = min(least, number)
        greatest = max(greatest, number)
        if buffer.count >= bufferSize { try flush() }
    }

    func finish() throws -> SpillFile {
        try flush()
        isFinished = true
        return SpillFile(in: folder, path: path, byteCount: byteCount, recordCount: recordCount, numbers: min(least, greatest)...greatest)
    }

    private func flush() throws {
        try handle.write(buffer)
        byteCount += buffer.count
        buffer.removeAll(keepingCapacity: true)
    }
}

/// Reads a spill file, a record at a time.
package final class SpillReader {
    private let file: SpillFile
    private let handle: FileHandle
    private let pieceSize: Int
    private var buffer: [UInt8] = []
    private var position = 0

    package init(_ file: SpillFile, pieceSize: Int = 1 << 18) throws {
        self.file = file
        self.pieceSize = pieceSize
        handle = try FileHandle(reading: file.path)
    }

    /// The next record and its number; nil at the end.
    package func next() throws -> (number: UInt64, record: ArraySlice<UInt8>)? {
        guard try fill(SpillFile.headerSize) else { return nil }
        let length = Int(buffer.span.integer(at: position, UInt32.self))
        let number = buffer.span.integer(at: position + 4, UInt64.self)
        guard try fill(SpillFile.headerSize + length) else { throw TabularError.changed(file: file.path) }
        let start = position + SpillFile.headerSize
        position = start + length
        return (number, buffer[start..<start + length])
    }

    /// Makes sure that so many bytes stand at `position`; false at the end of the file.
    private func fill(_ count: Int) throws -> Bool {
        while buffer.count - position < count {
            buffer.removeSubrange(0..<position)
            position = 0
            if try handle.read(upTo: max(pieceSize, count), into: &buffer) == 0 {
                guard buffer.isEmpty else { throw TabularError.changed(file: file.path) }
                return false
            }
        }
        return true
    }
}

extension Span where Element == UInt8 {
    /// The number whose bytes stand at `position`, lowest first.
    @inline(__always)
    package func integer<Value: FixedWidthInteger & BitwiseCopyable>(at position: Int, _ type: Value.Type) -> Value {
        // Checked against the span's bounds; every pattern of bits is an integer.
        Value(littleEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: position, as: Value.self))
    }
}

extension [UInt8] {
    /// Appends a number's bytes, lowest first.
    package mutating func append<Value: FixedWidthInteger & BitwiseCopyable>(integer value: Value) {
        // The bytes are copied before the closure ends.
        unsafe Swift.withUnsafeBytes(of: value.littleEndian) { unsafe append(contentsOf: $0) }
    }
}
