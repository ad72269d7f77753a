import HaggleCore
import HaggleMath
import Policies
import TestSupport
import Testing

@Suite struct ServingSnapshotTests {
    /// A snapshot with data, of any algorithm.
    static func trained(_ algorithm: PolicyConfiguration.Algorithm, rows: Int = 300, floor: Double = 0.02) throws -> ServingSnapshot {
        var configuration = PolicyConfiguration(algorithm: algorithm, floor: floor, alpha: 1.5, epsilon: 0.2, model: .small)
        if algorithm == .fixed { configuration.probabilities = ["five": 0.75, "none": 0.25] }
        let world = World.linear
        var log = world.log(count: rows, seed: 5)
        // The one algorithm that counts: whether the reward was above 0.
        if algorithm == .bernoulliThompson { for row in log.indices { log[row].reward = log[row].reward > 0 ? 1 : 0 } }
        let learner = try PolicyLearner.refit(world.experiment(configuration), experimentVersion: 3, interactions: log)
        return learner.snapshot(version: 7)
    }

    static func bits(_ policy: any Policy) -> [UInt64] {
        World.oddContexts.flatMap { policy.distribution(over: [0, 1, 2], in: $0).probabilities.map(\.bitPattern) }
    }

    @Test(arguments: PolicyConfiguration.Algorithm.serving)
    func bytesGiveTheSnapshotBackToTheBit(algorithm: PolicyConfiguration.Algorithm) throws {
        let snapshot = try Self.trained(algorithm)
        let bytes = snapshot.serialised()
        let read = try ServingSnapshot(serialised: bytes)
        #expect(read == snapshot)
        #expect(read.serialised() == bytes)
        #expect(Self.bits(SnapshotPolicy(read)) == Self.bits(SnapshotPolicy(snapshot)))
    }

    @Test func everyFieldOfTheConfigurationSurvives() throws {
        let configuration = PolicyConfiguration(
            algorithm: .neuralUCB, probabilities: ["a": 0.1, "b": 0.2, "c": 0.7], floor: 0.011, alpha: 0.3, variance: 0.1, epsilon: 0.15,
            ridge: 0.7, publishSeconds: 12.5, seed: .max - 3,
            model: .init(
                hidden: [7, 5, 3], activation: .gelu, learningRate: 0.1, weightDecay: 1e-7, batch: 11, epochs: 13, patience: 17),
            retrain: .init(everySeconds: 1.5, minimumImpressions: 19, windowSeconds: 23.25))
        let snapshot = ServingSnapshot.initial(experiment: World.linear.experiment(configuration), experimentVersion: 4)
        #expect(try ServingSnapshot(serialised: snapshot.serialised()).configuration == configuration)
    }

    @Test func everyFlippedByteIsNoticed() throws {
        let bytes = try Self.trained(.linearThompson, rows: 40).serialised()
        for position in bytes.indices {
            var damaged = bytes
            damaged[position] ^= 0x10
            #expect(throws: PoliciesError.self, "byte \(position)") { try ServingSnapshot(serialised: damaged) }
        }
    }

