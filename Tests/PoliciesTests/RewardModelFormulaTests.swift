import Foundation
import HaggleCore
import HaggleMath
import Policies
import Testing

/// The reward models against numbers of numpy 2.4 (`linalg.solve` on the normal equations) and scipy 1.17 (`optimize.minimize`, BFGS), made
/// from the same rows: for i = 0..<60, x = sin 1.7 i, m = (i mod 5 = 0), ridge .7.
///
/// Columns are `Float`, so the numbers agree to 1e-6.
@Suite struct RewardModelFormulaTests {
    static let schema = FeatureSchema(features: [
        Feature(name: "x", kind: .number(missing: .mean, clip: .none, transform: .identity, scale: .none)),
        Feature(name: "m", kind: .boolean(missing: false)),
    ])
    static let contexts: [Context] = [["x": 0.3, "m": false], ["x": -0.9, "m": true]]

    static func x(_ i: Int) -> Double { sin(1.7 * Double(i)) }
    static func m(_ i: Int) -> Double { i % 5 == 0 ? 1 : 0 }
    static func context(_ i: Int) -> Context { ["x": .number(x(i)), "m": .boolean(i % 5 == 0)] }

    static func rows(arms: Int, reward: (Int) -> Double) -> [Interaction] {
        (0..<60).map { Interaction(context: context($0), arm: $0 % arms, propensity: nil, reward: reward($0)) }
    }
    static let money: @Sendable (Int) -> Double = { i in
        2 + 0.5 * x(i) * Double(1 + i % 2) - m(i) + 0.25 * cos(5 * Double(i))
    }
    static let binary: @Sendable (Int) -> Double = { i in cos(3.1 * Double(i)) + x(i) + 0.5 * m(i) > 0 ? 1 : 0 }
    static let weights = (0..<60).map { 1 + Double($0 % 3) }

    static func estimates(_ model: any RewardModel, armCount: Int) -> [[Double]] {
        contexts.map { context in
            var result = [Double](repeating: .nan, count: armCount)
            model.estimate(in: context, into: &result)
            return result
        }
    }

    static func isNear(_ found: [[Double]], _ expected: [[Double]]) -> Bool {
        zip(found.flatMap { $0 }, expected.flatMap { $0 }).allSatisfy { abs($0 - $1) < 1e-6 } && found.map(\.count) == expected.map(\.count)
    }

    @Test func weightedRidgeSolvesTheNormalEquations() throws {
        let model = try LinearRewardTrainer(schema: Self.schema, ridge: 0.7).train(
            on: Self.rows(arms: 2, reward: Self.money), weights: Self.weights, armCount: 2)
        let expected = [[2.081519318474238, 2.270981457256184], [0.7891583695427669, 0.2729517540168245]]
        #expect(Self.isNear(Self.estimates(model, armCount: 2), expected))
    }

    @Test func weightedLogisticRegressionIsTheMaximum() throws {
        let model = try LogisticRewardTrainer(schema: Self.schema, ridge: 0.7).train(
            on: Self.rows(arms: 2, reward: Self.binary), weights: Self.weights, armCount: 2)
        let expected = [[0.7423258401120152, 0.6565146066310058], [0.23413997476495657, 0.31048753222811515]]
        #expect(Self.isNear(Self.estimates(model, armCount: 2), expected))
    }

    static let depths = [0, 0.05, 0.1, 0.2].map { Arm(key: ArmKey("d\($0)"), discount: $0, isControl: $0 == 0) }

    /// Depths 0, .05, .1 (without rows), .2; the large matrix is built row by row in numpy, from per-arm sums here.
    @Test func sharedRegressionSolvesTheNormalEquations() throws {
        let rows = Self.rows(arms: 4, reward: Self.money).filter { $0.arm != 2 }
        let model = try SharedRewardTrainer(schema: Self.schema, arms: Self.depths, ridge: 0.7).train(on: rows, armCount: 4)
        let expected = [
            [2.0873180002527776, 2.2723049640041655, 2.3409336302877906, 2.254452277571316],
            [0.7850191230283559, 0.2865832607653951, 0.10238265039353034, 0.25308507830929194],
        ]
        #expect(Self.isNear(Self.estimates(model, armCount: 4), expected))
    }

