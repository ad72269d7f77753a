import Evaluation
import HaggleMath
import Testing

/// Numbers by scipy (`Fixtures/distributions.py`).
struct GoldenDistributions: Decodable {
    struct T: Decodable { var t, df, cdf: Double }
    struct Quantile: Decodable { var p, df, t: Double }
    struct Chi: Decodable { var x, df, cdf, upper: Double }
    struct Welch: Decodable {
        var treatment, control: [Double]
        var difference, t, df, p, lower, upper, lift, liftStandardError: Double

        private enum CodingKeys: String, CodingKey {
            case treatment, control, difference, t, df, p
            case lower = "lower_90"
            case upper = "upper_90"
            case lift
            case liftStandardError = "lift_standard_error"
        }
    }
    struct Split: Decodable {
        var observed: [Int]
        var shares: [Double]
        var chiSquare, p: Double

        private enum CodingKeys: String, CodingKey {
            case observed, shares
            case chiSquare = "chi_square"
            case p
        }
    }

    var studentT: [T]
    var quantiles: [Quantile]
    var chiSquare: [Chi]
    var welch: [Welch]
    var splits: [Split]

    private enum CodingKeys: String, CodingKey {
        case studentT = "student_t"
        case quantiles = "student_t_quantiles"
        case chiSquare = "chi_square"
        case welch, splits
    }

    static func load() throws -> Self { try Fixture.json("distributions.json", as: Self.self) }
}

struct DistributionTests {
    /// 1e-11 relative, with up to 1e6 degrees of freedom; scipy's own error is of that order.
    @Test func studentTMatchesScipy() throws {
        for golden in try GoldenDistributions.load().studentT {
            let ours = StudentT.cumulative(golden.t, degreesOfFreedom: golden.df)
            #expect(agree(ours, golden.cdf, within: 1e-11) || golden.cdf < 1e-290, "t \(golden.t), df \(golden.df): \(ours), \(golden.cdf)")
        }
    }

    @Test func studentTQuantilesMatchScipy() throws {
        for golden in try GoldenDistributions.load().quantiles {
            let ours = StudentT.quantile(golden.p, degreesOfFreedom: golden.df)
            #expect(agree(ours, golden.t, within: 1e-10), "p \(golden.p), df \(golden.df): \(ours), \(golden.t)")
        }
    }

    @Test func chiSquareMatchesScipy() throws {
        for golden in try GoldenDistributions.load().chiSquare {
            let lower = ChiSquare.cumulative(golden.x, degreesOfFreedom: golden.df)
            let upper = ChiSquare.upperTail(golden.x, degreesOfFreedom: golden.df)
            #expect(agree(lower, golden.cdf, within: 1e-11) || golden.cdf < 1e-290, "x \(golden.x), df \(golden.df): \(lower)")
            #expect(agree(upper, golden.upper, within: 1e-11) || golden.upper < 1e-290, "x \(golden.x), df \(golden.df): \(upper)")
        }
    }

    /// Closed forms: t with 1 and 2 degrees of freedom, chi-square with 2.
    @Test(arguments: [0.01, 0.4, 1, 3, 25])
    func closedForms(x: Double) {
        #expect(agree(StudentT.cumulative(x, degreesOfFreedom: 2), 0.5 + x / (2 * (2 + x * x).squareRoot()), within: 1e-13))
        #expect(agree(ChiSquare.upperTail(x, degreesOfFreedom: 2), exponential(-x / 2), within: 1e-13))
        #expect(agree(StudentT.quantile(0.75, degreesOfFreedom: 1), 1, within: 1e-13))
        #expect(StudentT.quantile(0.5, degreesOfFreedom: x) == 0)
    }

    /// With many degrees of freedom t is normal; the difference is about (z^3 + z) / (4 df).
    @Test func manyDegreesOfFreedomAreNormal() {
        let t = StudentT.quantile(0.975, degreesOfFreedom: 1e9)
        #expect(abs(t - NormalDistribution.quantile(0.975)) < 1e-8)
    }

    private func exponential(_ x: Double) -> Double { 2 * NormalDistribution.density((-2 * x).squareRoot()) * 1.253_314_137_315_500_3 }

    /// Means, variances and products are those of two passes over the rows, with a large common offset.
    @Test func coMomentsAreCentred() {
        var generator = SeededGenerator(seed: 2)
        let rows = (0..<1000).map { _ in [1e8 + generator.normal(), 3 * generator.normal()] }
        var whole = CoMoments(width: 2)
        var parts = CoMoments(width: 2)
        whole.add(rows: rows.flatMap(\.self)[...], rowCount: 1000)
        for start in stride(from: 0, to: 1000, by: 125) {
            var part = CoMoments(width: 2)
            part.add(rows: rows[start..<start + 125].flatMap(\.self)[...], rowCount: 125)
            parts.merge(part)
        }
        var means = [0.0, 0.0]
        for row in rows {
            means[0] += (row[0] - 1e8) / 1000
            means[1] += row[1] / 1000
        }
        means[0] += 1e8
        for (i, j) in [(0, 0), (0, 1), (1, 1)] {
            var exact = 0.0
            for row in rows { exact += (row[i] - means[i]) * (row[j] - means[j]) }
            // An offset of 1e8 leaves 1e-8 of each row's spread.
            #expect(abs(whole.product(i, j) - exact) < 1e-4)
            #expect(abs(parts.product(j, i) - exact) < 1e-4)
        }
        #expect(parts.rowCount == 1000)
    }
}