    @Test func damageIsNamed() throws {
        let bytes = try Self.trained(.linearUCB, rows: 40).serialised()
        #expect(throws: PoliciesError.notSerialised(byteCount: 0)) { try ServingSnapshot(serialised: []) }
        #expect(throws: PoliciesError.notSerialised(byteCount: 5)) { try ServingSnapshot(serialised: Array("hello".utf8)) }
        #expect(throws: PoliciesError.wrongLength(expected: 28, found: 20)) { try ServingSnapshot(serialised: Array(bytes.prefix(20))) }
        #expect(throws: PoliciesError.wrongLength(expected: UInt64(bytes.count), found: UInt64(bytes.count - 1))) {
            try ServingSnapshot(serialised: Array(bytes.dropLast()))
        }
        #expect(throws: PoliciesError.wrongLength(expected: UInt64(bytes.count), found: UInt64(bytes.count + 1))) {
            try ServingSnapshot(serialised: bytes + [0])
        }
        var newer = bytes
        newer[8] = 9
        #expect(throws: PoliciesError.unsupportedFormat(found: 9, newest: 3)) { try ServingSnapshot(serialised: newer) }
        // A posterior is not a snapshot, though both are states.
        let posterior = LinearPosterior(dimension: 2, armCount: 1, ridge: 1).serialised()
        #expect(throws: PoliciesError.notSerialised(byteCount: posterior.count)) { try ServingSnapshot(serialised: posterior) }
    }

    @Test func posteriorsTravelAlone() throws {
        let posterior = try Self.trained(.neuralThompson).posterior
        #expect(try LinearPosterior(serialised: posterior.serialised()) == posterior)
    }

    /// The first snapshot knows nothing: every algorithm that explores is exactly even, whatever the context and the eligible arms.
    @Test(arguments: PolicyConfiguration.Algorithm.exploring)
    func theFirstSnapshotIsTheEvenPrior(algorithm: PolicyConfiguration.Algorithm) {
        let experiment = World.linear.experiment(PolicyConfiguration(algorithm: algorithm, floor: 0.01))
        let snapshot = ServingSnapshot.initial(experiment: experiment, experimentVersion: 2)
        #expect(snapshot.version == 1)
        #expect(snapshot.experimentVersion == 2)
        let policy = SnapshotPolicy(snapshot)
        for context in World.oddContexts {
            for eligible in [[0, 1, 2], [1, 2], [0]] {
                let p = policy.distribution(over: eligible, in: context)
                let shares = Set(eligible.map { p[$0] })
                #expect(shares.count == 1)
                #expect(abs(p[eligible[0]] - 1 / Double(eligible.count)) < 1e-15)
            }
        }
    }

    @Test func anABExperimentServesItsWeights() {
        var experiment = World.linear.experiment(PolicyConfiguration(algorithm: .uniform))
        experiment.kind = .ab
        experiment.policy = nil
        for (index, weight) in [0.5, 0.3, 0.2].enumerated() { experiment.arms[index].weight = weight }
        let policy = SnapshotPolicy(.initial(experiment: experiment, experimentVersion: 1))
        let p = policy.distribution(over: [0, 1, 2], in: [:])
        #expect(zip(p.probabilities, [0.5, 0.3, 0.2]).allSatisfy { abs($0 - $1) < 1e-15 })
    }

    @Test func changedArmsKeepWhatWasLearnedByKey() throws {
        let snapshot = try Self.trained(.linearThompson)
        var experiment = World.linear.experiment(snapshot.configuration)
        experiment.arms = [Arm(key: "ten"), Arm(key: "new"), Arm(key: "none", isControl: true)]
        experiment.policy?.floor = 0.05
        experiment.policy?.ridge = 3
        let adapted = try #require(snapshot.adapted(to: experiment, version: 8))
        #expect(adapted.arms == ["ten", "new", "none"])
        #expect(adapted.controlIndex == 2)
        #expect(adapted.experimentVersion == 8)
        #expect(adapted.configuration.floor == 0.05)
        #expect(adapted.posterior.ridge == 3)
        #expect(adapted.posterior.arms[0] == snapshot.posterior.arms[2])
        #expect(adapted.posterior.arms[1] == RegressionSums(dimension: snapshot.posterior.dimension))
        #expect(adapted.posterior.arms[2] == snapshot.posterior.arms[0])
        #expect(policyViolations(SnapshotPolicy(adapted), floor: 0.05, contexts: World.oddContexts) == [])
    }

    @Test func changedFeaturesAreIgnoredUnlessTheirTypeChanged() throws {
        let snapshot = try Self.trained(.linearThompson)
        var experiment = World.linear.experiment(snapshot.configuration)
        experiment.context.features.append(Feature(name: "member", kind: .boolean(missing: false)))
        experiment.context.features[2].kind = .hashedCategory(buckets: 8, missing: nil)
        let adapted = try #require(snapshot.adapted(to: experiment, version: 8))
        #expect(adapted.representation == snapshot.representation)
        experiment.context.features[0].kind = .boolean(missing: nil)
        #expect(snapshot.adapted(to: experiment, version: 8) == nil)
        experiment.context.features.removeFirst()
        #expect(snapshot.adapted(to: experiment, version: 8) != nil)
    }
}
