import Evaluation
import HaggleCore
import HaggleMath
import Learning
import Policies
import Testing

/// The whole measurement on simulated rows: paired DR with logged propensities, then the decision.
struct GateTrialTests {
    /// Plays one arm per segment with probability .9.
    private struct SegmentPolicy: Policy {
        let armOfSegment: [Int]
        let armCount = 2

        func distribution(over eligible: [Int], in context: Context) -> ArmDistribution {
            let segment = context["segment"] == .number(1) ? 1 : 0
            var weights = [0.1, 0.1]
            weights[armOfSegment[segment]] = 0.9
            return ArmDistribution(weights: weights, floor: 0, eligible: eligible)
        }
    }

    /// Always 3: wrong on purpose, because DR must not need a right model.
    private struct WrongModel: RewardModel {
        func estimate(in context: Context, into estimates: inout [Double]) {
            for index in estimates.indices { estimates[index] = 3 }
        }
    }

    /// Rows logged with 30 : 70. One in five units buys for 20 on average; the right arm for a segment adds `effect`.
    private static func rows(_ count: Int, effect: Double, _ generator: inout SeededGenerator) -> [Interaction] {
        (0..<count).map { _ in
            let segment = generator.uniform() < 0.5 ? 0 : 1
            let arm = generator.uniform() < 0.3 ? 0 : 1
            let buys = generator.uniform() < 0.2
            var reward = buys ? 20 * generator.exponential() : 0
            if arm == segment { reward += effect }
            let propensity = arm == 0 ? 0.3 : 0.7
            return Interaction(context: ["segment": .number(Double(segment))], arm: arm, propensity: propensity, reward: reward)
        }
    }

    private static func measure(
        _ candidate: SegmentPolicy, against serving: SegmentPolicy, _ rows: [Interaction]
    ) async throws -> GateMeasurement {
        try await GateTrial.measure(
            candidate, against: [.init(kind: .serving, policy: serving)], on: rows[...], rewardModel: WrongModel())
    }

    private static let right = SegmentPolicy(armOfSegment: [0, 1])
    private static let left = SegmentPolicy(armOfSegment: [1, 0])

    /// The right policy earns .9 of the effect, the wrong one .1.
    @Test func differenceIsTheTrueOne() async throws {
        var generator = SeededGenerator(seed: 5)
        let measured = try await Self.measure(Self.left, against: Self.right, Self.rows(20_000, effect: 4, &generator))
        let comparison = try #require(measured.comparisons.first)
        let (difference, error) = (try #require(comparison.difference), try #require(comparison.standardError))
        #expect(abs(difference + 3.2) < 4 * error)
        // Weights up to 3 and a reward's deviation of 12: a few tenths at 20 000 rows.
        #expect(error < 0.3)
        #expect(measured.rows == 20_000 && measured.verdict == .supported)
    }

    @Test func harmfulCandidateIsVetoedNearlyAlways() async throws {
        let worlds = GateTests.isSoak ? 300 : 40
        var vetoed = 0
        for world in 0..<worlds {
            var generator = SeededGenerator(seed: 6, stream: UInt64(world))
            let measured = try await Self.measure(Self.left, against: Self.right, Self.rows(800, effect: 10, &generator))
            #expect(measured.verdict != .unsupported)
            // -8 at a standard error of about .9, against a level of look 20 that asks for 3.7 of them.
            if GateTests.gate().judge(measured, look: 20).decision == .worse { vetoed += 1 }
        }
        #expect(Double(vetoed) >= 0.95 * Double(worlds), "\(vetoed) of \(worlds)")
    }

    /// Skewed money, weights, estimated standard errors: the promise holds for what is really computed, not only for normal numbers.
    @Test func equalPoliciesAreSeldomToldApart() async throws {
        let worlds = GateTests.isSoak ? 400 : 60
        let looks = GateTests.isSoak ? 200 : 30
        var wrong = 0
        var wrongAtFixedLevel = 0
        for world in 0..<worlds {
            var generator = SeededGenerator(seed: 7, stream: UInt64(world))
            var isWrong = false
            var isWrongAtFixedLevel = false
            for look in 1...looks {
                let measured = try await Self.measure(Self.left, against: Self.right, Self.rows(300, effect: 0, &generator))
                let judged = GateTests.gate().judge(measured, look: look)
                if judged.decision == .worse || judged.decision == .better { isWrong = true }
                if let comparison = measured.comparisons.first, let difference = comparison.difference,
                    let error = comparison.standardError,
                    abs(difference) > 1.96 * error
                {
                    isWrongAtFixedLevel = true
                }
            }
            if isWrong { wrong += 1 }
            if isWrongAtFixedLevel { wrongAtFixedLevel += 1 }
        }
        let limit = Double(worlds) * 0.05 + 3 * (Double(worlds) * 0.05 * 0.95).squareRoot()
        #expect(Double(wrong) <= limit, "\(wrong) of \(worlds)")
        #expect(Double(wrongAtFixedLevel) > limit, "\(wrongAtFixedLevel) of \(worlds)")
    }

    @Test func rowsWithoutPropensityJudgeNothing() async throws {
        var generator = SeededGenerator(seed: 8)
        var rows = Self.rows(600, effect: 1, &generator)
        for index in 0..<200 { rows[index].propensity = nil }
        #expect(try await Self.measure(Self.left, against: Self.right, rows).rows == 400)
        for index in rows.indices { rows[index].propensity = nil }
        let nothing = try await Self.measure(Self.left, against: Self.right, rows)
        #expect(nothing.rows == 0 && nothing.verdict == .unsupported && nothing.cut == nil)
        #expect(GateTests.gate().judge(nothing, look: 1).decision == .tooEarly)
    }

    /// The rows after the cut must not reach the candidate, the posteriors or q before they have judged.
    @Test func newerRowsChangeNoTrainedPart() async throws {
        let experiment = LearningLog.experiment()
        var generator = SeededGenerator(seed: 9)
        let rows = (0..<500).map { index in
            Interaction(
                time: LearningLog.start + Double(index), context: ["recency": .number(generator.normal()), "channel": .text("web")],
                arm: index % 3, propensity: 1.0 / 3, reward: generator.normal())
        }
        let serving = ServingSnapshot.initial(experiment: experiment, experimentVersion: 1)
        func run(_ rows: [Interaction]) async throws -> GateTrial.Result {
            try await GateTrial(
                experiment, version: 1, interactions: rows, serving: serving, servingNetwork: 1, approved: nil
            ).run()
        }
        let first = try await run(rows)
        var other = rows
        for index in 400..<500 { other[index].context["recency"] = .number(1e6) }
        let second = try await run(other)
        #expect(first.measurement.trainingRows == 400 && first.measurement.rows == 100)
        #expect(first.measurement.cut == LearningLog.start + 400)
        #expect(first.candidate.base.representation == second.candidate.base.representation)
        #expect(first.candidate.posterior.counts.reduce(0, +) == 500)
        #expect(first.measurement.comparisons.map(\.baseline) == [.serving, .control])
    }
}
