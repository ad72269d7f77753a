import Postgres
import TestSupport
import Testing

@Suite struct TransactionTests {
    struct Oops: Error {}

    private func withTable(_ body: (ConnectionTarget, Connection) async throws -> Void) async throws {
        try await withEmptyDatabase { target in
            try await Connection.with(target) { connection in
                try await connection.executeScript(
                    """
                    CREATE TABLE parents (n int PRIMARY KEY);
                    CREATE TABLE t (n int REFERENCES parents DEFERRABLE INITIALLY DEFERRED)
                    """)
                try await connection.execute("INSERT INTO parents VALUES (1), (2)")
                try await body(target, connection)
            }
        }
    }

    @Test func commitsWhatReturns() async throws {
        try await withTable { target, connection in
            let returned = try await connection.transaction { connection in
                try await connection.execute("INSERT INTO t VALUES (1)")
                #expect(await connection.isInTransaction)
                let unseen = try await Connection.with(target) { try await $0.query("SELECT FROM t") }
                #expect(unseen.isEmpty)
                return 7
            }
            #expect(returned == 7)
            #expect(await !connection.isInTransaction)
            let seen = try await Connection.with(target) { try await $0.query("SELECT FROM t") }
            #expect(seen.count == 1)
        }
    }

    @Test func rollsBackWhatThrows() async throws {
        try await withTable { _, connection in
            await #expect(throws: Oops.self) {
                try await connection.transaction { connection in
                    try await connection.execute("INSERT INTO t VALUES (1)")
                    throw Oops()
                }
            }
            #expect(await !connection.isInTransaction)
            let rows = try await connection.query("SELECT FROM t")
            #expect(rows.isEmpty)
        }
    }

    @Test func aFailedCommitIsAnError() async throws {
        try await withTable { _, connection in
            let error = await #expect(throws: DatabaseError.self) {
                try await connection.transaction { _ = try await $0.execute("INSERT INTO t VALUES (3)") }
            }
            #expect(error?.isForeignKeyViolation ?? false)
            #expect(await !connection.isInTransaction)
            let rows = try await connection.query("SELECT FROM t")
            #expect(rows.isEmpty)
        }
    }

    /// After a swallowed error the server answers COMMIT with a rollback and no error.
    @Test func aSwallowedErrorDoesNotLookLikeACommit() async throws {
        try await withTable { _, connection in
            await #expect(throws: PostgresError.transactionRolledBack) {
                try await connection.transaction { connection in
                    try await connection.execute("INSERT INTO t VALUES (1)")
                    _ = try? await connection.execute("SELECT 1 / 0")
                }
            }
            #expect(await !connection.isInTransaction)
            let rows = try await connection.query("SELECT FROM t")
            #expect(rows.isEmpty)
        }
    }

    @Test func transactionsDoNotNest() async throws {
        try await withTable { _, connection in
            try await connection.transaction { connection in
                try await connection.execute("INSERT INTO t VALUES (1)")
                await #expect(throws: PostgresError.nestedTransaction) {
                    try await connection.transaction { _ = try await $0.execute("INSERT INTO t VALUES (2)") }
                }
                // The outer one is untouched.
                try await connection.execute("INSERT INTO t VALUES (2)")
            }
            #expect(try await connection.query("SELECT FROM t").count == 2)
        }
    }

    @Test func aConnectionLostInsideIsAnErrorAndStoresNothing() async throws {
        try await withTable { target, connection in
            try await Connection.with(target) { administrator in
                let error = await #expect(throws: DatabaseError.self) {
                    try await connection.transaction { connection in
                        try await connection.execute("INSERT INTO t VALUES (1)")
                        try await terminate(connection.processID, on: administrator)
                    }
                }
                #expect(error?.isConnectionLost ?? false)
                #expect(await !connection.isOpen)
                let rows = try await administrator.query("SELECT FROM t")
                #expect(rows.isEmpty)
            }
        }
    }

    @Test func isolationIsWhatWasAskedFor() async throws {
        try await withTable { target, connection in
            try await Connection.with(target) { other in
                try await connection.transaction(.readOnlySnapshot) { connection in
                    #expect(try await connection.query("SELECT FROM t").isEmpty)
                    try await other.execute("INSERT INTO t VALUES (1)")
                    #expect(try await connection.query("SELECT FROM t").isEmpty)
                }
                let error = await #expect(throws: DatabaseError.self) {
                    try await connection.transaction(.readOnlySnapshot) { _ = try await $0.execute("DELETE FROM t") }
                }
                #expect(error?.sqlState == "25006")
                let conflict = await #expect(throws: DatabaseError.self) {
                    try await connection.transaction(.repeatableRead) { connection in
                        _ = try await connection.query("SELECT FROM t")
                        try await other.execute("UPDATE t SET n = 2")
                        try await connection.execute("UPDATE t SET n = 1")
                    }
                }
                #expect(conflict?.sqlState == "40001" && conflict?.isRetryable == true)
            }
        }
    }
}
