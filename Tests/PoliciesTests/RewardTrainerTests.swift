import HaggleCore
import HaggleMath
import Policies
import Testing

@Suite struct RewardTrainerTests {
    /// Mean squared distance of the estimates from the true expectations, over fresh contexts, and of the best constant per arm.
    static func errors(_ model: any RewardModel, _ world: World) -> (model: Double, constant: Double) {
        var generator = SeededGenerator(seed: 31)
        var error = 0.0
        var values: [[Double]] = [[], [], []]
        var estimates = [Double](repeating: .nan, count: 3)
        for _ in 0..<500 {
            let x = generator.normal()
            let z = generator.normal()
            model.estimate(in: World.context(x: x, z: z), into: &estimates)
            for arm in 0..<3 {
                let truth = world.expected(arm, x, z)
                error += (estimates[arm] - truth) * (estimates[arm] - truth) / 1500
                values[arm].append(truth)
            }
        }
        let constant = values.map { arm in
            let mean = arm.reduce(0, +) / 500
            return arm.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 1500
        }
        return (error, constant.reduce(0, +))
    }

    @Test func linearRegressionFindsALinearWorld() throws {
        let model = try LinearRewardTrainer(schema: World.linear.schema).train(on: World.linear.log(count: 1500, seed: 30), armCount: 3)
        let (error, constant) = Self.errors(model, .linear)
        // Noise variance .25, 6 coefficients, 500 rows an arm: an error of about .003.
        #expect(error < 0.01)
        #expect(constant > 0.3)
    }

    @Test func theNetworkFindsAnExclusiveOr() throws {
        let settings = PolicyConfiguration.Model(hidden: [32, 16], learningRate: 0.01, batch: 64, epochs: 25)
        let log = World.exclusive.log(count: 3000, seed: 30)
        let neural = try NeuralRewardTrainer(schema: World.exclusive.schema, model: settings).train(on: log, armCount: 3)
        let (error, constant) = Self.errors(neural, .exclusive)
        #expect(error < 0.4 * constant)
        let linear = try LinearRewardTrainer(schema: World.exclusive.schema).train(on: log, armCount: 3)
        #expect(Self.errors(linear, .exclusive).model > 0.9 * constant)
    }

    /// Rows in units of another size give estimates in that unit.
    @Test(arguments: [1000.0, 1e-3])
    func estimatesAreInTheUnitOfTheReward(factor: Double) throws {
        let log = World.linear.log(count: 300, seed: 32)
        let scaled = log.map { row in
            var row = row
            row.reward = 5 * factor + factor * row.reward
            return row
        }
        var plain = [0.0, 0, 0]
        var other = plain
        let context = World.context(x: 1, z: -1)
        let trainers: [any RewardModelTrainer] = [
            LinearRewardTrainer(schema: World.linear.schema), NeuralRewardTrainer(schema: World.linear.schema, model: .small),
        ]
        for trainer in trainers {
            try trainer.train(on: log, armCount: 3).estimate(in: context, into: &plain)
            try trainer.train(on: scaled, armCount: 3).estimate(in: context, into: &other)
            // Training in `Float` on targets that differ in the last bit where a constant was added: 1 % of the spread.
            for arm in 0..<3 { #expect(abs(other[arm] / factor - 5 - plain[arm]) < 0.01) }
        }
    }

    /// (sum r + 10 mean) / (n + 10).
    @Test(arguments: ["linear", "neural"])
    func armsWithFewRowsGetTheirShrunkenMean(name: String) throws {
        let schema = World.linear.schema
        let trainer: any RewardModelTrainer = name == "linear" ? LinearRewardTrainer(schema: schema) : NeuralRewardTrainer(schema: schema)
        #expect(trainer.name == name)
        let rows = [4.0, 6, 1].enumerated().map { index, reward in
            Interaction(context: World.context(x: Double(index), z: 0), arm: index / 2, propensity: nil, reward: reward)
        }
        var estimates = [Double](repeating: 0, count: 3)
        try trainer.train(on: rows, armCount: 3).estimate(in: [:], into: &estimates)
        let mean = 11 / 3.0
        #expect(zip(estimates, [(10 + 10 * mean) / 12, (1 + 10 * mean) / 11, mean]).allSatisfy { abs($0 - $1) < 1e-12 })
        try trainer.train(on: [], armCount: 3).estimate(in: [:], into: &estimates)
        #expect(estimates == [0, 0, 0])
    }
}
