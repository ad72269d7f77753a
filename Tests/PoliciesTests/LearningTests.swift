import HaggleCore
import HaggleMath
import Policies
import Testing

/// Policies that learn, in worlds whose truth is known.
@Suite struct LearningTests {
    static func trained(_ algorithm: PolicyConfiguration.Algorithm, _ world: World, rows: Int) throws -> any Policy {
        let model = PolicyConfiguration.Model(hidden: [32, 16], learningRate: 0.01, batch: 64, epochs: 25)
        return try trainedPolicy(
            configuration: PolicyConfiguration(algorithm: algorithm, model: model), schema: world.schema, arms: world.arms,
            on: world.log(count: rows, seed: 21))
    }

    /// The share of the way from even choice to the best arm everywhere.
    static func progress(_ policy: any Policy, _ world: World) -> Double {
        let (value, best) = world.value(of: policy)
        let uniform = world.value(of: UniformPolicy(armCount: 3)).policy
        return (value - uniform) / (best - uniform)
    }

    @Test(arguments: [PolicyConfiguration.Algorithm.linearThompson, .linearUCB, .neuralThompson, .neuralUCB, .greedy])
    func aLinearWorldIsLearned(algorithm: PolicyConfiguration.Algorithm) throws {
        #expect(Self.progress(try Self.trained(algorithm, .linear, rows: 1500), .linear) > 0.85)
    }

    @Test(arguments: [PolicyConfiguration.Algorithm.neuralThompson, .neuralUCB])
    func anExclusiveOrNeedsTheNetwork(algorithm: PolicyConfiguration.Algorithm) throws {
        #expect(Self.progress(try Self.trained(algorithm, .exclusive, rows: 3000), .exclusive) > 0.8)
        #expect(Self.progress(try Self.trained(.linearThompson, .exclusive, rows: 3000), .exclusive) < 0.3)
    }

    /// The loop as the service runs it: serve a snapshot, log, fold, publish; retrain when there is enough.
    @Test(arguments: [PolicyConfiguration.Algorithm.linearThompson, .linearUCB])
    func exploringFromThePriorPays(algorithm: PolicyConfiguration.Algorithm) throws {
        let world = World.linear
        let experiment = world.experiment(PolicyConfiguration(algorithm: algorithm, floor: 0.01))
        var learner = PolicyLearner(.initial(experiment: experiment, experimentVersion: 1))
        var log: [Interaction] = []
        for round in 1...10 {
            let policy = SnapshotPolicy(learner.snapshot(version: SnapshotVersion(round)))
            let rows = world.log(count: 100, seed: UInt64(100 + round), policy: policy)
            for row in rows { learner.fold(row) }
            log += rows
            if round % 4 == 2 { learner = try PolicyLearner.refit(experiment, experimentVersion: 1, interactions: log) }
        }
        #expect(Self.progress(SnapshotPolicy(learner.snapshot(version: 99)), world) > 0.8)
    }
}
