/// Finds the rows in the bytes of a COPY in binary format, and reads their fields where they lie.
///
/// The caller keeps the bytes, appends to them as they come, and drops those before `position` when it likes (then sets it to 0).
package struct BinaryCopyRows: Sendable {
    /// The first byte that no row has used.
    package var position = 0
    /// Whether the end of the COPY was read.
    package private(set) var isFinished = false
    private var isHeaderRead = false
    private var starts: [Int]
    /// Below the start for NULL.
    private var ends: [Int]

    package init(columnCount: Int) {
        starts = [Int](repeating: 0, count: columnCount)
        ends = starts
    }

    /// Moves to the next row; false if it is not whole yet or there is none.
    /// - Throws: `PostgresError.damagedCopy`.
    package mutating func next(in bytes: [UInt8]) throws -> Bool { try next(in: bytes.span) }

    private mutating func next(in bytes: Span<UInt8>) throws -> Bool {
        var place = position
        if !isHeaderRead {
            // Signature, flags, and the length of an extension.
            guard place + 19 <= bytes.count else { return false }
            let skipped = 19 + Int(bytes.bigEndian32(at: place + 15))
            guard place + skipped <= bytes.count else { return false }
            place += skipped
            position = place
            isHeaderRead = true
        }
        guard !isFinished, place + 2 <= bytes.count else { return false }
        let count = Int16(bitPattern: UInt16(bytes[place]) << 8 | UInt16(bytes[place + 1]))
        place += 2
        if count == -1 {
            isFinished = true
            position = place
            return false
        }
        guard Int(count) == starts.count else { throw PostgresError.damagedCopy }
        for column in starts.indices {
            guard place + 4 <= bytes.count else { return false }
            let length = Int(bytes.bigEndian32(at: place))
            guard length >= -1 else { throw PostgresError.damagedCopy }
            place += 4
            starts[column] = place
            ends[column] = place + length
            place += max(0, length)
        }
        guard place <= bytes.count else { return false }
        position = place
        return true
    }

    /// Where a field of the row lies; nil for NULL.
    package func field(_ column: Int) -> Range<Int>? { ends[column] < starts[column] ? nil : starts[column]..<ends[column] }

    /// A `bigint`, or a `timestamptz` in microseconds since 2000. - Precondition: not NULL and of eight bytes.
    package func int64(_ column: Int, in bytes: Span<UInt8>) -> Int64 { Int64(bitPattern: bytes.bigEndian64(at: starts[column])) }

    /// A `double precision`; nil for NULL.
    package func double(_ column: Int, in bytes: Span<UInt8>) -> Double? {
        field(column).map { Double(bitPattern: bytes.bigEndian64(at: $0.lowerBound)) }
    }

    /// An `integer`; nil for NULL.
    package func int32(_ column: Int, in bytes: Span<UInt8>) -> Int32? { field(column).map { bytes.bigEndian32(at: $0.lowerBound) } }

    /// A `timestamptz`.
    package func instant(_ column: Int, in bytes: Span<UInt8>) -> Instant {
        // PostgreSQL counts from 2000.
        Instant(microseconds: int64(column, in: bytes) &+ 946_684_800_000_000)
    }

    /// A `uuid`.
    package func uuid(_ column: Int, in bytes: Span<UInt8>) -> UUIDWords {
        UUIDWords(high: bytes.bigEndian64(at: starts[column]), low: bytes.bigEndian64(at: starts[column] + 8))
    }

    /// Text; nil for NULL.
    package func string(_ column: Int, in bytes: Span<UInt8>) -> String? { field(column).map { bytes.string(at: $0) } }

    /// Where the elements of an array of one dimension lie, without NULLs; nil for NULL.
    /// - Throws: `PostgresError.damagedCopy` for other arrays.
    package func elements(_ column: Int, in bytes: Span<UInt8>) throws -> [Range<Int>]? {
        guard let field = field(column) else { return nil }
        guard field.count >= 12 else { throw PostgresError.damagedCopy }
        let dimensions = bytes.bigEndian32(at: field.lowerBound)
        if dimensions == 0 { return [] }
        guard dimensions == 1, field.count >= 20 else { throw PostgresError.damagedCopy }
        let count = Int(bytes.bigEndian32(at: field.lowerBound + 12))
        var place = field.lowerBound + 20
        var elements: [Range<Int>] = []
        guard count >= 0, count <= field.count / 4 else { throw PostgresError.damagedCopy }
        elements.reserveCapacity(count)
        for _ in 0..<count {
            guard place + 4 <= field.upperBound else { throw PostgresError.damagedCopy }
            let length = Int(bytes.bigEndian32(at: place))
            place += 4
            guard length >= 0, place + length <= field.upperBound else { throw PostgresError.damagedCopy }
            elements.append(place..<place + length)
            place += length
        }
        return elements
    }

    /// A `double precision[]` without NULLs; nil for NULL.
    package func doubles(_ column: Int, in bytes: Span<UInt8>) throws -> [Double]? {
        try elements(column, in: bytes)?.map { Double(bitPattern: bytes.bigEndian64(at: $0.lowerBound)) }
    }

    /// A `text[]` without NULLs; nil for NULL.
    package func strings(_ column: Int, in bytes: Span<UInt8>) throws -> [String]? {
        try elements(column, in: bytes)?.map { bytes.string(at: $0) }
    }
}

extension Span where Element == UInt8 {
    // Both loads are checked against the span's bounds, and every pattern of bits is a number.

    @inline(__always)
    func bigEndian64(at position: Int) -> UInt64 {
        UInt64(bigEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: position, as: UInt64.self))
    }

    @inline(__always)
    func bigEndian32(at position: Int) -> Int32 {
        Int32(bigEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: position, as: Int32.self))
    }

    func string(at range: Range<Int>) -> String {
        // Copied before the closure ends.
        unsafe extracting(range).withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    }
}
