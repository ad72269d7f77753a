import Postgres
import TestSupport
import Testing

/// Every test would take a minute, and fail, if the server went on working.
@Suite(.timeLimit(.minutes(1))) struct CancellationTests {
    /// Runs a task, and cancels it once the server works on its statement.
    private func cancelWhenRunning(
        _ target: ConnectionTarget, _ connection: Connection, _ body: @Sendable @escaping (Connection) async throws -> Void
    ) async throws {
        try await Connection.with(target) { administrator in
            let process = await connection.processID
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await #expect(throws: CancellationError.self) { try await body(connection) } }
                await #expect(throws: Never.self) {
                    try await eventually("the statement runs") {
                        try await !administrator.query("SELECT FROM pg_stat_activity WHERE pid = \(process) AND wait_event = 'PgSleep'")
                            .isEmpty
                    }
                }
                group.cancelAll()
            }
            // The connection goes on, and nothing is left that would cancel its next statement.
            for _ in 1...20 { try await expectUsable(connection) }
        }
    }

    @Test func aCancelledTaskCancelsItsStatement() async throws {
        try await withEmptyDatabase { target in
            try await Connection.with(target) { connection in
                try await cancelWhenRunning(target, connection) { try await $0.execute("SELECT pg_sleep(60)") }
            }
        }
    }

    @Test func aCancelledStreamStops() async throws {
        try await withEmptyDatabase { target in
            try await Connection.with(target) { connection in
                try await cancelWhenRunning(target, connection) {
                    try await $0.queryStream("SELECT n, pg_sleep(CASE WHEN n < 1000 THEN 0 ELSE 60 END) FROM generate_series(1, 2000) AS n")
                    { _ in }
                }
            }
        }
    }

    @Test func aCancelledCopyOutStops() async throws {
        try await withEmptyDatabase { target in
            try await Connection.with(target) { connection in
                try await cancelWhenRunning(target, connection) {
                    try await $0.copyOut("COPY (SELECT pg_sleep(60)) TO STDOUT") { _ in }
                }
            }
        }
    }

    @Test func aCancelledTransactionIsRolledBack() async throws {
        try await withEmptyDatabase { target in
            try await Connection.with(target) { connection in
                try await connection.executeScript("CREATE TABLE t (n int)")
                try await cancelWhenRunning(target, connection) { connection in
                    try await connection.transaction { connection in
                        try await connection.execute("INSERT INTO t VALUES (1)")
                        try await connection.execute("SELECT pg_sleep(60)")
                    }
                }
                #expect(try await connection.query("SELECT FROM t").isEmpty)
            }
        }
    }

    /// Wherever the cancellation falls, between two chunks or before the end, nothing is copied.
    @Test(arguments: [0, 1, 20_000]) func aCancelledCopyInStoresNothing(_ rows: Int) async throws {
        try await withEmptyDatabase { target in
            try await Connection.with(target) { connection in
                try await connection.executeScript("CREATE TABLE t (n int)")
                await withTaskGroup(of: Void.self) { group in
                    group.addTask {
                        await #expect(throws: CancellationError.self) {
                            try await connection.copyIn("COPY t FROM STDIN") { writer in
                                for number in 0..<rows { try await writer.row { $0.append(number) } }
                                withUnsafeCurrentTask { $0?.cancel() }
                            }
                        }
                    }
                }
                #expect(try await connection.query("SELECT FROM t").isEmpty)
            }
        }
    }

    @Test func aTaskThatIsCancelledBeforeDoesNothing() async throws {
        try await withEmptyDatabase { target in
            try await Connection.with(target) { connection in
                try await connection.executeScript("CREATE TABLE t (n int)")
                await withTaskGroup(of: Void.self) { group in
                    group.cancelAll()
                    group.addTask {
                        await #expect(throws: CancellationError.self) { try await connection.execute("INSERT INTO t VALUES (1)") }
                    }
                }
                #expect(try await connection.query("SELECT FROM t").isEmpty)
            }
        }
    }

    @Test func cancelEndsWhateverRuns() async throws {
        try await withEmptyDatabase { target in
            try await Connection.with(target) { connection in
                await connection.cancel()
                try await Connection.with(target) { administrator in
                    let process = await connection.processID
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        group.addTask {
                            let error = await #expect(throws: DatabaseError.self) { try await connection.execute("SELECT pg_sleep(60)") }
                            #expect(error?.isCancelled ?? false)
                        }
                        try await eventually("the statement runs") {
                            try await !administrator.query("SELECT FROM pg_stat_activity WHERE pid = \(process) AND wait_event = 'PgSleep'")
                                .isEmpty
                        }
                        await connection.cancel()
                        try await group.waitForAll()
                    }
                }
                try await expectUsable(connection)
            }
        }
    }
}
