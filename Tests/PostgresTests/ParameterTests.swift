import Foundation
import Postgres
import TestSupport
import Testing

@Suite struct ParameterTests {
    @Test(arguments: [
        "", "plain", "it's", "'; DROP TABLE victims; --", "$1", "\\", "\\'", "\"", "a\tb\nc\r", "{a,b}", "NULL", "null", "Zürich 日本 🎉",
        "--", "/*", "%s %d", "E'\\x41'", String(repeating: "x", count: 100_000),
    ])
    func textComesBackAsItWas(_ text: String) async throws {
        try await withEmptyDatabase { target in
            try await Connection.with(target) { connection in
                try await connection.executeScript("CREATE TABLE victims (t text)")
                try await connection.execute("INSERT INTO victims VALUES (\(text))")
                let row = try await connection.queryOne("SELECT t, t = \(text) AS same FROM victims")
                #expect(try row.decode("t", as: String.self) == text)
                #expect(try row.decode("same", as: Bool.self))
                let array = try await connection.queryOne("SELECT \([text, text]) AS a, \([text])::text[] = ARRAY[\(text)] AS same")
                #expect(try array.decode("a", as: [String].self) == [text, text])
                #expect(try array.decode("same", as: Bool.self))
            }
        }
    }

    @Test func textWithAZeroCharacterIsRefused() async throws {
        try await withEmptyDatabase { target in
            try await Connection.with(target) { connection in
                await #expect(throws: PostgresError.zeroCharacter(parameter: 2)) { try await connection.query("SELECT \(1), \("a\0b")") }
                // In an array the server finds it.
                await #expect { try await connection.query("SELECT \(["a\0b"])") } throws: { ($0 as? DatabaseError)?.sqlState == "22021" }
            }
        }
    }

    @Test func everyTypeMakesTheRoundTrip() async throws {
        try await withEmptyDatabase { target in
            try await Connection.with(target) { connection in
                let bytes = (0...255).map { UInt8($0) }
                let id = UUIDWords(high: 0x0192_f0c1_2345_7abc, low: 0x8def_0123_4567_89ab)
                let row = try await connection.queryOne(
                    """
                    SELECT \(Int64.min) AS least, \(Int.max) AS greatest, \(Int32(-7)) AS small, \(0.1 + 0.2) AS d, \(-Double.infinity) AS minus,
                        \(Double.nan) AS nan, \(Double.leastNonzeroMagnitude) AS tiny, \(true) AS yes, \(false) AS no, \(bytes) AS bytes,
                        \([UInt8]()) AS nothing, \(id) AS id, \(id)::text AS idtext, \(json: #"{"a": [1, "x"]}"#) AS j,
                        \(Instant(microseconds: 1_793_491_200_123_456)) AS t, \(Instant(microseconds: -1)) AS before
                    """)
                #expect(try row.decode("least", as: Int64.self) == .min)
                #expect(try row.decode("greatest", as: Int.self) == .max)
                #expect(try row.decode("small", as: Int32.self) == -7)
                #expect(try row.decode("d", as: Double.self) == 0.1 + 0.2)
                #expect(try row.decode("minus", as: Double.self) == -.infinity)
                #expect(try row.decode("nan", as: Double.self).isNaN)
                #expect(try row.decode("tiny", as: Double.self) == .leastNonzeroMagnitude)
                #expect(try row.decode("yes", as: Bool.self))
                #expect(try !row.decode("no", as: Bool.self))
                #expect(try row.decode("bytes", as: [UInt8].self) == bytes)
                #expect(try row.decode("nothing", as: [UInt8].self) == [])
                #expect(try row.decode("id", as: UUIDWords.self) == id)
                #expect(try row["idtext"] == "0192f0c1-2345-7abc-8def-0123456789ab")
                #expect(try row["j"] == #"{"a": [1, "x"]}"#)
                #expect(try row.decode("t", as: Instant.self).microseconds == 1_793_491_200_123_456)
                #expect(try row["t"] == "2026-11-01 00:00:00.123456+00")
                #expect(try row.decode("before", as: Instant.self).microseconds == -1)
                #expect(try row.decode(1, as: Int.self) == .max)
            }
        }
    }

