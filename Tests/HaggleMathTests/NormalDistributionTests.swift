import HaggleMath
import Testing

@Suite struct NormalDistributionTests {
    /// scipy.stats.norm.ppf, 17 digits.
    @Test(arguments: [
        (0.5, 0.0), (0.975, 1.959963984540054), (0.95, 1.6448536269514722), (1e-10, -6.361340902404056), (0.1, -1.2815515655446004),
        (0.999, 3.090232306167813),
    ])
    func quantilesMatchScipy(_ p: Double, _ expected: Double) {
        #expect(abs(NormalDistribution.quantile(p) - expected) < 1e-13 * max(1, abs(expected)))
    }

    /// scipy.stats.norm.cdf.
    @Test(arguments: [(-8.0, 6.220960574271785e-16), (-1.0, 0.15865525393145707), (0.5, 0.6914624612740131), (3.0, 0.9986501019683699)])
    func cumulativeMatchesScipy(_ x: Double, _ expected: Double) {
        #expect(abs(NormalDistribution.cumulative(x) / expected - 1) < 1e-14)
    }
}
