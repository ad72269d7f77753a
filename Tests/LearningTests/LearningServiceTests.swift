import Catalog
import HaggleCore
import HaggleMath
import Learning
import Policies
import Postgres
import Testing

struct LearningServiceTests {
    /// The stepped events of a running service.
    private static func withService(
        _ log: LearningLog, _ body: (AsyncStream<LearningService.Event>) async throws -> Void
    ) async throws {
        let (events, continuation) = AsyncStream.makeStream(of: LearningService.Event.self)
        let service = LearningService(
            target: log.target, logger: LearningLog.silent, roundMilliseconds: 5,
            now: { LearningLog.start + 10 * LearningLog.hour }, onEvent: { continuation.yield($0) })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await service.run()
                continuation.finish()
            }
            do { try await body(events) } catch {
                group.cancelAll()
                throw error
            }
            // Cancelled, it returns: the group would wait for ever otherwise.
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    /// Reads events until a snapshot was published.
    private static func nextPublication(
        in events: AsyncStream<LearningService.Event>
    ) async throws -> SnapshotVersion {
        for await event in events {
            switch event {
            case .stepped(let key, let step, drift: let drift):
                #expect(key == "checkout" && drift < 1e-6)
                if let version = step.published { return version }
            case .failed(_, let error):
                throw error
            }
        }
        struct Ended: Error {}
        throw Ended()
    }

    @Test func publishesByItselfAndStopsWhenCancelled() async throws {
        let experiment = LearningLog.experiment { $0.policy?.publishSeconds = 1 }
        try await LearningLog.with(experiment) { log in
            try await log.show(0..<20)
            try await Self.withService(log) { events in
                let first = try await Self.nextPublication(in: events)
                #expect(first == 2)
            }
            let posterior = try await log.served().posterior
            #expect(posterior.counts.reduce(0, +) == 20)
            try await log.expectRebuildEqualsState(at: 10)
        }
    }

    @Test func takesUpAnAppliedVersion() async throws {
        try await LearningLog.with { log in
            try await log.show(0..<20)
            try await Self.withService(log) { events in
                let first = try await Self.nextPublication(in: events)
                #expect(first == 2)
                // Starts over: the prior is version 3, and the log is folded anew by the version that is in force now.
                try await log.apply(LearningLog.experiment { $0.reward.defaultReward = 2 }, startsOver: true)
                let second = try await Self.nextPublication(in: events)
                #expect(second == 4)
            }
            let served = try await log.served()
            #expect(served.experimentVersion == 2)
            #expect(abs(served.posterior.rewards.reduce(0, +) - 40) < 1e-9)
        }
    }

    @Test func goesOnAfterItsConnectionIsEnded() async throws {
        try await LearningLog.with { log in
            let (events, continuation) = AsyncStream.makeStream(of: LearningService.Event.self)
            let service = LearningService(
                target: log.target, logger: LearningLog.silent, roundMilliseconds: 5,
                now: { LearningLog.start + 10 * LearningLog.hour }, onEvent: { continuation.yield($0) })
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await service.run() }
                for await _ in events { break }
                // The learner's session holds the only advisory lock of this database that is not a transaction's.
                let ended = try await log.count(
                    """
                    SELECT count(pg_terminate_backend(pid)) FROM pg_locks
                     WHERE locktype = 'advisory' AND granted AND pid <> pg_backend_pid()
                       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                    """)
                #expect(ended >= 1)
                for await event in events {
                    if case .failed = event { break }
                }
                try await log.show(0..<15)
                for await event in events {
                    if case .stepped(_, let step, drift: _) = event, step.folded > 0 { break }
                }
                group.cancelAll()
                try await group.waitForAll()
            }
            let posterior = try ServingSnapshot(serialised: try await log.state().bytes).posterior
            #expect(posterior.counts.reduce(0, +) == 15)
        }
    }
}
