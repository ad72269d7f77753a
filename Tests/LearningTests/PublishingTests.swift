import Catalog
import EventLog
import HaggleCore
import HaggleMath
import Learning
import Policies
import Postgres
import Testing

struct PublishingTests {
    /// Retrains whenever a step comes an hour after the last one.
    private static func retraining(_ change: (inout Experiment) -> Void = { _ in }) -> Experiment {
        LearningLog.experiment { experiment in
            experiment.policy?.algorithm = .neuralThompson
            experiment.policy?.retrain = PolicyConfiguration.Retraining(
                everySeconds: LearningLog.hour, minimumImpressions: 80, windowSeconds: 30 * 86_400)
            change(&experiment)
        }
    }

    @Test func firstSnapshotIsTheEvenPrior() async throws {
        try await LearningLog.with { log in
            let snapshots = try await log.snapshots()
            #expect(snapshots.map(\.kind) == [.prior] && snapshots.map(\.version) == [1])
            let served = try await log.served()
            #expect(served.posterior.counts == [0, 0, 0])
            let shares = SnapshotPolicy(served).distribution(over: [0, 1, 2], in: log.impression(1).context)
            for arm in 0..<3 { #expect(abs(shares[arm] - 1.0 / 3) < 1e-15) }
        }
    }

    /// A learner that read the experiment before it was applied again must not fold by the old rules into the new state.
    @Test func oldVersionCannotBeLearnedInTheNewState() async throws {
        try await LearningLog.with { log in
            let old = try await log.pool.withConnection { try await Catalog.experiment(log.key, on: $0) }
            try await log.apply(LearningLog.experiment { $0.reward.defaultReward = 2 }, startsOver: true)
            await #expect(throws: CatalogError.learnerConflict(log.key)) {
                _ = try await log.pool.withConnection { try await ExperimentLearner(old, on: $0) }
            }
        }
    }

    @Test func incrementsArePublishedAtTheirInterval() async throws {
        try await LearningLog.with { log in
            var learner = try await log.learner()
            try await log.show(0..<9)
            #expect(try await log.step(&learner, at: 2).published == 2)
            #expect(try await log.served().posterior == learner.posterior)
            // Nothing new: nothing to publish.
            #expect(try await log.step(&learner, at: 3).published == nil)
            try await log.show(9..<12)
            #expect(try await log.step(&learner, at: 3 + 1 / 3600.0).published == 3)
            try await log.show(12..<15)
            let early = try await log.step(&learner, at: 3 + 30 / 3600.0)
            #expect(early.folded == 3 && early.published == nil)
            #expect(try await log.step(&learner, at: 3 + 62 / 3600.0).published == 4)
            let snapshots = try await log.snapshots()
            #expect(snapshots.map(\.kind) == [.increment, .increment, .increment, .prior])
            #expect(snapshots.map(\.networkVersion) == [1, 1, 1, 1])
            #expect(snapshots.map(\.parent) == [3, 2, 1, nil])
            #expect(try await log.served().posterior.counts == [5, 5, 5])
        }
    }

    @Test func retrainCarriesANewNetworkAndIncrementsKeepIt() async throws {
        try await LearningLog.with(Self.retraining()) { log in
            var learner = try await log.learner()
            try await log.show(0..<60)
            // Too few: an increment of what there is.
            var step = try await log.step(&learner, at: 2)
            #expect(!step.retrained && step.published == 2)
            try await log.show(60..<150)
            try await log.convert("c", .impression(log.impression(61).id), at: 0.5, value: 30)
            step = try await log.step(&learner, at: 3)
            #expect(step.retrained && step.published == 3 && step.folded == 90)
            #expect(try await log.served().network != nil)
            try await log.expectRebuildEqualsState(at: 3)
            let network = try await log.served().network
            try await log.show(150..<180)
            step = try await log.step(&learner, at: 3.5)
            #expect(!step.retrained && step.published == 4)
            #expect(try await log.served().network == network)
            try await log.convert("late", .impression(log.impression(7).id), at: 0.9, value: 11)
            #expect(try await log.step(&learner, at: 3.6).corrected == 1)
            try await log.expectRebuildEqualsState(at: 3.6)
            let snapshots = try await log.snapshots().reversed()
            #expect(snapshots.map(\.kind) == [.prior, .increment, .retrain, .increment, .increment])
            #expect(snapshots.map(\.networkVersion) == [1, 1, 3, 3, 3])
        }
    }

