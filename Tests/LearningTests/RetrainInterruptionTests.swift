import Catalog
import HaggleCore
import Learning
import Policies
import Postgres
import Testing

struct RetrainInterruptionTests {
    /// What a retrain drops from its window must stay correctable until the retrained posterior is committed.
    @Test func failedRetrainForgetsNothing() async throws {
        let experiment = LearningLog.experiment {
            $0.policy?.publishSeconds = 1e9
            $0.policy?.retrain = PolicyConfiguration.Retraining(
                everySeconds: 20 * LearningLog.hour, minimumImpressions: 10, windowSeconds: 24 * LearningLog.hour)
        }
        try await LearningLog.with(experiment) { log in
            try await log.show(0..<30)
            try await log.freshStep(at: 2)
            try await log.show(30..<60, at: { _ in 26 })
            // The step at hour 28 retrains on the second half only; its publication is refused.
            let forbid: SQL = "ALTER TABLE snapshots ADD CONSTRAINT forbidden CHECK (kind <> 'retrain')"
            _ = try await log.pool.withConnection { try await $0.execute(forbid) }
            await #expect(throws: DatabaseError.self) { try await log.freshStep(at: 28) }
            try await log.expectRebuildEqualsState(at: 28)
            try await log.convert("late", .impression(log.impression(4).id), at: 0.5)
            var learner = try await log.learner()
            await #expect(throws: DatabaseError.self) {
                var interrupted = learner
                _ = try await log.step(&interrupted, at: 28)
            }
            // The correction was committed although the retrain after it was not.
            try await log.expectRebuildEqualsState(at: 28)
            _ = try await log.pool.withConnection { try await $0.execute("ALTER TABLE snapshots DROP CONSTRAINT forbidden") }
            learner = try await log.learner()
            #expect(try await log.step(&learner, at: 28).retrained)
            #expect(learner.posterior.counts.reduce(0, +) == 30)
            // Older than the window now: the posterior no longer holds the impression, so nothing is corrected.
            try await log.convert("later", .impression(log.impression(5).id), at: 0.5)
            #expect(try await log.step(&learner, at: 29).corrected == 0)
        }
    }
}
