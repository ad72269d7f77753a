import Evaluation
import Foundation
import HaggleMath
import Testing

/// Numbers of `intervals.json`, made with scipy and numpy.
private struct IntervalFixture: Decodable {
    struct Share: Decodable {
        var successes: Int
        var trials: Int
        var level: Double
        var lower: Double
        var upper: Double
    }

    struct Mean: Decodable {
        var count: Int
        var low: Double
        var high: Double
        var level: Double
        var mean: Double
        var variance: Double
        var hoeffding: Double
        var bernstein: Double
    }

    struct Likelihood: Decodable {
        var weights: [Double]
        var rewards: [Double]
        var largest: Double
        var low: Double
        var high: Double
        var level: Double
        var lower: Double
        var upper: Double
    }

    struct Sequence: Decodable {
        var alpha: Double
        var offsets: [Double]
        var outcomes: [Double]
        var bounds: [Double]
    }

    struct Quantile: Decodable {
        var degrees: Double
        var level: Double
        var quantile: Double
    }

    // The file's names.
    // swift-format-ignore: AlwaysUseLowerCamelCase
    var clopper_pearson: [Share]
    var concentration: [Mean]
    // swift-format-ignore: AlwaysUseLowerCamelCase
    var cressie_read: [Likelihood]
    var sequence: Sequence
    // swift-format-ignore: AlwaysUseLowerCamelCase
    var student_t: [Quantile]

    static func read() throws -> Self { try Fixture.json("intervals.json", as: Self.self) }
}

