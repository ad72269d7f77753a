import HaggleMath
import Testing

@testable import Policies

@Suite struct CorrelatedProbabilityOfBestTests {
    static func shares(_ means: [Double], _ covariance: [Double], chain: [Int] = []) -> [Double] {
        var workspace = ChoiceWorkspace()
        workspace.means = means
        workspace.covariance = covariance
        CorrelatedProbabilityOfBest()(&workspace, chain: chain)
        return workspace.shares
    }

    /// P(s_0 > s_1) = Phi((m_0 - m_1) / sd of the difference): one coordinate, integrated exactly.
    @Test(arguments: [(0.3, 1.0, 2.0, 0.9), (-2, 0.5, 0.5, -0.4), (0, 3, 0.1, 0.2), (4, 1, 1, 0)])
    func twoArmsInClosedForm(case values: (gap: Double, first: Double, second: Double, shared: Double)) {
        let p = Self.shares([values.gap, 0], [values.first, values.shared, values.shared, values.second])
        let exact = NormalDistribution.cumulative(values.gap / (values.first + values.second - 2 * values.shared).squareRoot())
        #expect(abs(p[0] - exact) < 1e-12)
        #expect(abs(p[0] + p[1] - 1) < 1e-12)
    }

    /// Without correlation it is what `ProbabilityOfBest` integrates to 1e-9. 6e-3: 1 021 points in four
    /// dimensions err by up to .0042 in 30 cases computed elsewhere.
    @Test func independentArmsAgreeWithTheIntegral() {
        let means = [0.0, 0.4, -0.3, 0.2, 0.9, -1]
        let deviations = [1.0, 0.5, 2, 0.3, 0.7, 1.2]
        var covariance = [Double](repeating: 0, count: 36)
        for arm in 0..<6 { covariance[arm * 7] = deviations[arm] * deviations[arm] }
        let p = Self.shares(means, covariance)
        let exact = ProbabilityOfBest()(means: means, deviations: deviations)
        for arm in 0..<6 { #expect(abs(p[arm] - exact[arm]) < 6e-3, "arm \(arm): \(p[arm]) for \(exact[arm])") }
    }

    /// Random covariances against 200 000 draws: 4.5 standard errors of a count and the lattice's 6e-3.
    @Test(arguments: [UInt64(1), 2, 3]) func agreesWithDraws(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let count = 5
        let root = (0..<count * count).map { _ in generator.normal() }
        let means = (0..<count).map { _ in generator.normal() }
        var covariance = [Double](repeating: 0, count: count * count)
        for a in 0..<count {
            for b in 0..<count { for k in 0..<count { covariance[a * count + b] += root[a * count + k] * root[b * count + k] } }
        }
        let p = Self.shares(means, covariance)
        let draws = 200_000
        var wins = [Double](repeating: 0, count: count)
        for _ in 0..<draws {
            let z = (0..<count).map { _ in generator.normal() }
            var best = (score: -Double.infinity, arm: 0)
            for a in 0..<count {
                var score = means[a]
                for k in 0..<count { score += root[a * count + k] * z[k] }
                if score > best.score { best = (score, a) }
            }
            wins[best.arm] += 1
        }
        for a in 0..<count {
            let share = wins[a] / Double(draws)
            #expect(abs(p[a] - share) < 6e-3 + 4.5 * (share * (1 - share) / Double(draws)).squareRoot())
        }
        #expect(abs(p.reduce(0, +) - 1) < 1e-12)
    }

    /// What all arms share moves no comparison: a constant on every entry of V, and on every mean.
    @Test func aCommonPartChangesNothing() {
        let covariance = [1, 0.3, 0.1, 0.3, 2, -0.2, 0.1, -0.2, 0.5]
        let p = Self.shares([0.1, 0.4, 0], covariance)
        let q = Self.shares([8.1, 8.4, 8], covariance.map { $0 + 5 })
        for arm in 0..<3 { #expect(abs(p[arm] - q[arm]) < 1e-9) }
    }

    @Test func certainScoresAndTwinsShare() {
        #expect(Self.shares([1, 3, 3], [Double](repeating: 0, count: 9)) == [0, 0.5, 0.5])
        // Arms 0 and 1 are one variable; the third is better by a standard deviation of the difference.
        let p = Self.shares([0, 0, 1], [1, 1, 0.5, 1, 1, 0.5, 0.5, 0.5, 1])
        #expect(p[0] == p[1])
        #expect(abs(p[2] - NormalDistribution.cumulative(1)) < 1e-12)
    }

    /// A rare arm's share is a tail and not a count: the third line is on top only beyond four standard deviations.
    @Test func aRareArmKeepsItsShare() {
        let p = Self.shares([0, 0.5, -4], [0.01, 0, 0, 0, 0.01, 0, 0, 0, 1])
        let exact = ProbabilityOfBest()(means: [0, 0.5, -4], deviations: [0.1, 0.1, 1])
        #expect(p[2] > 0)
        #expect(abs(p[2] / exact[2] - 1) < 0.05)
    }

    @Test func projectionPoolsWhatFalls() {
        var values = [3.0, 1, 2, 5, 4, 9]
        var blocks: [(sum: Double, count: Int)] = []
        // Position 5 is not in the chain.
        MonotoneProjection.apply(to: &values, along: [0, 1, 2, 3, 4], blocks: &blocks)
        #expect(values == [2, 2, 2, 4.5, 4.5, 9])
    }

    /// Along a chain the last arm is always among the best, and arms that are pooled with it share with it.
    @Test func underMonotoneDemandTheDeepestIsNeverBeaten() {
        let p = Self.shares([0.4, 0.2, 0], [1, 0, 0, 0, 1, 0, 0, 0, 1], chain: [0, 1, 2])
        #expect(p[2] >= p[1] && p[1] >= p[0])
        #expect(abs(p.reduce(0, +) - 1) < 1e-12)
        // Means far above their doubt in the chain's order: certain.
        #expect(Self.shares([0, 10, 20], [1, 0, 0, 0, 1, 0, 0, 0, 1], chain: [0, 1, 2])[2] > 0.999)
    }
}
