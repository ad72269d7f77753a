import CLibPQ

/// Owns a `PGresult` and frees it.
///
/// `Sendable` although it holds a pointer: nothing here writes to the result after libpq has returned it, and libpq documents results as
/// read-only values that threads may share.
@safe struct ResultHandle: ~Copyable, @unchecked Sendable {
    enum Status { case done, rows, singleRow, copyIn, copyOut, copyBoth, failed }

    private let pointer: OpaquePointer

    /// Takes ownership.
    init(_ pointer: OpaquePointer) { unsafe self.pointer = unsafe pointer }

    // The only owner frees; every string and span handed out has been copied or has ended with its closure.
    deinit { unsafe PQclear(pointer) }

    // Every call below reads a live result that this value owns.

    var status: Status {
        switch unsafe PQresultStatus(pointer) {
        case PGRES_EMPTY_QUERY, PGRES_COMMAND_OK: .done
        case PGRES_TUPLES_OK: .rows
        case PGRES_SINGLE_TUPLE: .singleRow
        case PGRES_COPY_IN: .copyIn
        case PGRES_COPY_OUT: .copyOut
        case PGRES_COPY_BOTH: .copyBoth
        default: .failed
        }
    }

    var rowCount: Int { Int(unsafe PQntuples(pointer)) }

    /// Rows inserted, updated, deleted, selected or copied; 0 for other statements.
    var affectedRows: Int { unsafe Int(String(cString: PQcmdTuples(pointer))) ?? 0 }

    /// The first word of the command tag: `INSERT`, `COMMIT`, ...
    var command: String { unsafe String(cString: PQcmdStatus(pointer)) }

    func columns() -> Columns {
        let count = unsafe PQnfields(pointer)
        return Columns(
            names: (0..<count).map { unsafe String(cString: PQfname(pointer, $0)) },
            types: (0..<count).map { unsafe UInt32(PQftype(pointer, $0)) })
    }

    func errorField(_ code: Int32) -> String? { unsafe PQresultErrorField(pointer, code).map { unsafe String(cString: $0) } }

    var errorMessage: String { unsafe trimmed(String(cString: PQresultErrorMessage(pointer))) }

    /// Lends a value's text, nil for NULL.
    func withText<Value>(row: Int32, column: Int32, _ body: (Span<UInt8>?) throws -> Value) rethrows -> Value {
        if unsafe PQgetisnull(pointer, row, column) == 1 { return try body(nil) }
        let count = Int(unsafe PQgetlength(pointer, row, column))
        guard count > 0, let start = unsafe PQgetvalue(pointer, row, column) else {
            let empty: [UInt8] = []
            return try body(empty.span)
        }
        // The value lies inside the result, which outlives the closure.
        let bytes = unsafe UnsafeBufferPointer(start: UnsafeRawPointer(start).assumingMemoryBound(to: UInt8.self), count: count)
        return try unsafe body(bytes.span)
    }
}

/// Names and type OIDs of a result's columns.
struct Columns: Sendable {
    var names: [String]
    var types: [UInt32]
}

/// libpq ends its messages with a line feed.
func trimmed(_ message: String) -> String {
    var message = Substring(message)
    while message.last?.isWhitespace ?? false { message.removeLast() }
    return String(message)
}
