import Postgres
import Testing

/// Waits until another process or session has come so far, at most ten seconds.
func eventually(_ comment: Comment, sourceLocation: SourceLocation = #_sourceLocation, _ condition: () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(10)
    while try await !condition() {
        try #require(ContinuousClock.now < deadline, comment, sourceLocation: sourceLocation)
        try await Task.sleep(for: .milliseconds(5))
    }
}

/// Ends a session from outside, as an administrator or a restart would.
func terminate(_ processID: Int32, on connection: Connection) async throws {
    let row = try await connection.queryOne("SELECT pg_terminate_backend(\(processID)) AS done")
    #expect(try row.decode("done", as: Bool.self))
}

/// The session answers what was asked, and not what was asked before.
func expectUsable(_ connection: Connection, sourceLocation: SourceLocation = #_sourceLocation) async throws {
    let answer = try await connection.queryOne("SELECT 'still here' AS answer")["answer"]
    #expect(answer == "still here", sourceLocation: sourceLocation)
}
