import HaggleMath
import RealModule
import Testing

@Suite struct GaussLegendreTests {
    /// The whole point of the rule: monomials up to degree 2 n - 1 are exact, the next even one is not.
    @Test(arguments: [1, 2, 3, 6, 8, 12])
    func monomialsAreExact(count: Int) {
        let rule = GaussLegendre(count: count)
        for degree in 0..<(2 * count) {
            var sum = 0.0
            for (node, weight) in zip(rule.nodes, rule.weights) { sum += weight * Double.pow(node, degree) }
            let exact = degree % 2 == 1 ? 0 : 2 / Double(degree + 1)
            #expect(abs(sum - exact) < 4e-15, "degree \(degree)")
        }
        var sum = 0.0
        for (node, weight) in zip(rule.nodes, rule.weights) { sum += weight * Double.pow(node, 2 * count) }
        #expect(abs(sum - 2 / Double(2 * count + 1)) > 1e-9)
    }

    /// Abramowitz & Stegun, table 25.4.
    @Test func tabulatedNodes() {
        let six = GaussLegendre(count: 6)
        #expect(abs(six.nodes[5] - 0.932469514203152) < 1e-15)
        #expect(abs(six.weights[5] - 0.171324492379170) < 1e-15)
        let eight = GaussLegendre.eight
        #expect(abs(eight.nodes[4] - 0.183434642495650) < 1e-15)
        #expect(abs(eight.weights[4] - 0.362683783378362) < 1e-15)
        let twelve = GaussLegendre.twelve
        #expect(abs(twelve.nodes[11] - 0.981560634246719) < 1e-15)
        #expect(abs(twelve.weights[11] - 0.047175336386512) < 1e-15)
        #expect(twelve.nodes == twelve.nodes.sorted())
    }
}