    @Test func rollbackBringsTheNetworkBackAndPinsIt() async throws {
        try await LearningLog.with(Self.retraining()) { log in
            var learner = try await log.learner()
            try await log.show(0..<100)
            #expect(try await log.step(&learner, at: 2).retrained)
            let old = try await log.served()
            try await log.show(100..<200, at: { Double($0) / 200 })
            #expect(try await log.step(&learner, at: 4).retrained)
            #expect(try await log.served().network != old.network)
            let version = try await log.pool.withTransaction {
                try await SnapshotPublisher.rollBack(log.key, to: 2, now: LearningLog.start + 5 * LearningLog.hour, by: "ann", on: $0)
            }
            #expect(version == 4)
            let stored = try #require(try await log.snapshots().first)
            #expect(stored.kind == .rollback && stored.networkVersion == 2 && stored.parent == 3)
            let served = try await log.served()
            #expect(served.network == old.network && served.encoder == old.encoder)
            #expect(served.posterior.counts.reduce(0, +) == 200)
            #expect(try await log.state().isPinned)
            try await log.expectRebuildEqualsState(at: 5)
            // The learner that knew the state before must not write over it.
            let replaced = learner
            await #expect(throws: CatalogError.learnerConflict("checkout")) {
                var replaced = replaced
                try await log.show(200..<210)
                _ = try await log.step(&replaced, at: 20)
            }
            try await log.turnClockBack()
            learner = try await log.learner()
            // Pinned: increments only, however long ago the last training was.
            for hour in [30.0, 40, 50] {
                try await log.show(UInt64(hour) * 10..<UInt64(hour) * 10 + 5)
                let step = try await log.step(&learner, at: hour)
                #expect(!step.retrained && step.published != nil)
            }
            #expect(try await log.served().network == old.network)
            try await log.expectRebuildEqualsState(at: 50)
            try await log.pool.withTransaction { try await SnapshotPublisher.unpin(log.key, by: "ann", on: $0) }
            try await log.turnClockBack()
            learner = try await log.learner()
            #expect(try await log.step(&learner, at: 60).retrained)
            let last = try #require(try await log.snapshots().first)
            #expect(last.networkVersion == last.version)
            try await log.expectRebuildEqualsState(at: 60)
        }
    }

    @Test func rollbackRefusesWhatIsNotThere() async throws {
        try await LearningLog.with { log in
            await #expect(throws: CatalogError.unknownSnapshot("checkout", 9)) {
                try await log.pool.withTransaction {
                    try await SnapshotPublisher.rollBack(log.key, to: 9, now: LearningLog.start, by: "ann", on: $0)
                }
            }
            let snapshots = try await log.snapshots()
            #expect(snapshots.count == 1)
            #expect(try await !log.state().isPinned)
        }
    }

    @Test func newArmStartsAtThePriorAndARemovedOneGoes() async throws {
        try await LearningLog.with { log in
            try await log.show(0..<30)
            try await log.freshStep(at: 2)
            let before = try await log.served().posterior
            let changed = LearningLog.experiment {
                $0.arms = [$0.arms[0], Arm(key: "twenty", discount: 0.2), $0.arms[2]]
            }
            #expect(try await log.apply(changed) == 2)
            let stored = try #require(try await log.snapshots().first)
            #expect(stored.kind == .adapted && stored.experimentVersion == 2 && stored.networkVersion == 1)
            let served = try await log.served()
            #expect(served.arms == ["none", "twenty", "ten"])
            #expect(served.posterior.counts == [10, 0, 10])
            #expect(served.posterior.arms[0] == before.arms[0] && served.posterior.arms[2] == before.arms[2])
            // A conversion for the arm that went corrects nothing; the others go on.
            try await log.convert("gone", .impression(log.impression(1).id), at: 0.5)
            try await log.convert("kept", .impression(log.impression(2).id), at: 0.5)
            try await log.show(30, at: 0.5, arm: "twenty")
            let step = try await log.freshStep(at: 3)
            #expect(step.corrected == 1 && step.folded == 1)
            try await log.expectRebuildEqualsState(at: 3)
        }
    }

    @Test func armThatComesBackStartsAtThePrior() async throws {
        try await LearningLog.with { log in
            try await log.show(0..<30)
            try await log.freshStep(at: 2)
            try await log.apply(LearningLog.experiment { $0.arms.removeLast() })
            try await log.apply(LearningLog.experiment())
            // Of an impression that the posterior no longer holds: correcting it would add a reward without its impression.
            try await log.convert("late", .impression(log.impression(2).id), at: 0.5)
            #expect(try await log.freshStep(at: 3).corrected == 0)
            let arm = try ServingSnapshot(serialised: try await log.state().bytes).posterior.arms[2]
            #expect(arm.weight == 0 && arm.rewards == 0 && arm.squares == 0)
        }
    }

    @Test func changedFeatureTypeStartsOverAndRefoldsTheLog() async throws {
        try await LearningLog.with { log in
            try await log.show(0..<30)
            try await log.convert("c", .impression(log.impression(3).id), at: 0.5)
            try await log.freshStep(at: 2)
            let changed = LearningLog.experiment { $0.context.features[1].kind = .boolean(missing: nil) }
            try await log.apply(changed)
            let stored = try #require(try await log.snapshots().first)
            #expect(stored.kind == .prior && stored.version == 3 && stored.networkVersion == 3)
            #expect(try await log.served().posterior.counts == [0, 0, 0])
            #expect(try await log.state().position == 0)
            #expect(try await log.freshStep(at: 3).folded == 30)
            try await log.expectRebuildEqualsState(at: 3)
            #expect(try await log.served().posterior.counts == [10, 10, 10])
        }
    }

    @Test func askedToStartOverItDoes() async throws {
        try await LearningLog.with { log in
            try await log.show(0..<30)
            try await log.freshStep(at: 2)
            // A longer window changes every reward.
            try await log.apply(LearningLog.experiment { $0.reward.windowSeconds = 2 * LearningLog.hour }, startsOver: true)
            try await log.convert("late", .impression(log.impression(3).id), at: 1.5)
            #expect(try await log.freshStep(at: 1.9).folded == 0)
            #expect(try await log.freshStep(at: 2).folded == 30)
            try await log.expectRebuildEqualsState(at: 2)
        }
    }

    @Test func splitsHaveNothingToLearn() async throws {
        let split = LearningLog.experiment {
            $0.kind = .ab
            $0.policy = nil
        }
        try await LearningLog.with(split) { log in
            let snapshots = try await log.snapshots()
            #expect(snapshots.count == 0)
            await #expect(throws: LearningError.notABandit("checkout")) { _ = try await log.learner() }
        }
    }
}
