/// Sends the rows of a COPY IN in chunks of about 64 KiB.
package struct CopyWriter: ~Copyable {
    static let chunkSize = 1 << 16

    private let connection: Connection
    private let ticket: UInt64
    private var buffer: [UInt8] = []
    private var isBinary = false

    init(_ connection: Connection, ticket: UInt64) {
        self.connection = connection
        self.ticket = ticket
        buffer.reserveCapacity(Self.chunkSize + Self.chunkSize / 4)
    }

    /// One row in text format, for `COPY t (a, b) FROM STDIN`. A row whose closure throws is not sent.
    package mutating func row(_ build: (inout CopyRow) throws -> Void) async throws {
        let start = buffer.count
        var row = CopyRow()
        swap(&row.bytes, &buffer)  // the row appends in place
        defer { swap(&row.bytes, &buffer) }
        do {
            try build(&row)
            row.end()
        } catch {
            row.bytes.removeLast(row.bytes.count - start)
            throw error
        }
        if row.bytes.count >= Self.chunkSize { try await Self.send(&row.bytes, to: connection, ticket: ticket) }
    }

    /// One row in binary format, for `COPY t (a, b) FROM STDIN (FORMAT binary)`: faster for numbers, times, ids and arrays, but every field
    /// must have exactly its column's type (`Int32` for `integer`, `Int64` for `bigint`, `JSONText` for `jsonb`, ...).
    package mutating func binaryRow(_ build: (inout BinaryCopyRow) throws -> Void) async throws {
        if !isBinary {
            isBinary = true
            buffer.append(contentsOf: BinaryCopyRow.header)
        }
        let start = buffer.count
        var row = BinaryCopyRow(start: start)
        swap(&row.bytes, &buffer)
        defer { swap(&row.bytes, &buffer) }
        row.begin()
        do {
            try build(&row)
            row.end()
        } catch {
            row.bytes.removeLast(row.bytes.count - start)
            throw error
        }
        if row.bytes.count >= Self.chunkSize { try await Self.send(&row.bytes, to: connection, ticket: ticket) }
    }

    /// Bytes in the format that the statement names: text, CSV or binary. They need not end where a row ends.
    package mutating func write(_ bytes: some Collection<UInt8>) async throws {
        buffer.append(contentsOf: bytes)
        if buffer.count >= Self.chunkSize { try await Self.send(&buffer, to: connection, ticket: ticket) }
    }

    mutating func finish() async throws {
        if isBinary { buffer.append(contentsOf: BinaryCopyRow.trailer) }
        if !buffer.isEmpty { try await Self.send(&buffer, to: connection, ticket: ticket) }
    }

    private static func send(_ bytes: inout [UInt8], to connection: Connection, ticket: UInt64) async throws {
        try await connection.putCopy(bytes, ticket: ticket)
        bytes.removeAll(keepingCapacity: true)
    }
}
