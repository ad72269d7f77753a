import HaggleCore
import Policies
import Testing

/// `auto` as it serves: a line where a line is the truth, a network where no line tells, and no network before there is enough to judge by.
@Suite struct RepresentationChoiceTests {
    static func basis(_ world: World, rows: Int, seed: UInt64) throws -> Representation.Basis {
        let model = PolicyConfiguration.Model(hidden: [16, 8], learningRate: 0.01, batch: 64, epochs: 30)
        let experiment = world.experiment(PolicyConfiguration(algorithm: .auto, model: model))
        let log = world.log(count: rows, seed: seed)
        return try PolicyLearner.refit(experiment, experimentVersion: 1, interactions: log).snapshot(version: 1).representation.basis
    }

    @Test(arguments: [UInt64(1), 2, 3, 4, 5]) func itTakesWhatIsTrue(seed: UInt64) throws {
        #expect(try Self.basis(.exclusive, rows: 3000, seed: seed) == .network)
        #expect(try Self.basis(.linear, rows: 600, seed: seed) == .context)
        #expect(try Self.basis(.exclusive, rows: 200, seed: seed) == .context)
    }
}
