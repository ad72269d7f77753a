import Foundation
import Postgres
import TestSupport
import Testing

#if canImport(Darwin)
import Darwin
#else
import Glibc
#endif

@Suite struct CopyTests {
    /// 100 000 rows of 600 bytes (60 MB in, 120 MB of hexadecimal digits out) pass through a process that grows by less than a quarter of them.
    /// The peak is the whole process's, so what tests at its side need is within the bound too.
    @Test func manyRowsPassWithBoundedMemory() async throws {
        try await withEmptyDatabase { target in
            try await Connection.with(target) { connection in
                let rows = 100_000
                try await connection.executeScript("CREATE UNLOGGED TABLE t (n bigint, pad bytea)")
                let pad = [UInt8](repeating: 0xa5, count: 600)
                let before = Self.peakBytes()
                let copied = try await connection.copyIn("COPY t FROM STDIN (FORMAT binary)") { writer in
                    for number in 1...Int64(rows) {
                        try await writer.binaryRow {
                            $0.append(number)
                            $0.append(pad)
                        }
                    }
                }
                #expect(copied == rows)
                let sum = try await connection.queryOne("SELECT sum(n)::bigint AS sum, bool_and(pad = \(pad)) AS same FROM t")
                #expect(try sum.decode("sum", as: Int.self) == rows * (rows + 1) / 2)
                #expect(try sum.decode("same", as: Bool.self))
                var count = 0
                var bytes = 0
                let sent = try await connection.copyOut("COPY t (pad) TO STDOUT") { row in
                    count += 1
                    bytes += row.count
                }
                // A backslash in front of "\x", two digits for a byte, and the line feed.
                #expect(sent == rows && count == rows && bytes == rows * (3 + 2 * pad.count + 1))
                #expect(Self.peakBytes() - before < 30_000_000)
            }
        }
    }

    @Test func textRowsArriveAsTheyWereWritten() async throws {
        try await withEmptyDatabase { target in
            try await Connection.with(target) { connection in
                try await connection.executeScript(
                    """
                    CREATE TABLE t (n int, s text, missing text, d double precision, yes boolean, at timestamptz, ds double precision[],
                        ss text[], bytes bytea)
                    """)
                let texts = [
                    "", "\\N", "\\.", "a\tb\nc\r\\", "NULL", "{\"a\",b}", "Zürich 日本 🎉", String(repeating: "long\\", count: 30_000),
                ]
                let doubles = [0.1 + 0.2, -0.0, .infinity, -.infinity, .leastNonzeroMagnitude, .greatestFiniteMagnitude]
                let bytes = (0...255).map { UInt8($0) }
                let time = Instant(microseconds: -1)
                let copied = try await connection.copyIn("COPY t FROM STDIN") { writer in
                    for (number, text) in texts.enumerated() {
                        try await writer.row {
                            $0.append(number)
                            $0.append(text)
                            $0.append(nil as String?)
                            $0.append(doubles[number % doubles.count])
                            $0.append(number % 2 == 0)
                            $0.append(time)
                            $0.append(doubles)
                            $0.append(texts)
                            $0.append(bytes)
                        }
                    }
                }
                #expect(copied == texts.count)
                for (number, row) in try await connection.query("SELECT * FROM t ORDER BY n").enumerated() {
                    #expect(try row.decode("s", as: String.self) == texts[number])
                    #expect(try row.isNull("missing"))
                    #expect(try row.decode("d", as: Double.self) == doubles[number % doubles.count])
                    #expect(try row.decode("yes", as: Bool.self) == (number % 2 == 0))
                    #expect(try row.decode("at", as: Instant.self) == time)
                    #expect(try row.decode("ds", as: [Double].self) == doubles)
                    #expect(try row.decode("ss", as: [String].self) == texts)
                    #expect(try row.decode("bytes", as: [UInt8].self) == bytes)
                }
            }
        }
    }

    @Test func rawBytesNeedNotEndWithTheirRow() async throws {
        try await withEmptyDatabase { target in
            try await Connection.with(target) { connection in
                try await connection.executeScript("CREATE TABLE t (a int, b text)")
                let copied = try await connection.copyIn("COPY t FROM STDIN (FORMAT csv, HEADER)") { writer in
                    for piece in ["a,b\n1,\"x", "\ny\"\n2", ",plain\n"] { try await writer.write(piece.utf8) }
                }
                #expect(copied == 2)
                var lines: [String] = []
                let sent = try await connection.copyOut("COPY (SELECT * FROM t ORDER BY a) TO STDOUT (FORMAT csv)") {
                    lines.append(String(decoding: $0, as: UTF8.self))
                }
                #expect(sent == 2 && lines == ["1,\"x\ny\"\n", "2,plain\n"])
                let none = try await connection.copyOut("COPY (SELECT * FROM t WHERE a > 2) TO STDOUT") { _ in Issue.record("no row") }
                #expect(none == 0)
            }
        }
    }

