import CLibPQ

/// What the server, or libpq in its place, answered instead of doing the work.
///
/// The properties are the server's words, which may quote data (`Key (email)=(a@b.c) already exists.`); `description` leaves out those that do.
package struct DatabaseError: Error, Sendable {
    /// The five characters of the SQL standard and PostgreSQL's appendix A; nil where libpq itself failed, as when no server answers.
    package var sqlState: String?
    package var message: String
    package var detail: String?
    package var hint: String?
    package var context: String?
    package var schema: String?
    package var table: String?
    package var column: String?
    package var constraint: String?
    /// Where in the statement, counted in characters from 1.
    package var position: Int?
    /// The connection is gone. Whether a COMMIT that failed so took place is unknown.
    package var isConnectionLost: Bool

    package init(sqlState: String?, message: String, isConnectionLost: Bool = false) {
        self.sqlState = sqlState
        self.message = message
        self.isConnectionLost = isConnectionLost
    }

    /// The same transaction, run again from its start, may succeed: serialization failure, deadlock, lock time-out, a server that is
    /// starting, stopping or full.
    package var isRetryable: Bool {
        guard let sqlState else { return false }
        return ["40001", "40P01", "55P03", "57P03", "53300"].contains(sqlState)
    }

    package var isUniqueViolation: Bool { sqlState == "23505" }
    package var isForeignKeyViolation: Bool { sqlState == "23503" }
    /// The statement was cancelled, by request or by `statement_timeout`.
    package var isCancelled: Bool { sqlState == "57014" }
}

extension DatabaseError {
    /// Reads an error result.
    init(result: borrowing ResultHandle, isConnectionBroken: Bool) {
        // The result is alive during the calls and its strings are copied.
        func field(_ code: Int32) -> String? { result.errorField(code) }
        self.init(
            sqlState: field(Code.sqlState), message: field(Code.message) ?? result.errorMessage,
            isConnectionLost: isConnectionBroken || Self.endsConnection(field(Code.sqlState)))
        detail = field(Code.detail)
        hint = field(Code.hint)
        context = field(Code.context)
        schema = field(Code.schema)
        table = field(Code.table)
        column = field(Code.column)
        constraint = field(Code.constraint)
        position = field(Code.position).flatMap { Int($0) }
    }

    /// Shutdown and crash of the server, and the class of connection exceptions.
    private static func endsConnection(_ sqlState: String?) -> Bool {
        guard let sqlState else { return false }
        return sqlState.hasPrefix("08") || ["57P01", "57P02", "57P03", "57P05"].contains(sqlState)
    }

    /// `PG_DIAG_...` of libpq, which are macros over characters that Swift does not import.
    private enum Code {
        static let sqlState = Int32(UInt8(ascii: "C"))
        static let message = Int32(UInt8(ascii: "M"))
        static let detail = Int32(UInt8(ascii: "D"))
        static let hint = Int32(UInt8(ascii: "H"))
        static let position = Int32(UInt8(ascii: "P"))
        static let context = Int32(UInt8(ascii: "W"))
        static let schema = Int32(UInt8(ascii: "s"))
        static let table = Int32(UInt8(ascii: "t"))
        static let column = Int32(UInt8(ascii: "c"))
        static let constraint = Int32(UInt8(ascii: "n"))
    }
}

extension DatabaseError: CustomStringConvertible {
    /// State, message, names and hint, without data: no detail, no context, and no quoted text of a data exception (class 22), which is the
    /// value that was refused.
    package var description: String {
        let isDataException = sqlState?.hasPrefix("22") ?? false
        var text = "database error"
        if let sqlState { text += " \(sqlState)" }
        text += ": " + (isDataException ? Self.withoutQuotes(message) : message)
        let place = [table.map { "table \($0)" }, column.map { "column \($0)" }, constraint.map { "constraint \($0)" }].compactMap(\.self)
        if !place.isEmpty { text += " (" + place.joined(separator: ", ") + ")" }
        if let hint, !isDataException { text += "; hint: \(hint)" }
        return text
    }

    /// Replaces everything between the first and the last quotation mark; servers speak other languages too.
    private static func withoutQuotes(_ text: String) -> String {
        let marks: Set<Character> = ["\"", "«", "»", "‹", "›", "„", "“", "”", "‘", "’", "「", "」", "『", "』"]
        guard let first = text.firstIndex(where: marks.contains), let last = text.lastIndex(where: marks.contains), first < last else {
            return text
        }
        return text[...first] + "..." + text[last...]
    }
}