    /// A row of weight 3 is three rows, one of weight 0 none. Encoder and scaling see the rows as they come, so the rows that are repeated
    /// are all of them, and the row of weight 0 is one of the others' contexts.
    @Test(arguments: ["linear", "logistic", "shared"])
    func weightsAreRepetitions(name: String) throws {
        let rows = Self.rows(arms: 2, reward: Self.binary)
        let trainer = Self.trainer(name)
        let weighted = try trainer.train(on: rows, weights: [Double](repeating: 3, count: 60), armCount: 2)
        let repeated = try trainer.train(on: rows + rows + rows, armCount: 2)
        #expect(Self.isNear(Self.estimates(weighted, armCount: 2), Self.estimates(repeated, armCount: 2)))
        let plain = try trainer.train(on: rows, armCount: 2)
        let ones = try trainer.train(on: rows, weights: [Double](repeating: 1, count: 60), armCount: 2)
        #expect(Self.estimates(ones, armCount: 2) == Self.estimates(plain, armCount: 2))
        let mirrored =
            rows
            + rows.map { row in
                var row = row
                row.reward = 1 - row.reward
                return row
            }
        let halved = try trainer.train(
            on: mirrored, weights: [Double](repeating: 1, count: 60) + [Double](repeating: 0, count: 60), armCount: 2)
        #expect(Self.isNear(Self.estimates(halved, armCount: 2), Self.estimates(plain, armCount: 2)))
    }

    static func trainer(_ name: String) -> any RewardModelTrainer {
        switch name {
        case "logistic": LogisticRewardTrainer(schema: schema)
        case "shared": SharedRewardTrainer(schema: schema, arms: [Arm(key: "a"), Arm(key: "b")])
        case "neural": NeuralRewardTrainer(schema: schema, model: .small)
        default: LinearRewardTrainer(schema: schema)
        }
    }

    @Test(arguments: ["linear", "logistic", "shared", "neural"])
    func weightsThatCannotBeAreErrors(name: String) {
        let rows = Self.rows(arms: 2, reward: Self.binary)
        let trainer = Self.trainer(name)
        #expect(trainer.name == name)
        #expect(throws: PoliciesError.weightCount(expected: 60, found: 2)) { try trainer.train(on: rows, weights: [1, 2], armCount: 2) }
        for bad in [Double.nan, -1, .infinity] {
            var weights = Self.weights
            weights[7] = bad
            #expect(throws: PoliciesError.weightNotUsable(row: 7)) { try trainer.train(on: rows, weights: weights, armCount: 2) }
        }
    }

    /// Rows of weight 0 teach a network nothing: the other half's rewards are opposite.
    @Test func theNetworkFollowsTheWeights() throws {
        let world = World.linear
        let log = world.log(count: 1600, seed: 41)
        let weights = log.indices.map { $0 % 2 == 0 ? 50.0 : 0 }
        let misled = log.indices.map { index in
            var row = log[index]
            if index % 2 == 1 { row.reward = -row.reward }
            return row
        }
        let settings = PolicyConfiguration.Model(hidden: [32, 16], learningRate: 0.01, batch: 64, epochs: 25)
        let trainer = NeuralRewardTrainer(schema: world.schema, model: settings)
        let followed = try RewardTrainerTests.errors(trainer.train(on: misled, weights: weights, armCount: 3), world)
        let ignored = try RewardTrainerTests.errors(trainer.train(on: misled, armCount: 3), world)
        #expect(followed.model < 0.25 * followed.constant)
        #expect(ignored.model > 0.5 * ignored.constant)
    }

    @Test func aTrainerWithoutWeightedFittingSaysSo() {
        struct Constant: RewardModelTrainer, RewardModel {
            let name = "constant"
            func train(on interactions: [Interaction], armCount: Int) throws -> any RewardModel { self }
            func estimate(in context: Context, into estimates: inout [Double]) {}
        }
        #expect(throws: RewardModelError.weightsNotSupported(trainer: "constant")) {
            try Constant().train(on: [], weights: [], armCount: 2)
        }
    }
}