    /// One row among many is refused: nothing is stored, the error tells the rule and not the row, and the connection goes on.
    @Test(arguments: ["not a number", "7", "-1"])
    func aRefusedRowRefusesAll(_ refused: String) async throws {
        try await withEmptyDatabase { target in
            try await Connection.with(target) { connection in
                try await connection.executeScript(
                    "CREATE TABLE t (n int CONSTRAINT t_key PRIMARY KEY CONSTRAINT positive CHECK (n > 0), s text)")
                let thrown = await #expect(throws: DatabaseError.self) {
                    try await connection.copyIn("COPY t FROM STDIN") { writer in
                        for number in 1...10_000 {
                            try await writer.row {
                                $0.append(number == 5_000 ? refused : "\(number)")
                                $0.append("customer@example.org")
                            }
                        }
                    }
                }
                let error = try #require(thrown)
                #expect(["22P02", "23505", "23514"].contains(error.sqlState) && !error.isConnectionLost)
                #expect(!"\(error)".contains("customer") && !"\(error)".contains(refused + "\"") && !"\(error)".contains("=("))
                #expect(try await connection.query("SELECT FROM t").isEmpty)
            }
        }
    }

    struct Enough: Error {}

    @Test func aBodyThatThrowsCopiesNothing() async throws {
        try await withEmptyDatabase { target in
            try await Connection.with(target) { connection in
                try await connection.executeScript("CREATE TABLE t (n int)")
                await #expect(throws: Enough.self) {
                    try await connection.copyIn("COPY t FROM STDIN") { writer in
                        for number in 1...50_000 { try await writer.row { $0.append(number) } }
                        throw Enough()
                    }
                }
                #expect(try await connection.query("SELECT FROM t").isEmpty)
                // A row alone can be given up too.
                let copied = try await connection.copyIn("COPY t FROM STDIN") { writer in
                    try await writer.row { $0.append(1) }
                    await #expect(throws: Enough.self) {
                        try await writer.row {
                            $0.append(2)
                            throw Enough()
                        }
                    }
                    try await writer.row { $0.append(3) }
                }
                #expect(copied == 2)
                #expect(try await connection.query("SELECT n FROM t ORDER BY n").map { try $0["n"] } == ["1", "3"])
            }
        }
    }

    @Test func aConsumerThatThrowsStopsTheServer() async throws {
        try await withEmptyDatabase { target in
            try await Connection.with(target) { connection in
                var seen = 0
                await #expect(throws: Enough.self) {
                    try await connection.copyOut("COPY (SELECT generate_series(1, 1000000000)) TO STDOUT") { _ in
                        seen += 1
                        if seen == 1000 { throw Enough() }
                    }
                }
                try await expectUsable(connection)
            }
        }
    }

    @Test func anErrorInTheMiddleOfCopyOutIsThrown() async throws {
        try await withEmptyDatabase { target in
            try await Connection.with(target) { connection in
                let error = await #expect(throws: DatabaseError.self) {
                    try await connection.copyOut("COPY (SELECT 1 / (500 - n) FROM generate_series(1, 1000) AS n) TO STDOUT") { _ in }
                }
                #expect(error?.sqlState == "22012")
                try await expectUsable(connection)
            }
        }
    }

    @Test func statementsOfTheOtherKindAreRefused() async throws {
        try await withEmptyDatabase { target in
            try await Connection.with(target) { connection in
                try await connection.executeScript("CREATE TABLE t (n int)")
                for statement in ["COPY t TO STDOUT", "SELECT 1"] as [SQL] {
                    await #expect(throws: PostgresError.notACopyStatement) { try await connection.copyIn(statement) { _ in } }
                }
                for statement in ["COPY t FROM STDIN", "SELECT 1"] as [SQL] {
                    await #expect(throws: PostgresError.notACopyStatement) { try await connection.copyOut(statement) { _ in } }
                }
                for statement in ["COPY t TO STDOUT", "COPY t FROM STDIN"] {
                    await #expect(throws: PostgresError.copyNeedsCopyFunction) { try await connection.execute(SQL(raw: statement)) }
                    await #expect(throws: PostgresError.copyNeedsCopyFunction) { try await connection.executeScript(statement) }
                    await #expect(throws: PostgresError.copyNeedsCopyFunction) {
                        try await connection.queryStream(SQL(raw: statement)) { _ in }
                    }
                }
                let inside = try await connection.copyIn("COPY t FROM STDIN") { writer in
                    try await writer.row { $0.append(1) }
                    await #expect(throws: PostgresError.connectionBusy) { try await connection.query("SELECT 1") }
                }
                #expect(inside == 1)
            }
        }
    }

    /// The largest amount of memory that this process has had resident.
    private static func peakBytes() -> Int {
        var usage = rusage()
        #if canImport(Darwin)
        getrusage(RUSAGE_SELF, &usage)
        return usage.ru_maxrss
        #else
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss * 1024
        #endif
    }
}
