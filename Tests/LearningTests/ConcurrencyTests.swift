import Catalog
import HaggleCore
import HaggleMath
import Learning
import Policies
import Postgres
import TestSupport
import Testing

struct ConcurrencyTests {
    /// Steps again and again, starting from what is committed whenever somebody else was first.
    private static func learn(
        _ log: LearningLog, until isDone: @Sendable (LinearPosterior) -> Bool
    ) async throws -> (steps: Int, conflicts: Int) {
        var steps = 0
        var conflicts = 0
        try await Connection.with(log.target) { connection in
            var learner = try await ExperimentLearner(Catalog.experiment(log.key, on: connection), on: connection)
            while !isDone(learner.posterior) {
                try #require(steps + conflicts < 5000, "the learners never finish")
                do {
                    if try await learner.isStale(on: connection) {
                        learner = try await ExperimentLearner(Catalog.experiment(log.key, on: connection), on: connection)
                    }
                    _ = try await learner.step(
                        now: LearningLog.start + (10 + Double(steps)) * LearningLog.hour, on: connection)
                    steps += 1
                } catch is CatalogError {
                    conflicts += 1
                    learner = try await ExperimentLearner(Catalog.experiment(log.key, on: connection), on: connection)
                }
            }
        }
        return (steps, conflicts)
    }

    @Test func twoLearnersCountEveryImpressionOnce() async throws {
        let count = 900.0
        try await LearningLog.with { log in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<2 {
                    group.addTask {
                        _ = try await Self.learn(log) { $0.counts.reduce(0, +) >= count }
                    }
                }
                group.addTask {
                    // In many small commits, conversions of earlier rows among them.
                    for chunk in 0..<UInt64(30) {
                        try await log.show(chunk * 30..<(chunk + 1) * 30)
                        if chunk > 1 {
                            try await log.convert(
                                ConversionID("c-\(chunk)"), .impression(log.impression(chunk * 7).id), at: 0.5, value: Double(chunk))
                        }
                    }
                }
                try await group.waitForAll()
            }
            try await log.freshStep(at: 100)
            let posterior = try ServingSnapshot(serialised: try await log.state().bytes).posterior
            #expect(posterior.counts.reduce(0, +) == count)
            #expect(try await log.countedImpressions() == Int(count))
            try await log.expectRebuildEqualsState(at: 100)
            // Every snapshot has its own number and the one before it as its parent.
            let snapshots = try await log.snapshots().reversed()
            #expect(snapshots.count > 1)
            for (index, snapshot) in snapshots.enumerated() {
                #expect(snapshot.version == SnapshotVersion(index + 1))
                #expect(snapshot.parent == (index == 0 ? nil : SnapshotVersion(index)))
            }
        }
    }

    @Test func staleLearnerWritesNothing() async throws {
        try await LearningLog.with { log in
            var first = try await log.learner()
            var second = try await log.learner()
            try await log.show(0..<20)
            #expect(try await log.step(&first, at: 2).folded == 20)
            let state = try await log.state()
            let held = second
            await #expect(throws: CatalogError.learnerConflict("checkout")) {
                var held = held
                _ = try await log.step(&held, at: 2)
            }
            #expect(try await log.state() == state)
            second = try await log.learner()
            #expect(try await log.step(&second, at: 3).folded == 0)
            #expect(second.posterior.counts.reduce(0, +) == 20)
        }
    }

    /// A server process that dies takes the step's transaction with it: the lock that the step waits for makes the moment certain.
    @Test(arguments: ["contributions", "learner_states", "snapshots"])
    func interruptedStepLosesAndDoublesNothing(table: String) async throws {
        try await LearningLog.with { log in
            try await log.show(0..<40)
            try await log.convert("c", .impression(log.impression(5).id), at: 0.5)
            try await Connection.with(log.target) { blocker in
                // Reading stays possible, writing waits.
                try await blocker.executeScript("BEGIN; LOCK TABLE \(table) IN SHARE MODE")
                await #expect(throws: DatabaseError.self) {
                    try await Connection.with(log.target) { victim in
                        let process = Int(await victim.processID)
                        var learner = try await ExperimentLearner(Catalog.experiment(log.key, on: victim), on: victim)
                        async let ended: Void = Self.endWhenItWaits(process, log)
                        do {
                            _ = try await learner.step(now: LearningLog.start + 2 * LearningLog.hour, on: victim)
                        } catch {
                            try await ended
                            throw error
                        }
                        try await ended
                    }
                }
                try await blocker.executeScript("ROLLBACK")
            }
            let folded = try ServingSnapshot(serialised: try await log.state().bytes).posterior.counts.reduce(0, +)
            // The fold is one transaction, publishing another.
            #expect(folded == (table == "snapshots" ? 40 : 0))
            let step = try await log.freshStep(at: 3)
            #expect(step.folded == 40 - Int(folded))
            // What had been folded but not published is published by whoever comes next.
            #expect(step.published == 2)
            let posterior = try await log.served().posterior
            #expect(posterior.counts.reduce(0, +) == 40)
            try await log.expectRebuildEqualsState(at: 3)
        }
    }

    private static func endWhenItWaits(_ process: Int, _ log: LearningLog) async throws {
        for _ in 0..<5000 {
            let waiting = try await log.count("SELECT count(*) FROM pg_locks WHERE pid = \(process) AND NOT granted")
            if waiting > 0 {
                _ = try await log.pool.withConnection { try await $0.query("SELECT pg_terminate_backend(\(process)::int)") }
                return
            }
            try await Task.sleep(for: .milliseconds(2))
        }
        // Frees the step, so that the test fails instead of hanging.
        _ = try await log.pool.withConnection { try await $0.query("SELECT pg_terminate_backend(\(process)::int)") }
        Issue.record("the step never waited for the lock")
    }
}
