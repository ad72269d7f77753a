import Postgres
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct NotificationListenerTests {
    private enum Event: Hashable, Sendable {
        case listening
        case notified(String, String)
    }

    @Test func notificationsArriveAlsoAfterTheConnectionWasLost() async throws {
        try await withEmptyDatabase { target in
            try await Connection.with(target) { connection in
                let (events, sink) = AsyncStream<Event>.makeStream()
                let listener = NotificationListener(target: target, channels: ["snapshots", "Odd \"name\""], firstWaitSeconds: 0.01)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        try await listener.run(onListening: { sink.yield(.listening) }) { sink.yield(.notified($0.channel, $0.payload)) }
                    }
                    var iterator = events.makeAsyncIterator()
                    var processes: Set<Int32> = []
                    for round in 1...3 {
                        #expect(await iterator.next() == .listening)
                        try await connection.execute("SELECT pg_notify('snapshots', \("\(round)"))")
                        #expect(await iterator.next() == .notified("snapshots", "\(round)"))
                        try await connection.executeScript("NOTIFY \"Odd \"\"name\"\"\"; NOTIFY other")
                        #expect(await iterator.next() == .notified("Odd \"name\"", ""))
                        let row = try await connection.queryOne(
                            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'")
                        let process = try row.decode("pid", as: Int32.self)
                        processes.insert(process)
                        if round < 3 { try await terminate(process, on: connection) }
                    }
                    #expect(processes.count == 3)
                    group.cancelAll()
                    try await group.waitForAll()
                }
                try await eventually("the listener's session ends") {
                    try await connection.query("SELECT FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'")
                        .isEmpty
                }
            }
        }
    }

    @Test func notificationsOfOneTransactionKeepTheirOrder() async throws {
        try await withEmptyDatabase { target in
            try await Connection.with(target) { connection in
                let (events, sink) = AsyncStream<Event>.makeStream()
                let listener = NotificationListener(target: target, channels: ["c"])
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask {
                        try await listener.run(onListening: { sink.yield(.listening) }) { sink.yield(.notified($0.channel, $0.payload)) }
                    }
                    var iterator = events.makeAsyncIterator()
                    #expect(await iterator.next() == .listening)
                    try await connection.execute("SELECT pg_notify('c', n::text) FROM generate_series(1, 500) AS n")
                    for number in 1...500 { #expect(await iterator.next() == .notified("c", "\(number)")) }
                    group.cancelAll()
                    try await group.waitForAll()
                }
            }
        }
    }

    /// No server answers, and the pause between two tries is long: the end of the task ends it all the same.
    @Test func cancellationEndsThePauseBetweenTries() async throws {
        let listener = NotificationListener(
            target: ConnectionTarget(url: "postgresql:///x?host=/nonexistent"), channels: ["c"], firstWaitSeconds: 600,
            longestWaitSeconds: 600)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await listener.run(onListening: { Issue.record("nobody answers") }) { _ in } }
            try await Task.sleep(for: .milliseconds(20))
            group.cancelAll()
            try await group.waitForAll()
        }
    }
}
