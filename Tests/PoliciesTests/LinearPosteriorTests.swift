import HaggleMath
import Policies
import Testing

@Suite struct LinearPosteriorTests {
    struct Row {
        var phi: [Double]
        var arm: Int
        var reward: Double
        var weight: Double
    }

    static func rows(_ count: Int, dimension: Int, arms: Int, seed: UInt64) -> [Row] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in
            let phi = (0..<dimension - 1).map { _ in generator.normal() } + [1]
            let arm = Int(generator.uniform() * Double(arms))
            return Row(phi: phi, arm: arm, reward: phi[0] * Double(arm) + generator.normal() + 2, weight: 0.5 + generator.uniform())
        }
    }

    static func posterior(_ rows: [Row], dimension: Int, arms: Int, ridge: Double = 2) -> LinearPosterior {
        var posterior = LinearPosterior(dimension: dimension, armCount: arms, ridge: ridge)
        for row in rows { posterior.add(row.phi, arm: row.arm, reward: row.reward, weight: row.weight) }
        return posterior
    }

    /// The inverse by Gauss-Jordan elimination with pivoting.
    static func inverse(_ matrix: [[Double]]) -> [[Double]] {
        let n = matrix.count
        var work = matrix.indices.map { i in matrix[i] + (0..<n).map { $0 == i ? 1 : 0 } }
        for column in 0..<n {
            let pivot = (column..<n).max { abs(work[$0][column]) < abs(work[$1][column]) } ?? column
            work.swapAt(column, pivot)
            let divisor = work[column][column]
            for j in 0..<2 * n { work[column][j] /= divisor }
            for i in 0..<n where i != column {
                let multiple = work[i][column]
                for j in 0..<2 * n { work[i][j] -= multiple * work[column][j] }
            }
        }
        return work.map { Array($0[n...]) }
    }

    static func largestDifference(_ a: LinearPosterior, _ b: LinearPosterior) -> Double {
        var largest = 0.0
        for (x, y) in zip(a.arms, b.arms) {
            let pairs =
                Array(zip(x.gram.packed, y.gram.packed)) + Array(zip(x.moment, y.moment)) + [(x.squares, y.squares), (x.weight, y.weight)]
            for (p, q) in pairs { largest = max(largest, abs(p - q) / max(1, abs(q))) }
        }
        return largest
    }

    /// mu, V and v^2 by the definition: raw rows standardised first, the matrix inverted.
    @Test func agreesWithTheDirectInverse() {
        let d = 5
        let rows = Self.rows(200, dimension: d, arms: 2, seed: 1)
        let posterior = Self.posterior(rows, dimension: d, arms: 2)
        let total = rows.reduce(0) { $0 + $1.weight }
        let centre = rows.reduce(0) { $0 + $1.weight * $1.reward } / total
        let scale = (rows.reduce(0) { $0 + $1.weight * ($1.reward - centre) * ($1.reward - centre) } / total).squareRoot()
        #expect(abs(posterior.rewardScale.centre - centre) < 1e-12)
        #expect(abs(posterior.rewardScale.scale - scale) < 1e-12)
        for arm in 0..<2 {
            var a = (0..<d).map { i in (0..<d).map { $0 == i ? 2.0 : 0 } }
            var b = [Double](repeating: 0, count: d)
            var squares = 0.0
            var n = 0.0
            for row in rows where row.arm == arm {
                let r = (row.reward - centre) / scale
                for i in 0..<d {
                    for j in 0..<d { a[i][j] += row.weight * row.phi[i] * row.phi[j] }
                    b[i] += row.weight * row.phi[i] * r
                }
                squares += row.weight * r * r
                n += row.weight
            }
            let inverse = Self.inverse(a)
            let mu = inverse.map { zip($0, b).map(*).reduce(0, +) }
            let quadratic = (0..<d).map { i in mu[i] * zip(a[i], mu).map(*).reduce(0, +) }.reduce(0, +)
            let variance = (6 + (squares - quadratic) / 2) / (6 + n / 2)
            let factor = posterior.factor(arm: arm)
            let estimate = posterior.estimate(arm: arm, factor: factor, scale: posterior.rewardScale, variance: nil)
            for i in 0..<d { #expect(abs(estimate.coefficients[i] - mu[i]) < 1e-12) }
            #expect(abs(estimate.noiseVariance - variance) < 1e-12)
            let phi = [0.3, -1, 2, 0.5, 1]
            let form = (0..<d).map { i in phi[i] * zip(inverse[i], phi).map(*).reduce(0, +) }.reduce(0, +)
            #expect(abs(factor.inverseQuadraticForm(phi) - form) < 1e-14)
            #expect(posterior.estimate(arm: arm, factor: factor, scale: posterior.rewardScale, variance: 0.25).noiseVariance == 0.25)
        }
    }

    @Test func correctionsEqualHavingKnownTheRewardAtOnce() {
        let rows = Self.rows(300, dimension: 4, arms: 3, seed: 2)
        var posterior = LinearPosterior(dimension: 4, armCount: 3, ridge: 1)
        for row in rows { posterior.add(row.phi, arm: row.arm, reward: 0, weight: row.weight) }
        for row in rows.reversed() {
            // In two steps, a conversion and a refund of a part of it.
            posterior.correct(row.phi, arm: row.arm, from: 0, to: row.reward + 10, weight: row.weight)
            posterior.correct(row.phi, arm: row.arm, from: row.reward + 10, to: row.reward, weight: row.weight)
        }
        #expect(Self.largestDifference(posterior, Self.posterior(rows, dimension: 4, arms: 3)) < 1e-12)
    }

    @Test func shardsMergeWithOnePrior() {
        let rows = Self.rows(301, dimension: 4, arms: 3, seed: 3)
        let whole = Self.posterior(rows, dimension: 4, arms: 3)
        var merged = LinearPosterior(dimension: 4, armCount: 3, ridge: 2)
        for shard in [0..<17, 17..<250, 250..<301] { merged.merge(Self.posterior(Array(rows[shard]), dimension: 4, arms: 3)) }
        #expect(Self.largestDifference(merged, whole) < 1e-12)
        #expect(merged.precision(arm: 0)[1, 1] - merged.arms[0].gram[1, 1] == 2)
    }

    @Test func factorsFollowByRankOneAndTellTheirDrift() {
        let rows = Self.rows(2500, dimension: 6, arms: 1, seed: 4)
        var posterior = LinearPosterior(dimension: 6, armCount: 1, ridge: 1)
        var factors = PosteriorFactors(of: posterior, refactorEvery: 1000)
        #expect(factors.drift == 0)
        for row in rows {
            posterior.add(row.phi, arm: 0, reward: row.reward, weight: row.weight)
            factors.update(row.phi, arm: 0, weight: row.weight, posterior: posterior)
        }
        // Fresh after 1000 and 2000; a thousand rotations in between leave some hundred ulps at most.
        #expect(factors.drift > 0)
        #expect(factors.drift < 1e-12)
        #expect(factors.factors[0].drift(from: posterior.factor(arm: 0)) < 1e-12)
        factors.refactor(posterior)
        #expect(factors.factors[0] == posterior.factor(arm: 0))
    }

    @Test func scaleOfEqualRewards() {
        #expect(LinearPosterior(dimension: 1, armCount: 2, ridge: 1).rewardScale == .identity)
        #expect(RewardScale(weight: 10, rewards: 0, squares: 0) == RewardScale(centre: 0, scale: 1))
        #expect(RewardScale(weight: 4, rewards: 12, squares: 36) == RewardScale(centre: 3, scale: 3))
        #expect(RewardScale(weight: 2, rewards: 2, squares: 4) == RewardScale(centre: 1, scale: 1))
    }
}
