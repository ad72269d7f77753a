import HaggleCore
import HaggleMath
import Testing

@Suite struct ArmDistributionTests {
    /// p = f + (1 - K f) w, worked by hand for f = .1 and two eligible arms of three.
    @Test func theFloorIsAdditiveOverTheEligibleArms() {
        let distribution = ArmDistribution(weights: [3, 9, 1], floor: 0.1, eligible: [0, 2])
        #expect(distribution.probabilities == [0.1 + 0.8 * 0.75, 0, 0.1 + 0.8 * 0.25])
    }

    @Test func weightsThatSumToZeroAreShared() {
        #expect(ArmDistribution(weights: [0, 0, 0, 0], floor: 0, eligible: [0, 1, 2, 3]).probabilities == [0.25, 0.25, 0.25, 0.25])
    }

    @Test func theDrawInvertsTheCumulativeDistribution() {
        let distribution = ArmDistribution(weights: [1, 0, 3], floor: 0, eligible: [0, 1, 2])
        #expect(distribution.draw(0) == 0)
        #expect(distribution.draw(0.249_999) == 0)
        #expect(distribution.draw(0.25) == 2)
        #expect(distribution.draw(0.999_999_999_999_999_9) == 2)
    }

    /// 100 000 draws: the frequency's standard error is at most .0016, so .008 is five of them.
    @Test func frequenciesFollowTheProbabilities() {
        let distribution = ArmDistribution(weights: [1, 2, 7], floor: 0.02, eligible: [0, 1, 2])
        var generator = SeededGenerator(seed: 11)
        var counts = [0.0, 0, 0]
        for _ in 0..<100_000 { counts[distribution.draw(generator.uniform())] += 1 }
        for (count, probability) in zip(counts, distribution.probabilities) { #expect(abs(count / 100_000 - probability) < 0.008) }
    }

    @Test(arguments: [[0.5, 0.4], [1.5, -0.5], [.nan, 1], [.infinity, 0]])
    func refusesWhatIsNoDistribution(_ values: [Double]) { #expect(ArmDistribution(given: values) == nil) }
}
