import Foundation
import HaggleCore
import HaggleMath
import Policies
import TestSupport
import Testing

/// Chooses by a softmax of linear scores in x and z: what the model can represent.
private struct SoftmaxLogging: Policy {
    let armCount = 3

    func distribution(over eligible: [Int], in context: Context) -> ArmDistribution {
        guard case .number(let x)? = context["x"], case .number(let z)? = context["z"] else {
            return .even(over: eligible, of: 3)
        }
        let scores = [0, 0.8 * (x - 5000) / 1000 - 0.5, 0.6 * z]
        return ArmDistribution(weights: scores.map { exp($0) }, floor: 0, eligible: eligible)
    }
}

@Suite struct PropensityModelTests {
    /// The penalised maximum, from scipy 1.17 (`optimize.minimize`, BFGS): the rows of `RewardModelFormulaTests`, arm 1 where
    /// cos 2.3 i + x > .4, else 2 where sin 4.1 i - m > 0, else 0; ridge .7.
    @Test func theFitIsThePenalisedMaximum() throws {
        let rows = (0..<60).map { i in
            let (x, m) = (RewardModelFormulaTests.x(i), RewardModelFormulaTests.m(i))
            let arm = cos(2.3 * Double(i)) + x > 0.4 ? 1 : sin(4.1 * Double(i)) - m > 0 ? 2 : 0
            return Interaction(context: RewardModelFormulaTests.context(i), arm: arm, propensity: nil, reward: 0)
        }
        let model = try PropensityModel(fittedTo: rows, schema: RewardModelFormulaTests.schema, armCount: 3, ridge: 0.7)
        let expected = [
            [0.3551985139265268, 0.3260389376901771, 0.31876254838329604], [0.8184600220067852, 0.09038317724302936, 0.09115680075018527],
        ]
        for (context, p) in zip(RewardModelFormulaTests.contexts, expected) {
            let found = model.distribution(over: [0, 1, 2], in: context)
            // Stops at a gradient of 6e-6 where the curvature is at least .7.
            for arm in 0..<3 { #expect(abs(found[arm] - p[arm]) < 1e-5) }
        }
        #expect(model.isConverged)
    }

    /// A known logging policy is found again, and rows that the fit has not seen are foretold with the right frequency.
    @Test func aKnownLoggingPolicyIsFound() throws {
        let world = World.linear
        let logging = SoftmaxLogging()
        let log = world.log(count: 8000, seed: 61, policy: logging)
        let model = try PropensityModel(fittedTo: Array(log[..<4000]), schema: world.schema, armCount: 3)
        var calibration = PropensityCalibration(armCount: 3)
        var best = calibration
        var error = 0.0
        for row in log[4000...] {
            let (found, truth) = (
                model.distribution(over: [0, 1, 2], in: row.context), logging.distribution(over: [0, 1, 2], in: row.context)
            )
            calibration.add(found, eligible: [0, 1, 2], chosen: row.arm)
            best.add(truth, eligible: [0, 1, 2], chosen: row.arm)
            for arm in 0..<3 { error += abs(found[arm] - truth[arm]) / 12_000 }
        }
        // Ten free coefficients over 4000 rows: sqrt(10/4000)/2 is .025 a probability at most.
        #expect(error < 0.02)
        #expect(calibration.rowCount == 4000)
        #expect(try #require(calibration.calibrationError) < 0.02)
        // An arm's frequency over 4000 other rows: the error of the fit doubles the variance, so four sd are 5.7.
        #expect(calibration.arms.allSatisfy { abs($0.deviation ?? .infinity) < 5.7 })
        // Of what the truth explains, all but the price of ten coefficients: 10 / (2 * 4000) of a log loss near 1.
        let share = try #require(best.explainedShare)
        #expect(share > 0.05)
        #expect(abs(try #require(calibration.explainedShare) - share) < 0.005)
        #expect(calibration.leastChosen > 0)
    }

    /// A model that knows nothing of the choice explains nothing, and one that is sure of the wrong arm is found out.
    @Test func calibrationTellsGoodFromBad() throws {
        let log = World.linear.log(count: 3000, seed: 62, policy: SoftmaxLogging())
        var (even, wrong, halves) = (
            PropensityCalibration(armCount: 3), PropensityCalibration(armCount: 3), PropensityCalibration(armCount: 3)
        )
        var second = PropensityCalibration(armCount: 3)
        let shifted = FixedPolicy(probabilities: [0.02, 0.02, 0.96])
        for (index, row) in log.enumerated() {
            even.add(.even(over: [0, 1, 2], of: 3), eligible: [0, 1, 2], chosen: row.arm)
            wrong.add(shifted.distribution(over: [0, 1, 2], in: row.context), eligible: [0, 1, 2], chosen: row.arm)
            let distribution = SoftmaxLogging().distribution(over: [0, 1, 2], in: row.context)
            if index < 1000 {
                halves.add(distribution, eligible: [0, 1, 2], chosen: row.arm)
            } else {
                second.add(distribution, eligible: [0, 1, 2], chosen: row.arm)
            }
        }
        #expect(abs(try #require(even.explainedShare)) < 1e-12)
        #expect(abs(try #require(even.meanLogLoss) - 1.0986122886681098) < 1e-12)
        #expect(try #require(wrong.explainedShare) < 0)
        #expect(try #require(wrong.calibrationError) > 0.3)
        #expect(wrong.bins[9].count == 3000 && wrong.bins[0].count == 6000)
        halves.merge(second)
        #expect(halves.rowCount == 3000)
        #expect(halves.bins.reduce(0) { $0 + $1.count } == 9000)
        #expect(halves.bins.reduce(0) { $0 + $1.observed } == 3000)
        // The truth itself: each bin's deviation is standard normal; ten of them within 4.
        #expect(halves.bins.allSatisfy { abs($0.deviation ?? 0) < 4 })
        let none = PropensityCalibration(armCount: 3)
        #expect(none.meanLogLoss == nil && none.explainedShare == nil && none.calibrationError == nil && none.leastChosen == 1)
    }

    /// Where an arm was not eligible, not choosing it says nothing about it.
    @Test func eligibleArmsAreWhatIsChosenFrom() throws {
        let world = World.linear
        var generator = SeededGenerator(seed: 5)
        let rows = (0..<3000).map { index in
            // Arm 2 is chosen half of the times that it may be; it may be in one row of three.
            let eligible = index % 3 == 0 ? [0, 1, 2] : [0, 1]
            let arm = eligible.count == 3 && generator.uniform() < 0.5 ? 2 : Int(2 * generator.uniform())
            return Interaction(
                context: World.context(x: generator.normal(), z: generator.normal()), eligible: eligible, arm: arm, propensity: nil,
                reward: 0)
        }
        let model = try PropensityModel(fittedTo: rows, schema: world.schema, armCount: 3)
        let p = model.distribution(over: [0, 1, 2], in: World.context(x: 0, z: 0))
        // sqrt(.25/1000) is .016.
        #expect(abs(p[2] - 0.5) < 0.07)
        #expect(policyViolations(model, floor: 0, contexts: World.oddContexts) == [])
    }

    @Test func rowsThatCannotBeAreErrors() {
        let schema = World.linear.schema
        #expect(throws: PoliciesError.noRows(what: "the propensity model")) {
            try PropensityModel(fittedTo: [], schema: schema, armCount: 3)
        }
        let row = Interaction(eligible: [1], arm: 0, propensity: nil, reward: 0)
        #expect(throws: PoliciesError.armNotEligible(row: 0, arm: 0)) { try PropensityModel(fittedTo: [row], schema: schema, armCount: 3) }
        let other = Interaction(arm: 5, propensity: nil, reward: 0)
        #expect(throws: PoliciesError.armOutOfRange(row: 0, arm: 5, armCount: 3)) {
            try PropensityModel(fittedTo: [other], schema: schema, armCount: 3)
        }
    }
}
