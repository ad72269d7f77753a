import HaggleMath
import Policies
import RealModule
import Testing

@Suite struct ProbabilityOfBestTests {
    struct Case: Sendable {
        var means: [Double]
        var deviations: [Double]
    }

    /// Cases with standard deviations up to `ratio` apart, means of the size of the largest or of the smallest one.
    static func cases(arms: Int, ratio: Double, count: Int, seed: UInt64) -> [Case] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { index in
            let deviations = (0..<arms).map { _ in Double.exp10(-generator.uniform() * Double.log10(ratio)) }
            let size = index % 2 == 0 ? 1.0 : deviations.min() ?? 1
            return Case(means: (0..<arms).map { _ in size * generator.normal() }, deviations: deviations)
        }
    }

    /// Another way to the same number: in each arm's own z = (s - m_a) / sd_a, cut at whole multiples of every sd, Simpson's rule with 60
    /// intervals a panel, erfc and exp instead of the table. Panels are at most one sd of every arm wide: error below 1e-9.
    static func reference(_ example: Case) -> [Double] {
        example.means.indices.map { a in
            var cuts = [-9.0, 9.0]
            for b in example.means.indices {
                for multiple in -9...9 {
                    let cut = (example.means[b] + Double(multiple) * example.deviations[b] - example.means[a]) / example.deviations[a]
                    if cut > -9 && cut < 9 { cuts.append(cut) }
                }
            }
            cuts.sort()
            var total = 0.0
            for (low, high) in zip(cuts, cuts.dropFirst()) where high > low {
                let step = (high - low) / 60
                var sum = 0.0
                for k in 0...60 {
                    let z = low + Double(k) * step
                    var value = NormalDistribution.density(z)
                    for b in example.means.indices where b != a {
                        let difference = example.means[a] - example.means[b] + example.deviations[a] * z
                        value *= NormalDistribution.cumulative(difference / example.deviations[b])
                    }
                    sum += (k == 0 || k == 60 ? 1 : k % 2 == 1 ? 4 : 2) * value
                }
                total += sum * step / 3
            }
            return total
        }
    }

    static func largestDifference(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).map { abs($0 - $1) }.max() ?? .infinity }

    /// P(X1 > X2) = Phi((m1 - m2) / sqrt(s1^2 + s2^2)), exactly.
    @Test(arguments: [1.0, 10, 1e2, 1e4, 1e6, 1e8])
    func twoArmsMatchTheClosedForm(ratio: Double) {
        for example in Self.cases(arms: 2, ratio: ratio, count: 60, seed: 1) + [Case(means: [0.3, 0], deviations: [1, 1 / ratio])] {
            let spread = (example.deviations[0] * example.deviations[0] + example.deviations[1] * example.deviations[1]).squareRoot()
            let exact = NormalDistribution.cumulative((example.means[0] - example.means[1]) / spread)
            let computed = ProbabilityOfBest()(means: example.means, deviations: example.deviations)
            // The methods page finds 1e-9 for eight nodes a panel.
            #expect(abs(computed[0] - exact) < 2e-9, "\(example)")
        }
    }

    @Test(arguments: [(3, 1.0), (6, 1.0), (6, 1e2), (4, 1e4), (6, 1e8)])
    func manyArmsMatchAFinerIntegration(arms: Int, ratio: Double) {
        for example in Self.cases(arms: arms, ratio: ratio, count: 6, seed: 2) {
            let computed = ProbabilityOfBest()(means: example.means, deviations: example.deviations)
            let exact = Self.reference(example)
            #expect(abs(exact.reduce(0, +) - 1) < 1e-8, "the reference itself")
            #expect(Self.largestDifference(computed, exact) < 5e-9, "\(example)")
        }
    }

    @Test func twentyArmsMatchSimulation() {
        let example = Self.cases(arms: 20, ratio: 30, count: 1, seed: 3)[0]
        let computed = ProbabilityOfBest()(means: example.means, deviations: example.deviations)
        var generator = SeededGenerator(seed: 4)
        let draws = 60_000
        var wins = [Double](repeating: 0, count: 20)
        for _ in 0..<draws {
            var best = (score: -Double.infinity, arm: 0)
            for arm in 0..<20 {
                let score = example.means[arm] + example.deviations[arm] * generator.normal()
                if score > best.score { best = (score, arm) }
            }
            wins[best.arm] += 1
        }
        for arm in 0..<20 {
            let frequency = wins[arm] / Double(draws)
            // Five standard errors and one draw, for arms that hardly ever win.
            let slack = 5 * (computed[arm] * (1 - computed[arm]) / Double(draws)).squareRoot() + 1 / Double(draws)
            #expect(abs(frequency - computed[arm]) < slack, "arm \(arm)")
        }
    }

    @Test(arguments: [2, 3, 6, 34, 80])
    func equalArmsShareEquallyToTheBit(count: Int) {
        let all = ProbabilityOfBest()(
            means: [Double](repeating: 0.3, count: count), deviations: [Double](repeating: 0.7, count: count))
        #expect(all == [Double](repeating: 1 / Double(count), count: count))
        // One other arm among them: the rest still share to the bit, and match the finer integration.
        var example = Case(means: [Double](repeating: 0, count: count), deviations: [Double](repeating: 1, count: count))
        example.means[1] = 0.5
        let mixed = ProbabilityOfBest()(means: example.means, deviations: example.deviations)
        #expect(Set(mixed.indices.filter { $0 != 1 }.map { mixed[$0] }).count == 1)
        if count <= 6 { #expect(Self.largestDifference(mixed, Self.reference(example)) < 5e-9) }
        #expect(mixed[1] > mixed[0])
    }

    @Test func oneArmWithoutVarianceIsAThreshold() {
        let p = ProbabilityOfBest()(means: [1, 0.5], deviations: [0, 2])
        #expect(abs(p[0] - NormalDistribution.cumulative(0.25)) < 5e-9)
        // Three arms: the atom needs both others below it; above it they race.
        let q = ProbabilityOfBest()(means: [1, 0.5, 0], deviations: [0, 2, 1])
        #expect(abs(q[0] - NormalDistribution.cumulative(0.25) * NormalDistribution.cumulative(1)) < 5e-9)
        let almost = Self.reference(Case(means: [1, 0.5, 0], deviations: [1e-7, 2, 1]))
        #expect(Self.largestDifference(q, almost) < 5e-7)
    }

    @Test func armsWithoutVarianceShareAtTheLargestMean() {
        #expect(ProbabilityOfBest()(means: [1, 2, 2, 0], deviations: [0, 0, 0, 0]) == [0, 0.5, 0.5, 0])
        let p = ProbabilityOfBest()(means: [0, 0, -1, 0], deviations: [0, 0, 0, 1])
        #expect(p[0] == p[1])
        #expect(abs(p[0] - 0.25) < 5e-9)
        #expect(p[2] == 0)
        #expect(abs(p[3] - 0.5) < 5e-9)
    }

    @Test func hopelessArmsGetNothing() {
        let p = ProbabilityOfBest()(means: [0, -100, 0], deviations: [1, 1, 1])
        #expect(p == [0.5, 0, 0.5])
    }

    /// A narrow pair beside a wide arm and a hopeless one: the widths differ so much that one global rule misses the pair.
    @Test func aNarrowPairKeepsItsShares() {
        let example = Case(means: [0, 1e-8, 0.2, -50], deviations: [1e-8, 1e-8, 1, 1])
        #expect(
            Self.largestDifference(ProbabilityOfBest()(means: example.means, deviations: example.deviations), Self.reference(example))
                < 5e-7)
    }

    @Test(arguments: [
        Case(means: [1e6, 1e6 + 1, 1e-6], deviations: [1, 1, 1e-6]), Case(means: [0, 1], deviations: [1e-300, 3e-308]),
        Case(means: [0, 0], deviations: [.leastNonzeroMagnitude * 2000, 1]), Case(means: [1e300, -1e300], deviations: [1e299, 1e300]),
        Case(means: [0, 0, 0], deviations: [1e-12, 1, 1e12]), Case(means: [-1e15, -1e15], deviations: [1e-3, 1]),
        Case(means: [0, 0], deviations: [0, .leastNonzeroMagnitude]), Case(means: [0, 1], deviations: [1.7e308, 1.7e308]),
    ])
    func uglyScoresGiveADistribution(example: Case) {
        let p = ProbabilityOfBest()(means: example.means, deviations: example.deviations)
        #expect(p.allSatisfy { $0.isFinite && $0 >= 0 })
        #expect(abs(p.reduce(0, +) - 1) < 1e-12)
    }

    /// Moving and stretching all scores changes nothing.
    @Test func shiftAndScaleDoNotMatter() {
        for example in Self.cases(arms: 5, ratio: 100, count: 20, seed: 5) {
            let p = ProbabilityOfBest()(means: example.means, deviations: example.deviations)
            let q = ProbabilityOfBest()(means: example.means.map { 3 * $0 + 7 }, deviations: example.deviations.map { 3 * $0 })
            #expect(Self.largestDifference(p, q) < 1e-11)
            let reversed = ProbabilityOfBest()(means: example.means.reversed(), deviations: example.deviations.reversed())
            #expect(Self.largestDifference(p, reversed.reversed()) < 1e-13)
        }
    }
}
