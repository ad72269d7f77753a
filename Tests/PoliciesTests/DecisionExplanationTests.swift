import Foundation
import HaggleCore
import HaggleMath
import Testing

@testable import Policies

@Suite struct DecisionExplanationTests {
    static func snapshot(_ algorithm: PolicyConfiguration.Algorithm, world: World = .linear, rows: Int = 4000, scale: Double = 1) throws
        -> ServingSnapshot
    {
        let configuration = PolicyConfiguration(
            algorithm: algorithm, floor: 0.02, epsilon: 0.1, model: .init(hidden: [16, 8], learningRate: 0.01, batch: 64, epochs: 8))
        var log = world.log(count: rows, seed: 21)
        for index in log.indices { log[index].reward *= scale }
        return try PolicyLearner.refit(world.experiment(configuration), experimentVersion: 1, interactions: log).snapshot(version: 4)
    }

    static func background(_ count: Int = 60, seed: UInt64 = 8) -> [Context] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in World.context(x: generator.normal(), z: generator.normal()) }
    }

    @Test(arguments: [PolicyConfiguration.Algorithm.linearThompson, .neuralThompson, .epsilonGreedy])
    func everyPartSums(algorithm: PolicyConfiguration.Algorithm) throws {
        let snapshot = try Self.snapshot(algorithm)
        let context = World.context(x: 0.4, z: 0.2)
        let explanation = try DecisionExplanation(
            of: snapshot, in: context, eligible: [0, 1, 2], shown: 2, background: Self.background())
        let distribution = SnapshotPolicy(snapshot).distribution(over: [0, 1, 2], in: context)
        #expect(explanation.arms.map(\.probability) == distribution.probabilities)
        #expect(abs(explanation.explorationByFloor + explanation.explorationByRule - explanation.exploration) < 1e-15)
        #expect(explanation.explorationByFloor <= 0.04 + 1e-15)
        for part in explanation.arms {
            let sum = part.contributions.reduce(0) { $0 + $1.shapley }
            #expect(abs(sum - (part.expectedReward - part.baseReward)) < 1e-9)
        }
        #expect(explanation.method == (snapshot.representation.basis == .network ? .exact : .additive))
        #expect(
            explanation
                == (try DecisionExplanation(
                    of: snapshot, in: context, eligible: [0, 1, 2], shown: 2, background: Self.background())))
    }

    /// Rewards of the world are .2, .8 x - .1, -.5 x + .6 z with x sent as 5000 + 1000 x; 4000 rows of noise .5 put a coefficient's
    /// standard error at .014, so .06 is four of them.
    @Test func scoresAndContributionsAreInTheRewardsUnit() throws {
        for scale in [1.0, 1e6] {
            let explanation = try DecisionExplanation(
                of: Self.snapshot(.linearThompson, scale: scale), in: World.context(x: 1, z: 0.2), eligible: [0, 1, 2],
                background: [World.context(x: 0, z: 0.2)])
            let five = explanation.arms[1]
            #expect(abs(five.expectedReward / scale - 0.7) < 0.08)
            #expect(abs(five.baseReward / scale + 0.1) < 0.08)
            #expect(abs(five.contributions[0].shapley / scale - 0.8) < 0.06)
            #expect(five.contributions[1].shapley == 0 && five.contributions[2].shapley == 0)
            #expect(five.standardDeviation / scale > 0.005 && five.standardDeviation / scale < 0.05)
            #expect(explanation.best == "five")
            #expect(explanation.wasExploration == nil)
        }
    }

    /// .8 x - .1 passes .2 at x = .375, which is sent as 5375.
    @Test func theCounterfactualFindsTheTrueThreshold() throws {
        let snapshot = try Self.snapshot(.linearThompson)
        let explanation = try DecisionExplanation(
            of: snapshot, in: World.context(x: 0, z: -1), eligible: [0, 1], shown: 1, background: Self.background(200))
        #expect(explanation.best == "none")
        #expect(explanation.wasExploration == true)
        let alternative = try #require(explanation.alternatives.first)
        let change = try #require(alternative.counterfactual.changes.first)
        #expect(alternative.arm == "five" && change.feature == "x" && change.comparison == .atLeast)
        guard case .number(let threshold) = change.to else { throw PoliciesError.noRows(what: "a threshold") }
        #expect(abs(threshold - 5375) < 100)
        // The condition holds where it says and not clearly before.
        let scores = ArmScores(snapshot)
        func best(_ x: Double) -> Int {
            var context = World.context(x: 0, z: -1)
            context["x"] = .number(x)
            let means = scores(of: [0, 1], in: context).means
            return means[1] > means[0] ? 1 : 0
        }
        #expect(best(threshold) == 1 && best(threshold - 40) == 0)
        let text = explanation.lines().joined(separator: "\n")
        #expect(text.contains("five was given as exploration; the arm of the largest expected reward is none."))
        #expect(text.contains("The best would be five if `x` were at least 5"))
        #expect(!text.contains("nan"))
    }

    /// Two switches that only together make arm 1 the best.
    @Test func aPairIsFoundWhereNoSingleChangeDoes() throws {
        let schema = FeatureSchema(features: ["a", "b"].map { Feature(name: $0, kind: .boolean(missing: false)) })
        let function = ContextFunction(outputCount: 2) { context in [1, context["a"] == true && context["b"] == true ? 2 : 0] }
        let off: Context = ["a": false, "b": false]
        let found = CounterfactualSearch(
            of: function, eligible: [3, 5], at: off, schema: schema, background: [off, ["a": true, "b": false]])()
        let pair = try #require(found.first)
        #expect(found.count == 1 && pair.arm == 5 && Set(pair.changes.map(\.feature)) == ["a", "b"])
        #expect(pair.changes.allSatisfy { $0.comparison == .equals && $0.to == true })
        // a = true is half of the background, b = true none of it.
        #expect(abs(pair.size - 1.5) < 1e-12)
        let never = ContextFunction(outputCount: 2) { _ in [1, 0] }
        #expect(CounterfactualSearch(of: never, eligible: [0, 1], at: off, schema: schema, background: [off])().isEmpty)
    }

    @Test(arguments: [PolicyConfiguration.Algorithm.fixed, .uniform, .linearThompson])
    func aSnapshotWithoutDataIsExplained(algorithm: PolicyConfiguration.Algorithm) throws {
        let snapshot = ServingSnapshot.initial(
            experiment: World.linear.experiment(PolicyConfiguration(algorithm: algorithm)), experimentVersion: 1)
        let explanation = try DecisionExplanation(
            of: snapshot, in: [:], eligible: [0, 2], shown: 0, background: Self.background(5))
        #expect(explanation.arms.allSatisfy { $0.contributions.allSatisfy { $0.shapley == 0 } })
        #expect(explanation.alternatives.isEmpty)
        #expect(!explanation.lines().isEmpty)
    }

    @Test func anEmptyBackgroundIsRefused() throws {
        let snapshot = try Self.snapshot(.linearThompson, rows: 200)
        #expect(throws: PoliciesError.self) { try DecisionExplanation(of: snapshot, in: [:], eligible: [0], background: []) }
        #expect(throws: PoliciesError.self) { try GlobalExplanation(of: snapshot, contexts: []) }
    }

    /// x and z decide in this world, the channel does not; the partial dependence of arm 1 on x is the line .8 x - .1.
    @Test func globalImportanceAndPartialDependence() throws {
        let contexts = Self.background(150)
        let explanation = try GlobalExplanation(of: Self.snapshot(.linearThompson), contexts: contexts)
        #expect(explanation.importance.map(\.feature).last == "channel")
        #expect(explanation.importance[0].feature == "x" && explanation.importance[0].permutation > 0.1)
        // E|.8 (x - 0)| of a standard normal is .64.
        #expect(abs(explanation.importance[0].shapley[1] - 0.64) < 0.12)
        let line = try #require(explanation.partialDependence.first { $0.feature == "x" })
        #expect(line.points.count == 20)
        for point in line.points {
            guard case .number(let x) = point.value else { continue }
            #expect(abs(point.expectedRewards[1] - (0.8 * (x - 5000) / 1000 - 0.1)) < 0.15)
        }
        #expect(explanation.partialDependence.map(\.feature) == ["x", "z", "channel"])
    }

    @Test func customersAreScoredWithTheirDoubt() throws {
        let snapshot = try Self.snapshot(.linearThompson)
        let score = CustomerScorer(snapshot)(World.context(x: 1, z: 0))
        #expect(abs(score.uplifts[1] - 0.5) < 0.1 && score.uplifts[0] == 0)
        #expect(score.upliftDeviations[0] == 0)
        #expect(score.upliftDeviations[1] > score.standardDeviations[1])
        #expect(score.best(controlIndex: 0) == 1)
        #expect(abs(score.propensities.reduce(0, +) - 1) < 1e-12)
        #expect(CustomerScorer(snapshot).expectedRewards(World.context(x: 1, z: 0)) == score.expectedRewards)
    }

    @Test func theJSONHasTheNamesOfTheInterfaceAndReadsBack() throws {
        let explanation = try DecisionExplanation(
            of: Self.snapshot(.linearThompson, rows: 500), in: World.context(x: 0, z: -1), eligible: [0, 1, 2], shown: 1,
            background: Self.background(30))
        let data = try JSONEncoder().encode(explanation)
        #expect(try JSONDecoder().decode(DecisionExplanation.self, from: data) == explanation)
        let text = String(decoding: data, as: UTF8.self)
        for name in ["exploration_by_floor", "was_exploration", "expected_reward", "base_reward", "shapley", "background_count"] {
            #expect(text.contains("\"\(name)\""))
        }
    }
}