    @Test func arraysMakeTheRoundTrip() async throws {
        try await withEmptyDatabase { target in
            try await Connection.with(target) { connection in
                let texts = ["", "NULL", "null", "a,b", "{}", "\"", "\\", "a \"b\" \\c", " ", "日本"]
                let row = try await connection.queryOne(
                    """
                    SELECT \(texts) AS texts, \([1, -2, Int.max]) AS ints, \([0.5, -0.0, 1e300, .infinity]) AS doubles, \([true, false]) AS flags,
                        \([String]()) AS none, \([1, nil, 3] as [Int?]) AS gaps, \(["a", nil] as [String?]) AS textgaps,
                        \(json: ["{}", "[1]"]) AS jsons, \([Instant(microseconds: 0)]) AS times
                    """)
                #expect(try row.decode("texts", as: [String].self) == texts)
                #expect(try row.decode("ints", as: [Int].self) == [1, -2, .max])
                #expect(try row.decode("doubles", as: [Double].self) == [0.5, -0.0, 1e300, .infinity])
                #expect(try row.decode("flags", as: [Bool].self) == [true, false])
                #expect(try row.decode("none", as: [String].self) == [])
                #expect(try row.decode("gaps", as: [Int?].self) == [1, nil, 3])
                #expect(try row.decode("textgaps", as: [String?].self) == ["a", nil])
                #expect(try row.decode("jsons", as: [String].self) == ["{}", "[1]"])
                #expect(try row.decode("times", as: [Instant].self) == [Instant(microseconds: 0)])
                #expect(throws: PostgresError.unexpectedValue(column: "gaps", expected: "Array<Int>", typeOID: 1016)) {
                    try row.decode("gaps", as: [Int].self)
                }
            }
        }
    }

    @Test func nullIsNilOrAnError() async throws {
        try await withEmptyDatabase { target in
            try await Connection.with(target) { connection in
                let row = try await connection.queryOne(
                    """
                    SELECT \(nil as Int?) AS i, \(nil as String?)::text AS s, \(nil as [Double]?) AS d, \(nil as [UInt8]?) AS b, \(5 as Int?) AS five,
                        pg_typeof(\(nil as Int?))::text AS type
                    """)
                #expect(try row.decode("i", as: Int?.self) == nil)
                #expect(try row["s"] == nil)
                #expect(try row.decode("d", as: [Double]?.self) == nil)
                #expect(try row.decode("b", as: [UInt8]?.self) == nil)
                #expect(try row.decode("five", as: Int?.self) == 5)
                #expect(try row["type"] == "bigint")
                #expect(try row.isNull("i"))
                #expect(throws: PostgresError.unexpectedNull(column: "i", expected: "Int")) { try row.decode("i", as: Int.self) }
            }
        }
    }

    @Test func decodingSaysWhatIsWrong() async throws {
        try await withEmptyDatabase { target in
            try await Connection.with(target) { connection in
                let row = try await connection.queryOne("SELECT 'secret' AS word, 99999999999 AS big")
                #expect(throws: PostgresError.noSuchColumn(name: "wrod", columns: ["word", "big"])) { try row["wrod"] }
                #expect(throws: PostgresError.noSuchColumnIndex(index: 2, columns: ["word", "big"])) { try row[2] }
                #expect(throws: PostgresError.unexpectedValue(column: "big", expected: "Int32", typeOID: 20)) {
                    try row.decode("big", as: Int32.self)
                }
                let error = #expect(throws: PostgresError.self) { try row.decode("word", as: Int.self) }
                #expect(error.map { "\($0)".contains("column word: expected Int") && !"\($0)".contains("secret") } ?? false)
            }
        }
    }

    enum Colour: String { case red, green }

    @Test func rawValuesBindAndDecode() async throws {
        try await withEmptyDatabase { target in
            try await Connection.with(target) { connection in
                let none: Colour? = nil
                let row = try await connection.queryOne(
                    "SELECT \(Colour.red)::text AS one, \(none)::text AS none, \([Colour.red, .green]) AS all, 'blue' AS other")
                #expect(try row.decode("one", as: Colour.self) == .red)
                #expect(try row.decode("none", as: Colour?.self) == nil)
                #expect(try row.decode("all", as: [String].self) == ["red", "green"])
                #expect(throws: PostgresError.self) { try row.decode("other", as: Colour.self) }
            }
        }
    }

    @Test func fragmentsKeepTheirParametersInOrder() async throws {
        let condition: SQL = "a = \(1) AND b = \("x")"
        let statement: SQL = "SELECT * FROM \(identifier: "odd \"name\"") WHERE \(fragment: condition) AND c = \(2.0) \(raw: "LIMIT 1")"
        #expect(statement.text == #"SELECT * FROM "odd ""name""" WHERE a = $1 AND b = $2 AND c = $3 LIMIT 1"#)
        #expect("\(statement)" == statement.text)
        #expect(String(reflecting: statement) == statement.text)
    }

    @Test func moreThan65535ParametersAreRefused() async throws {
        var statement: SQL = "SELECT 1 WHERE 1 IN (0"
        for number in 0..<65_536 { statement += ", \(number)" }
        let refused = statement + ")"
        try await withEmptyDatabase { target in
            try await Connection.with(target) { connection in
                await #expect(throws: PostgresError.tooManyParameters(count: 65_536)) { try await connection.query(refused) }
            }
        }
    }
}
