import Foundation
import HaggleCore
import HaggleServer
import Postgres
import Synchronization
import Testing

/// What was acknowledged is in the log, whatever happens to server and database.
@Suite struct DurabilityTests {
    /// What clients were told.
    private final class Told: Sendable {
        private struct State {
            var acknowledged: Set<String> = []
            var statuses: [Int: Int] = [:]
            var broken = 0
        }

        private let state = Mutex(State())

        var acknowledged: Set<String> { state.withLock { $0.acknowledged } }
        var statuses: [Int: Int] { state.withLock { $0.statuses } }
        var failures: Int { state.withLock { $0.broken + $0.statuses.reduce(0) { $0 + ($1.key == 200 ? 0 : $1.value) } } }

        func book(_ answer: LoopbackClient.Answer?) {
            state.withLock { told in
                guard let answer else {
                    told.broken += 1
                    return
                }
                told.statuses[answer.status, default: 0] += 1
                if answer.status == 200, let id = answer.impressionID { told.acknowledged.insert(id) }
            }
        }
    }

    private final class Switch: Sendable {
        private let state = Mutex(false)
        var isOver: Bool { state.withLock { $0 } }
        func end() { state.withLock { $0 = true } }
    }

    private func logged(_ pool: ConnectionPool) async throws -> Set<String> {
        Set(
            try await pool.withConnection { try await $0.query("SELECT id::text AS id FROM impressions") }.map {
                try $0.decode("id", as: String.self)
            })
    }

    @Test func stoppingFinishesRequestsAndKeepsWhatWasAcknowledged() async throws {
        try await RunningService.with { service in
            let told = Told()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<8 {
                    group.addTask {
                        for number in 0..<500 {
                            let answer = try? await service.assign(#"{"unit": "c-\#(worker)-\#(number)"}"#)
                            told.book(answer)
                            if answer == nil { return }
                        }
                    }
                }
                #expect(try await service.eventually { told.acknowledged.count >= 40 })
                try await service.stop()
                try await group.waitForAll()
            }
            let acknowledged = told.acknowledged
            let logged = try await logged(service.pool)
            #expect(acknowledged.count >= 40 && acknowledged.count < 4000, "stopped in the middle")
            #expect(acknowledged.isSubset(of: logged))
            // A request whose connection was refused left nothing behind, except where only its answer was lost.
            #expect(logged.count - acknowledged.count <= told.failures)
            #expect(told.statuses.keys.allSatisfy { $0 == 200 || $0 == 503 }, "\(told.statuses)")
            #expect(service.log.errors == [])
            await #expect(throws: LoopbackClient.Broken.self) { try await service.client.get("/healthz") }
        }
    }

    @Test func stoppingAnIdleServerIsQuiet() async throws {
        try await RunningService.with(role: .all) { service in
            #expect(try await service.client.get("/healthz").status == 200)
            try await service.stop()
            #expect(service.log.errors == [])
        }
    }

    @Test func lostConnectionsHealAndNothingAcknowledgedIsLost() async throws {
        try await RunningService.with { service in
            let told = Told()
            let running = Switch()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<6 {
                    group.addTask {
                        var number = 0
                        while !running.isOver {
                            number += 1
                            told.book(
                                try await service.assign(#"{"unit": "c-\#(worker)-\#(number)", "request_id": "\#(worker)-\#(number)"}"#))
                        }
                    }
                }
                for round in 1...5 {
                    #expect(try await service.eventually { told.acknowledged.count >= round * 30 })
                    _ = try await service.pool.withConnection { connection in
                        try await connection.query(
                            """
                            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                             WHERE datname = current_database() AND pid <> pg_backend_pid()
                            """)
                    }
                }
                let before = told.acknowledged.count
                #expect(try await service.eventually { told.acknowledged.count >= before + 30 }, "the server goes on")
                running.end()
                try await group.waitForAll()
            }
            #expect(told.statuses.keys.allSatisfy { $0 == 200 || $0 == 503 }, "\(told.statuses)")
            let logged = try await logged(service.pool)
            #expect(told.acknowledged.isSubset(of: logged))
            #expect(logged.count - told.acknowledged.count <= told.failures)
            #expect(try await service.client.post("/v1/experiments/checkout/pause").status == 204)
            #expect(try await service.client.get("/readyz").status == 200)
        }
    }
}
