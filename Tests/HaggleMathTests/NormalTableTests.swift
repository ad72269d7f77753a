import HaggleMath
import Testing

@Suite struct NormalTableTests {
    /// Against erfc and exp, at points that avoid the table's own and at them.
    @Test func agreesWithTheExactDistribution() {
        let table = NormalTable.standard
        var worstCumulative = 0.0
        var worstDensity = 0.0
        var x = -9.0
        while x < 9 {
            let (cumulative, density) = table(x)
            worstCumulative = max(worstCumulative, abs(cumulative - NormalDistribution.cumulative(x)))
            worstDensity = max(worstDensity, abs(density - NormalDistribution.density(x)))
            x += 0.000_731
        }
        #expect(worstCumulative < 1e-12)
        #expect(worstDensity < 1e-10)
    }

    @Test func tailsEndAtZeroAndOne() {
        let table = NormalTable.standard
        #expect(table(-.infinity) == (0, 0))
        #expect(table(.infinity) == (1, 0))
        #expect(table(0).cumulative == 0.5)
    }
}