/// What the two newer reward models promise beyond their formulas.
@Suite struct RewardModelBehaviourTests {
    @Test func logisticRefusesRewardsThatAreNoConversions() {
        var rows = RewardModelFormulaTests.rows(arms: 2, reward: RewardModelFormulaTests.binary)
        rows[11].reward = 0.5
        let trainer = LogisticRewardTrainer(schema: RewardModelFormulaTests.schema)
        #expect(throws: PoliciesError.rewardNotBinary(row: 11)) { try trainer.train(on: rows, armCount: 2) }
        #expect(throws: PoliciesError.rewardNotBinary(row: 11)) {
            try trainer.train(on: rows, weights: RewardModelFormulaTests.weights, armCount: 2)
        }
        rows[11].reward = .nan
        #expect(throws: PoliciesError.rewardNotFinite(row: 11)) { try trainer.train(on: rows, armCount: 2) }
    }

    /// Separable rows have no maximum without the ridge; with it the estimates stay inside 0...1.
    @Test func separableConversionsStayFinite() throws {
        let rows = RewardModelFormulaTests.rows(arms: 1) { RewardModelFormulaTests.x($0) > 0 ? 1 : 0 }
        let model = try LogisticRewardTrainer(schema: RewardModelFormulaTests.schema, ridge: 1e-3).train(on: rows, armCount: 1)
        let values = RewardModelFormulaTests.estimates(model, armCount: 1).map { $0[0] }
        #expect(values[0] > 0.9 && values[0] < 1)
        #expect(values[1] < 0.01 && values[1] > 0)
    }

    /// Of all arms one conversion, none, one and a half: (sum r + 10 mean) / (n + 10).
    @Test func thinArmsGetTheirShrunkenMean() throws {
        let schema = RewardModelFormulaTests.schema
        let rows = [1.0, 1, 0].enumerated().map { index, reward in
            Interaction(context: RewardModelFormulaTests.context(index), arm: index / 2, propensity: nil, reward: reward)
        }
        var estimates = [Double](repeating: .nan, count: 3)
        try LogisticRewardTrainer(schema: schema).train(on: rows, armCount: 3).estimate(in: [:], into: &estimates)
        let mean = 2 / 3.0
        #expect(zip(estimates, [(2 + 10 * mean) / 12, 10 * mean / 11, mean]).allSatisfy { abs($0 - $1) < 1e-12 })
        try LogisticRewardTrainer(schema: schema).train(on: [], armCount: 3).estimate(in: [:], into: &estimates)
        #expect(estimates == [0, 0, 0])
    }

    /// A depth nobody has tried lies between its neighbours, in every context; regressions per arm know only the mean of all.
    @Test func aNewDepthBorrowsFromItsNeighbours() throws {
        let schema = FeatureSchema(features: [
            Feature(name: "x", kind: .number(missing: .mean, clip: .none, transform: .identity, scale: .standard))
        ])
        let arms = (0..<6).map { Arm(key: ArmKey("d\($0)"), discount: 0.05 * Double($0), isControl: $0 == 0) }
        // A bow in the depth whose size depends on the context.
        func truth(_ arm: Int, _ x: Double) -> Double {
            let depth = 0.05 * Double(arm)
            return 1 + (3 + 2 * x) * depth - 8 * depth * depth
        }
        var generator = SeededGenerator(seed: 8)
        let rows = (0..<3000).compactMap { _ -> Interaction? in
            let (x, arm) = (generator.normal(), Int(6 * generator.uniform()))
            let reward = truth(arm, x) + 0.3 * generator.normal()
            return arm == 3 ? nil : Interaction(context: ["x": .number(x)], arm: arm, propensity: nil, reward: reward)
        }
        let shared = try SharedRewardTrainer(schema: schema, arms: arms).train(on: rows, armCount: 6)
        let linear = try LinearRewardTrainer(schema: schema).train(on: rows, armCount: 6)
        var (sharedError, linearError) = (0.0, 0.0)
        var estimates = [Double](repeating: 0, count: 6)
        for x in stride(from: -1.5, through: 1.5, by: 0.5) {
            shared.estimate(in: ["x": .number(x)], into: &estimates)
            sharedError = max(sharedError, abs(estimates[3] - truth(3, x)))
            linear.estimate(in: ["x": .number(x)], into: &estimates)
            linearError = max(linearError, abs(estimates[3] - truth(3, x)))
        }
        // Noise .3 over 600 rows an arm: .02 at the mean, some times that at x = 1.5 and between the arms.
        #expect(sharedError < 0.1)
        #expect(linearError > 0.3)
    }

    /// Two messages and a discount; a message without rows gets what all arms have in common.
    @Test func armsWithoutDepthHaveIndicators() throws {
        let arms = [Arm(key: "none", discount: 0, isControl: true), Arm(key: "mail"), Arm(key: "card"), Arm(key: "unseen")]
        let rows = RewardModelFormulaTests.rows(arms: 3) { [1.0, 3, 8][$0 % 3] }
        let model = try SharedRewardTrainer(schema: RewardModelFormulaTests.schema, arms: arms, ridge: 0.01).train(on: rows, armCount: 4)
        for estimates in RewardModelFormulaTests.estimates(model, armCount: 4) {
            // The ridge draws 20 rows an arm by well under 1 %.
            #expect(zip(estimates, [1.0, 3, 8]).allSatisfy { abs($0 - $1) < 0.03 })
            #expect(estimates[3] < 4)
        }
        #expect(
            RewardModelFormulaTests.estimates(
                try SharedRewardTrainer(schema: FeatureSchema(), arms: arms).train(on: [], armCount: 4), armCount: 4) == [
                    [0, 0, 0, 0], [0, 0, 0, 0],
                ])
    }
}
