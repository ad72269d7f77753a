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
            let points = SIMD4(x, x + 0.000_2, x + 0.000_3, x + 0.000_5)
            let (cumulative, density) = table(points)
            for lane in 0..<4 {
                worstCumulative = max(worstCumulative, abs(cumulative[lane] - NormalDistribution.cumulative(points[lane])))
                worstDensity = max(worstDensity, abs(density[lane] - NormalDistribution.density(points[lane])))
            }
            x += 0.000_731
        }
        #expect(worstCumulative < 1e-12)
        #expect(worstDensity < 3e-10)
    }

    @Test func farTailsAreThoseOfTheTablesEnds() {
        let (cumulative, density) = NormalTable.standard(SIMD4(-.infinity, -1e300, 1e300, .infinity))
        #expect(cumulative[0] == cumulative[1] && cumulative[0] < 1e-16)
        #expect(cumulative[2] == 1 && cumulative[3] == 1)
        #expect((0..<4).allSatisfy { density[$0] < 1e-15 })
    }

    /// Bits do not depend on the other lanes.
    @Test func lanesAreIndependent() {
        let x = 1.234_567
        let alone = NormalTable.standard(SIMD4(repeating: x))
        let among = NormalTable.standard(SIMD4(-3, x, 8, 0.1))
        #expect(alone.cumulative[0] == among.cumulative[1])
        #expect(alone.density[3] == among.density[1])
        #expect(NormalTable.standard(SIMD4(repeating: 0)).cumulative[2] == 0.5)
    }
}
