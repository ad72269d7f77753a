import Foundation
import Postgres
import TestSupport
import Testing

@Suite struct StatementTests {
    @Test func executeCountsRows() async throws {
        try await withEmptyDatabase { target in
            try await Connection.with(target) { connection in
                let created = try await connection.execute("CREATE TABLE t (n int PRIMARY KEY)")
                let inserted = try await connection.execute("INSERT INTO t SELECT generate_series(1, \(10))")
                let updated = try await connection.execute("UPDATE t SET n = -n WHERE n > \(7)")
                let deleted = try await connection.execute("DELETE FROM t WHERE n < 0")
                let counts = [created, inserted, updated, deleted]
                #expect(counts == [0, 10, 3, 3])
            }
        }
    }

    @Test func errorsCarryStateAndNamesAndShowNoData() async throws {
        try await withEmptyDatabase { target in
            try await Connection.with(target) { connection in
                try await connection.executeScript(
                    "CREATE TABLE people (email text CONSTRAINT people_key PRIMARY KEY, age int CHECK (age > 0))")
                try await connection.execute("INSERT INTO people VALUES (\("ada@example.org"), 36)")
                let duplicate = await #expect(throws: DatabaseError.self) {
                    try await connection.execute("INSERT INTO people VALUES (\("ada@example.org"), 36)")
                }
                let error = try #require(duplicate)
                #expect(error.sqlState == "23505" && error.isUniqueViolation && !error.isConnectionLost && !error.isRetryable)
                #expect(error.constraint == "people_key" && error.table == "people")
                #expect(error.detail?.contains("ada@example.org") ?? false)
                #expect(!"\(error)".contains("ada@example.org"))
                let invalid = await #expect(throws: DatabaseError.self) { try await connection.execute("SELECT \("four\"two")::int") }
                #expect(invalid?.sqlState == "22P02")
                #expect(invalid.map { !"\($0)".contains("four") && !"\($0)".contains("two") } ?? false)
                let syntax = await #expect(throws: DatabaseError.self) { try await connection.execute("SELEKT 1") }
                #expect(syntax?.sqlState == "42601" && syntax?.position == 1)
                // The connection goes on.
                try await connection.execute("SELECT 1")
            }
        }
    }

    @Test func severalStatementsNeedAScript() async throws {
        try await withEmptyDatabase { target in
            try await Connection.with(target) { connection in
                await #expect(throws: DatabaseError.self) { try await connection.execute("SELECT 1; SELECT 2") }
                try await connection.executeScript("CREATE TABLE a (n int); CREATE TABLE b (n int); -- done")
                // A script is one transaction: the failing second statement undoes the first.
                await #expect(throws: DatabaseError.self) {
                    try await connection.executeScript("INSERT INTO a VALUES (1); INSERT INTO missing VALUES (1)")
                }
                #expect(try await connection.query("SELECT * FROM a").isEmpty)
            }
        }
    }

    @Test func noServerIsALostConnection() async throws {
        let error = await #expect(throws: DatabaseError.self) {
            try await Connection.open(ConnectionTarget(url: "postgresql:///x?host=/nonexistent&password=hunter2"))
        }
        #expect(error?.isConnectionLost ?? false)
        #expect(error.map { !"\($0)".contains("hunter2") } ?? false)
    }

    @Test func targetReplacesTheDatabaseAndHidesItsPassword() async throws {
        let target = ConnectionTarget(url: "postgresql://u:p%27w@h:1234/first?sslmode=require")
        #expect(!"\(target)".contains("p'w") && !String(reflecting: target).contains("p%27w"))
        let other = try target.replacing(["dbname": "second"]).url
        #expect(other.contains("dbname='second'") && other.contains(#"password='p\'w'"#) && other.contains("sslmode='require'"))
        #expect(throws: DatabaseError.self) { try ConnectionTarget(url: "postgresql://[").replacing([:]) }
    }

    @Test func aClosedConnectionSaysSo() async throws {
        try await withEmptyDatabase { target in
            let connection = try await Connection.open(target)
            #expect(await connection.isOpen)
            await connection.close()
            let error = await #expect(throws: DatabaseError.self) { try await connection.query("SELECT 1") }
            #expect(error?.isConnectionLost ?? false)
        }
    }

    @Test func streamsAreReadInBatches() async throws {
        try await withEmptyDatabase { target in
            try await Connection.with(target) { connection in
                var sum = 0
                var count = 0
                try await connection.queryStream("SELECT n, repeat('x', 10) AS pad FROM generate_series(1, \(10_000)) AS n") { row in
                    sum += try row.decode("n", as: Int.self)
                    count += 1
                }
                #expect(count == 10_000 && sum == 10_000 * 10_001 / 2)
                // Exactly whole batches, none at all, and an error in the middle.
                for rows in [0, 1, 256, 512] {
                    var seen = 0
                    try await connection.queryStream("SELECT generate_series(1, \(rows))") { _ in seen += 1 }
                    #expect(seen == rows)
                }
                var before = 0
                let error = await #expect(throws: DatabaseError.self) {
                    try await connection.queryStream("SELECT 1 / (1000 - n) FROM generate_series(1, 2000) AS n") { _ in before += 1 }
                }
                #expect(error?.sqlState == "22012" && before > 0 && before < 1000)
                try await connection.execute("SELECT 1")
            }
        }
    }

    struct Enough: Error {}

    @Test func aStreamThatIsGivenUpLeavesTheConnectionUsable() async throws {
        try await withEmptyDatabase { target in
            try await Connection.with(target) { connection in
                await #expect(throws: Enough.self) {
                    try await connection.queryStream("SELECT generate_series(1, 100000000)") { row in
                        if try row.decode(0, as: Int.self) == 1 {
                            await #expect(throws: PostgresError.connectionBusy) { try await connection.query("SELECT 1") }
                        }
                        if try row.decode(0, as: Int.self) == 1000 { throw Enough() }
                    }
                }
                try await connection.execute("SELECT 1")
            }
        }
    }
}
