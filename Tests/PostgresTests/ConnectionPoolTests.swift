import Postgres
import Synchronization
import TestSupport
import Testing

@Suite struct ConnectionPoolTests {
    /// What borrowers in several tasks tell.
    private final class Tally: Sendable {
        let state = Mutex((now: 0, most: 0, processes: Set<Int32>()))

        func begin(_ process: Int32) {
            state.withLock {
                $0.now += 1
                $0.most = max($0.most, $0.now)
                $0.processes.insert(process)
            }
        }

        func end() { state.withLock { $0.now -= 1 } }
    }

    @Test func noMoreConnectionsThanItsSize() async throws {
        try await withEmptyDatabase { target in
            let pool = ConnectionPool(target: target, size: 3, waitSeconds: 60)
            let lent = Tally()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<60 {
                    group.addTask {
                        try await pool.withConnection { connection in
                            lent.begin(await connection.processID)
                            try await connection.execute("SELECT pg_sleep(0.002)")
                            lent.end()
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(lent.state.withLock { $0.most } == 3)
            #expect(lent.state.withLock { $0.processes.count } == 3)
            await pool.close()
        }
    }

    @Test func waitingEndsWithTheTimeOut() async throws {
        try await withEmptyDatabase { target in
            let pool = ConnectionPool(target: target, size: 1, waitSeconds: 0.05)
            try await pool.withConnection { _ in
                await #expect(throws: PostgresError.poolTimedOut(size: 1, waitSeconds: 0.05)) { try await pool.withConnection { _ in } }
            }
            // The place that was given up is not lost.
            try await pool.withConnection { _ = try await $0.query("SELECT 1") }
            await pool.close()
        }
    }

    @Test func aFullQueueRefusesAtOnce() async throws {
        try await withEmptyDatabase { target in
            let pool = ConnectionPool(target: target, size: 1, waitSeconds: 600, maximumWaiting: 0)
            try await pool.withConnection { _ in
                await #expect(throws: PostgresError.poolQueueFull(waiting: 0)) { try await pool.withConnection { _ in } }
            }
            await pool.close()
        }
    }

    @Test func aCancelledWaiterLeavesTheQueue() async throws {
        try await withEmptyDatabase { target in
            let pool = ConnectionPool(target: target, size: 1, waitSeconds: 600)
            try await pool.withConnection { _ in
                await withTaskGroup(of: Void.self) { group in
                    group.addTask { await #expect(throws: CancellationError.self) { try await pool.withConnection { _ in } } }
                    group.cancelAll()
                }
                // Cancelled while it waits, in all likelihood; before it waits at the worst.
                await withTaskGroup(of: Void.self) { group in
                    group.addTask { await #expect(throws: CancellationError.self) { try await pool.withConnection { _ in } } }
                    try? await Task.sleep(for: .milliseconds(20))
                    group.cancelAll()
                }
            }
            try await pool.withConnection { _ = try await $0.query("SELECT 1") }
            await pool.close()
        }
    }

    /// The server ends idle connections again and again; no borrower notices.
    @Test func healsAfterIdleConnectionsWereEnded() async throws {
        try await withEmptyDatabase { target in
            let pool = ConnectionPool(target: target, size: 1)
            try await Connection.with(target) { administrator in
                var processes: Set<Int32> = []
                for _ in 1...20 {
                    let process = try await pool.withConnection { connection in
                        try await connection.execute("SELECT 1")
                        return await connection.processID
                    }
                    processes.insert(process)
                    try await terminate(process, on: administrator)
                    try await eventually("the session ends") {
                        try await administrator.query("SELECT FROM pg_stat_activity WHERE pid = \(process)").isEmpty
                    }
                }
                #expect(processes.count == 20)
            }
            await pool.close()
        }
    }

    @Test func aConnectionLostWhileLentIsReplaced() async throws {
        try await withEmptyDatabase { target in
            let pool = ConnectionPool(target: target, size: 1)
            try await Connection.with(target) { administrator in
                let error = await #expect(throws: DatabaseError.self) {
                    try await pool.withConnection { connection in
                        try await terminate(connection.processID, on: administrator)
                        try await connection.execute("SELECT pg_sleep(60)")
                    }
                }
                #expect(error?.isConnectionLost ?? false)
                try await pool.withConnection { try await $0.execute("SELECT 1") }
            }
            await pool.close()
        }
    }

    struct Oops: Error {}

    @Test func anOpenTransactionIsNotPassedOn() async throws {
        try await withEmptyDatabase { target in
            let pool = ConnectionPool(target: target, size: 1)
            try await pool.withConnection { try await $0.executeScript("CREATE TABLE t (n int)") }
            await #expect(throws: Oops.self) {
                try await pool.withConnection { connection in
                    try await connection.executeScript("BEGIN")
                    try await connection.execute("INSERT INTO t VALUES (1)")
                    throw Oops()
                }
            }
            try await pool.withConnection { connection in
                let rows = try await connection.query("SELECT FROM t")
                #expect(rows.isEmpty)
                #expect(await !connection.isInTransaction)
            }
            await pool.close()
        }
    }

    @Test func anUnreachableServerFreesThePlaces() async throws {
        let pool = ConnectionPool(target: ConnectionTarget(url: "postgresql:///x?host=/nonexistent"), size: 1, waitSeconds: 60)
        for _ in 1...3 {
            let error = await #expect(throws: DatabaseError.self) { try await pool.withConnection { _ in } }
            #expect(error?.isConnectionLost ?? false)
        }
        await pool.close()
    }

    @Test func closeWaitsForTheLastBorrower() async throws {
        try await withEmptyDatabase { target in
            let pool = ConnectionPool(target: target, size: 2)
            try await Connection.with(target) { administrator in
                let lent = Tally()
                let (started, start) = AsyncStream<Void>.makeStream()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        try await pool.withConnection { connection in
                            lent.begin(await connection.processID)
                            start.finish()
                            try await connection.execute("SELECT pg_sleep(0.1)")
                            lent.end()
                        }
                    }
                    for await _ in started {}
                    await pool.close()
                    #expect(lent.state.withLock { $0.now } == 0)
                    try await group.waitForAll()
                }
                await #expect(throws: PostgresError.poolClosed) { try await pool.withConnection { _ in } }
                await pool.close()
                try await eventually("the sessions end") {
                    try await administrator.query(
                        "SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
                    ).isEmpty
                }
            }
        }
    }

    @Test func rowsStreamOverALentConnection() async throws {
        try await withEmptyDatabase { target in
            let pool = ConnectionPool(target: target, size: 1, waitSeconds: 10)
            var sum = 0
            for try await row in pool.rows("SELECT n FROM generate_series(1, \(1000)) AS n") { sum += try row.decode("n", as: Int.self) }
            #expect(sum == 500_500)
            // Given up early: the connection is closed and its place is free again.
            for try await row in pool.rows("SELECT generate_series(1, 1000000)") where try row.decode(0, as: Int.self) == 300 { break }
            let error = await #expect(throws: DatabaseError.self) {
                let rows = pool.rows("SELECT 1 / 0").makeAsyncIterator()
                _ = try await rows.next()
            }
            #expect(error?.sqlState == "22012")
            try await pool.withConnection { try await $0.execute("SELECT 1") }
            await pool.close()
        }
    }
}