struct IntervalFormulaTests {
    @Test func clopperPearsonAgreesWithBetaQuantiles() throws {
        for expected in try IntervalFixture.read().clopper_pearson {
            let found = try #require(
                ClopperPearson.interval(successes: expected.successes, trials: expected.trials, level: expected.level))
            #expect(abs(found.lower - expected.lower) <= 1e-10 * max(expected.lower, 1e-3), "\(expected)")
            #expect(abs(found.upper - expected.upper) <= 1e-10, "\(expected)")
        }
        #expect(ClopperPearson.interval(successes: 0, trials: 0, level: 0.95) == nil)
    }

    /// With no success in n trials the upper bound is 1 - (alpha / 2)^(1 / n).
    @Test(arguments: [1, 7, 100])
    func clopperPearsonOfNoSuccessHasAClosedForm(trials: Int) throws {
        let found = try #require(ClopperPearson.interval(successes: 0, trials: trials, level: 0.9))
        #expect(found.lower == 0)
        #expect(agree(found.upper, 1 - ElementaryFunctions.exp(ElementaryFunctions.log(0.05) / Double(trials)), within: 1e-12))
    }

    @Test func concentrationBoundsAreThoseOfTheirPapers() throws {
        for expected in try IntervalFixture.read().concentration {
            let hoeffding = try #require(
                ConcentrationBounds.hoeffding(
                    mean: expected.mean, count: expected.count, range: expected.low...expected.high, level: expected.level))
            #expect(agree(hoeffding.upper - expected.mean, expected.hoeffding, within: 1e-12))
            #expect(agree(expected.mean - hoeffding.lower, expected.hoeffding, within: 1e-12))
            let bernstein = try #require(
                ConcentrationBounds.empiricalBernstein(
                    mean: expected.mean, variance: expected.variance, count: expected.count, range: expected.low...expected.high,
                    level: expected.level))
            #expect(agree(bernstein.upper - expected.mean, expected.bernstein, within: 1e-12))
            #expect(agree(expected.mean - bernstein.lower, expected.bernstein, within: 1e-12))
        }
        #expect(ConcentrationBounds.hoeffding(mean: 0, count: 0, range: 0...1, level: 0.9) == nil)
        #expect(ConcentrationBounds.empiricalBernstein(mean: 0, variance: 0, count: 1, range: 0...1, level: 0.9) == nil)
    }

    /// The closed form against a projection that numpy carries out.
    @Test func cressieReadBoundsAgreeWithAProjection() throws {
        for expected in try IntervalFixture.read().cressie_read {
            var sums = CressieReadInterval.Sums()
            for (weight, reward) in zip(expected.weights, expected.rewards) { sums.add(weight: weight, reward: reward) }
            let interval = CressieReadInterval(rewards: expected.low...expected.high, largestWeight: expected.largest)
            let found = try #require(interval.bounds(sums, level: expected.level))
            #expect(abs(found.lower - expected.lower) < 1e-9)
            #expect(abs(found.upper - expected.upper) < 1e-9)
        }
    }

    /// A fake row of weight 1e5 gives what the limit says up to n / 1e5 = 6e-4, and the limit is the wider one. (Heavier ones lose the digits of
    /// w^2 in the differences of squares.)
    @Test func cressieReadWithoutABoundIsTheLimitOfLargeOnes() throws {
        let example = try IntervalFixture.read().cressie_read[0]
        var sums = CressieReadInterval.Sums()
        for (weight, reward) in zip(example.weights, example.rewards) { sums.add(weight: weight, reward: reward) }
        let limit = try #require(CressieReadInterval(rewards: 0...1).bounds(sums, level: 0.95))
        let large = try #require(CressieReadInterval(rewards: 0...1, largestWeight: 1e5).bounds(sums, level: 0.95))
        let small = try #require(CressieReadInterval(rewards: 0...1, largestWeight: 5).bounds(sums, level: 0.95))
        #expect(abs(limit.lower - large.lower) < 6e-4 && abs(limit.upper - large.upper) < 6e-4)
        #expect(limit.lower < small.lower && limit.upper > small.upper)
        #expect(CressieReadInterval(rewards: 0...1).bounds(CressieReadInterval.Sums(), level: 0.95) == nil)
    }

    /// Rewards that do not vary and weights that do not either still give finite bounds in range.
    @Test(arguments: [0.0, 1.0], [0.0, 1.0])
    func cressieReadOfConstantsIsFinite(weight: Double, reward: Double) throws {
        var sums = CressieReadInterval.Sums()
        for _ in 0..<20 { sums.add(weight: weight, reward: reward) }
        for largest in [5, Double.infinity] {
            let found = try #require(CressieReadInterval(rewards: 0...1, largestWeight: largest).bounds(sums, level: 0.95))
            #expect(found.lower >= 0 && found.upper <= 1 && found.lower <= found.upper, "\(found)")
        }
    }

    @Test func theSequenceIsThatOfThePaperAtEveryTime() throws {
        let expected = try IntervalFixture.read().sequence
        var sequence = ConfidenceSequence(alpha: expected.alpha)
        #expect(sequence.lowerBound == -.infinity)
        for index in expected.outcomes.indices {
            sequence.add(expected.outcomes[index], offset: expected.offsets[index])
            #expect(abs(sequence.lowerBound - expected.bounds[index]) <= 1e-9 * max(1, abs(expected.bounds[index])), "row \(index)")
        }
        #expect(sequence.count == expected.outcomes.count)
        let copy = try JSONDecoder().decode(ConfidenceSequence.self, from: JSONEncoder().encode(sequence))
        #expect(copy == sequence)
    }

    /// 3.0352 standard errors where it is tuned, 1.55 times a normal interval; wider on both sides (numpy, from the formula).
    @Test func theAsymptoticSequenceIsNarrowestWhereItIsTuned() {
        #expect(abs(AsymptoticSequence.factor(observationCount: 10_000, level: 0.95) - 3.0352089903762534) < 1e-12)
        #expect(abs(AsymptoticSequence.factor(observationCount: 1000, level: 0.95) - 3.8550546335303104) < 1e-12)
        #expect(abs(AsymptoticSequence.factor(observationCount: 1_000_000, level: 0.95) - 3.5616410409189) < 1e-12)
    }

    @Test func studentQuantilesAreThoseOfScipy() throws {
        for expected in try IntervalFixture.read().student_t {
            let found = StudentT.quantile((1 + expected.level) / 2, degreesOfFreedom: expected.degrees)
            #expect(agree(found, expected.quantile, within: 1e-10))
        }
    }
}
