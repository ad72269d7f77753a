import Catalog
import HaggleCore
import HaggleMath
import Learning
import Policies
import Postgres
import Testing

struct BadInputTests {
    private static func retraining(_ change: (inout Experiment) -> Void = { _ in }) -> Experiment {
        LearningLog.experiment { experiment in
            experiment.policy?.algorithm = .neuralThompson
            experiment.policy?.retrain = .init(
                everySeconds: LearningLog.hour, minimumImpressions: 80, windowSeconds: 30 * 86_400)
            change(&experiment)
        }
    }

    /// A step size at which no loss stays finite: what serves goes on learning and serving, the fit is tried again after its interval.
    @Test(arguments: [Experiment.Gate.off, .veto]) func divergedFitIsReportedAndTheOldSnapshotKept(_ gate: Experiment.Gate) async throws {
        let experiment = Self.retraining {
            $0.gate = gate
            $0.policy?.model.learningRate = 1e30
        }
        try await LearningLog.with(experiment) { log in
            try await log.show(0..<150)
            for number in stride(from: UInt64(0), to: 150, by: 5) {
                try await log.convert(ConversionID("c-\(number)"), .impression(log.impression(number).id), at: 0.5, value: 1e6)
            }
            var learner = try await log.learner()
            let step = try await log.step(&learner, at: 2)
            #expect(!step.retrained && step.published == 2)
            #expect(step.defect?.contains("learning_rate") == true)
            let served = try await log.served()
            #expect(served.network == nil && FoldCheck.defect(of: served, drift: 0) == nil)
            // Not at once again: the interval has not passed.
            let next = try await log.step(&learner, at: 2.5)
            #expect(next.defect == nil && !next.retrained)
            #expect(try await log.step(&learner, at: 3.1).defect?.contains("learning_rate") == true)
            try await log.expectRebuildEqualsState(at: 3.1)
        }
    }

    /// Labels all equal, a constant feature, one that is always missing, one that is another twice over: no number may stop being one.
    @Test(arguments: [0.0, 1e-6, 1e6]) func uselessFeaturesAndEqualRewardsGiveFiniteNumbers(_ reward: Double) throws {
        func number(_ name: String) -> Feature {
            Feature(name: name, kind: .number(missing: .median, clip: .none, transform: .identity, scale: .standard))
        }
        let experiment = LearningLog.experiment {
            $0.context = FeatureSchema(features: ["x", "double", "constant", "missing"].map(number))
            $0.policy?.algorithm = .neuralThompson
        }
        var generator = SeededGenerator(seed: 5)
        let rows = (0..<300).map { row in
            let x = generator.normal()
            return Interaction(
                time: LearningLog.start + Double(row), context: ["x": .number(x), "double": .number(2 * x), "constant": 7], arm: row % 3,
                propensity: nil, reward: reward)
        }
        let learner = try PolicyLearner.refit(experiment, experimentVersion: 1, interactions: rows)
        let snapshot = learner.snapshot(version: 2)
        #expect(FoldCheck.defect(of: snapshot, drift: learner.drift) == nil)
        let contexts: [Context] = [[:], rows[0].context, ["x": 1e12, "double": -1e12, "constant": 1e12, "missing": 1e12]]
        for context in contexts {
            let shares = SnapshotPolicy(snapshot).distribution(over: [0, 1, 2], in: context)
            #expect(shares.probabilities.allSatisfy { $0.isFinite })
            #expect(abs(shares.probabilities.reduce(0, +) - 1) < 1e-9)
        }
        // All arms have brought the same: none is preferred where contexts are ordinary.
        let ordinary = SnapshotPolicy(snapshot).distribution(over: [0, 1, 2], in: rows[0].context)
        #expect(ordinary.probabilities.allSatisfy { $0 > 0.15 })
    }

    @Test func tooFewRowsPublishIncrementsOnly() async throws {
        try await LearningLog.with(Self.retraining()) { log in
            try await log.show(0..<79)
            let step = try await log.freshStep(at: 2)
            #expect(!step.retrained && step.defect == nil && step.published == 2)
            #expect(try await log.served().network == nil)
        }
    }

    /// Bytes that changed in the database are refused with a reason, whether the catalog's checksum notices or only the state's own.
    @Test func corruptedStateIsRefused() async throws {
        try await LearningLog.with { log in
            try await log.show(0..<30)
            try await log.freshStep(at: 2)
            let damage: SQL = "UPDATE learner_states SET state = set_byte(state, length(state) - 9, get_byte(state, length(state) - 9) # 1)"
            _ = try await log.pool.withConnection { try await $0.execute(damage) }
            let error = await #expect(throws: PoliciesError.self) { _ = try await log.learner() }
            #expect("\(try #require(error))".contains("checksum"))
            // What was published is untouched.
            #expect(try await log.served().posterior.counts == [10, 10, 10])
            let damageSnapshot: SQL = "UPDATE snapshots SET bytes = set_byte(bytes, 40, 1 # get_byte(bytes, 40)) WHERE version = 2"
            _ = try await log.pool.withConnection { try await $0.execute(damageSnapshot) }
            await #expect(throws: CatalogError.checksumMismatch(log.key, 2)) { _ = try await log.served() }
        }
    }

    /// A snapshot whose feature was of another type cannot come back.
    @Test func snapshotOfAnotherSchemaIsRefused() async throws {
        try await LearningLog.with(Self.retraining { $0.gate = .off }) { log in
            try await log.show(0..<120)
            try await log.freshStep(at: 2)
            let changed = Self.retraining {
                $0.gate = .off
                $0.context.features[0].kind = .category(values: ["new", "old"], missing: nil)
            }
            try await log.apply(changed, startsOver: true)
            await #expect(throws: LearningError.doesNotFit(log.key, 2)) {
                try await log.pool.withTransaction {
                    try await SnapshotPublisher.rollBack(log.key, to: 2, now: LearningLog.start + 3 * LearningLog.hour, by: "test", on: $0)
                }
            }
            // Learning starts over from the prior and the old rows, whose values have become missing ones.
            try await log.freshStep(at: 4)
            #expect(try await log.served().posterior.counts.reduce(0, +) == 120)
        }
    }
}
