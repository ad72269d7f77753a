import HaggleMath

/// P(arm is best) where the arms' scores are independent normals: what Thompson sampling would draw from, computed instead of sampled.
///
///     p_a = integral of phi((s - m_a) / sd_a) / sd_a  prod_{b != a} Phi((s - m_b) / sd_b) ds
///
/// One Gauss rule over everything fails as soon as the standard deviations differ, so the line is cut into panels at every
/// `m_b + c sd_b`, c = +-6.5, +-3, +-1, with a Gauss-Legendre rule of 8 nodes each. Arms of standard deviation 0 are atoms: those at the largest
/// mean M0 of them share `prod_{sd_b > 0} Phi((M0 - m_b) / sd_b)`, and the rest is integrated above M0. Arms with the same mean and
/// standard deviation are computed once and get bitwise equal probabilities.
///
/// Error about 1e-9 for standard deviations up to 1e8 apart; below 1e-11 of the largest one counts as 0.
/// A pure function with a fixed order of summation.
package struct ProbabilityOfBest: Sendable {
    private let rule: GaussLegendre
    private let fallback: GaussLegendre
    private let normal: NormalTable

    /// Eight nodes a panel where six would do for 1e-7: they go four at a time, so six would cost the same.
    package init() {
        rule = .eight
        fallback = .twelve
        normal = .standard
    }

    /// One probability per arm; they sum to 1.
    /// - Parameters:
    ///   - means: finite, not empty.
    ///   - deviations: standard deviations, finite and not negative, one per mean.
    /// - Complexity: O(K^2) a node-free pass, and about `20 K` nodes of O(K).
    package func callAsFunction(means: [Double], deviations: [Double]) -> [Double] {
        var result: [Double] = []
        var workspace = ProbabilityOfBestWorkspace()
        self(means: means, deviations: deviations, into: &result, workspace: &workspace)
        return result
    }

    /// The same bits, written to `result`, which is made as long as `means`. Allocates nothing once result and workspace have seen as many arms.
    package func callAsFunction(
        means: [Double], deviations: [Double], into result: inout [Double], workspace groups: inout ProbabilityOfBestWorkspace
    ) {
        precondition(!means.isEmpty && means.count == deviations.count, "every arm needs a mean and a standard deviation")
        groups.load(means: means, deviations: deviations)
        if groups.count > 1 {
            groups.dropHopeless()
            let atom = groups.takeAtoms()
            if let interval = groups.interval(above: atom) {
                groups.cutPanels(in: interval)
                integrate(&groups, with: rule)
                if abs(groups.total - 1) > 1e-4 { integrate(&groups, with: fallback) }
            }
        }
        groups.spread(into: &result)
    }

    /// Sets every group's share to its atom's and its integral over the panels.
    ///
    /// Four nodes at a time. In each panel only the groups that reach it take part: of the others Phi is 1 and the density 0, to 1e-10.
    private func integrate(_ groups: inout ProbabilityOfBestWorkspace, with rule: GaussLegendre) {
        groups.beginIntegral()
        let count = groups.active.count
        let chunkCount = rule.nodes.count / 4
        for panel in 1..<max(1, groups.cuts.count) {
            let (low, high) = (groups.cuts[panel - 1], groups.cuts[panel])
            let middle = 0.5 * (low + high)
            let half = 0.5 * (high - low)
            var takingCount = 0
            for i in 0..<count where groups.terms[i].top > low {
                groups.taking[takingCount] = i
                takingCount += 1
            }
            for chunk in 0..<chunkCount {
                let first = 4 * chunk
                let nodes = SIMD4(rule.nodes[first], rule.nodes[first + 1], rule.nodes[first + 2], rule.nodes[first + 3])
                let weights = SIMD4(rule.weights[first], rule.weights[first + 1], rule.weights[first + 2], rule.weights[first + 3])
                let s = middle + half * nodes
                // `below` is the product of the groups before; the second loop multiplies the product of those after.
                var product = SIMD4<Double>(repeating: 1)
                for t in 0..<takingCount {
                    let i = groups.taking[t]
                    let others = groups.terms[i].others
                    let (cumulative, density) = normal((s - groups.terms[i].mean) * groups.terms[i].reciprocal)
                    groups.terms[i].below = product
                    if others == 0 {
                        groups.terms[i].density = density
                        groups.terms[i].power = cumulative
                        product *= cumulative
                    } else {
                        let power = Self.power(cumulative, others)
                        groups.terms[i].density = density * power
                        groups.terms[i].power = power * cumulative
                        product *= power * cumulative
                    }
                }
                product = half * weights
                for t in stride(from: takingCount - 1, through: 0, by: -1) {
                    let i = groups.taking[t]
                    groups.terms[i].sum += groups.terms[i].density * groups.terms[i].below * product
                    product *= groups.terms[i].power
                }
            }
        }
        groups.endIntegral()
    }

    /// `base` to a positive whole power.
    private static func power(_ base: SIMD4<Double>, _ exponent: Int) -> SIMD4<Double> {
        var result = SIMD4<Double>(repeating: 1)
        var square = base
        var rest = exponent
        while rest > 0 {
            if rest & 1 == 1 { result *= square }
            square *= square
            rest >>= 1
        }
        return result
    }
}
