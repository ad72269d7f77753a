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
        precondition(!means.isEmpty && means.count == deviations.count, "every arm needs a mean and a standard deviation")
        if means.count == 1 { return [1] }
        var groups = Groups(means: means, deviations: deviations)
        if groups.count == 1 { return [Double](repeating: 1 / Double(means.count), count: means.count) }
        groups.dropHopeless()
        let atom = groups.takeAtoms()
        let base = groups.shares
        if let interval = groups.interval(above: atom) {
            let cuts = groups.panels(in: interval)
            integrate(&groups, over: cuts, with: rule)
            if abs(groups.total - 1) > 1e-4 {
                groups.shares = base
                integrate(&groups, over: cuts, with: fallback)
            }
        }
        return groups.spread()
    }

    /// Adds every group's integral over the panels between consecutive `cuts` to its share.
    ///
    /// Four nodes at a time. In each panel only the groups that reach it take part: of the others Phi is 1 and the density 0, to 1e-10.
    private func integrate(_ groups: inout Groups, over cuts: [Double], with rule: GaussLegendre) {
        let active = groups.active
        let count = active.count
        let means = active.map { groups.means[$0] }
        let reciprocals = active.map { 1 / groups.deviations[$0] }
        let tops = active.map { groups.top(of: $0) }
        let others = active.map { groups.sizes[$0] - 1 }
        var sums = [SIMD4<Double>](repeating: .zero, count: count)
        var densities = sums
        var powers = sums
        var below = sums
        var taking = [Int](repeating: 0, count: count)
        for panel in 1..<max(1, cuts.count) {
            let middle = 0.5 * (cuts[panel - 1] + cuts[panel])
            let half = 0.5 * (cuts[panel] - cuts[panel - 1])
            var takingCount = 0
            for i in 0..<count where tops[i] > cuts[panel - 1] {
                taking[takingCount] = i
                takingCount += 1
            }
            for chunk in 0..<rule.nodes.count / 4 {
                let first = 4 * chunk
                let nodes = SIMD4(rule.nodes[first], rule.nodes[first + 1], rule.nodes[first + 2], rule.nodes[first + 3])
                let weights = SIMD4(rule.weights[first], rule.weights[first + 1], rule.weights[first + 2], rule.weights[first + 3])
                let s = middle + half * nodes
                // `below[t]` is the product of the groups before; the second loop multiplies the product of those after.
                var product = SIMD4<Double>(repeating: 1)
                for t in 0..<takingCount {
                    let i = taking[t]
                    let (cumulative, density) = normal((s - means[i]) * reciprocals[i])
                    below[t] = product
                    if others[i] == 0 {
                        densities[t] = density
                        powers[t] = cumulative
                    } else {
                        let power = Self.power(cumulative, others[i])
                        densities[t] = density * power
                        powers[t] = power * cumulative
                    }
                    product *= powers[t]
                }
                product = half * weights
                for t in stride(from: takingCount - 1, through: 0, by: -1) {
                    sums[taking[t]] += densities[t] * below[t] * product
                    product *= powers[t]
                }
            }
        }
        for i in 0..<count { groups.shares[active[i]] += (sums[i][0] + sums[i][1] + (sums[i][2] + sums[i][3])) * reciprocals[i] }
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

/// Arms that share a mean and a standard deviation, and what one arm of each group has got so far.
private struct Groups {
    /// Relative to the largest.
    private(set) var means: [Double] = []
    private(set) var deviations: [Double] = []
    /// Number of arms of the group.
    private(set) var sizes: [Int] = []
    /// Probability of *one* arm of the group.
    var shares: [Double] = []
    /// Groups whose density is integrated.
    private(set) var active: [Int] = []
    private let groupOfArm: [Int]
    /// Nothing below it can be the maximum: max_b(m_b - 6.5 sd_b).
    private var lowest = 0.0

    var count: Int { means.count }

    init(means armMeans: [Double], deviations armDeviations: [Double]) {
        var groupOfArm = [Int](repeating: 0, count: armMeans.count)
        var top = -Double.infinity
        for arm in armMeans.indices {
            var group = 0
            while group < means.count, means[group] != armMeans[arm] || deviations[group] != armDeviations[arm] { group += 1 }
            if group == means.count {
                means.append(armMeans[arm])
                deviations.append(armDeviations[arm])
                sizes.append(0)
                top = max(top, armMeans[arm])
            }
            sizes[group] += 1
            groupOfArm[arm] = group
        }
        for group in means.indices { means[group] -= top }
        shares = [Double](repeating: 0, count: means.count)
        self.groupOfArm = groupOfArm
    }

    /// Leaves out groups that lie below what the best are sure to reach, and calls 0 a standard deviation that rounding would drown.
    mutating func dropHopeless() {
        for group in means.indices { deviations[group] = min(deviations[group], 1e300) }
        active = Array(means.indices)
        keepReaching()
        var widest = 0.0
        for group in active { widest = max(widest, deviations[group]) }
        var changed = false
        for group in active where deviations[group] > 0 && deviations[group] <= 1e-11 * widest {
            deviations[group] = 0
            changed = true
        }
        if changed { keepReaching() }
    }

    private mutating func keepReaching() {
        lowest = -Double.infinity
        for group in active { lowest = max(lowest, means[group] - Self.reach * deviations[group]) }
        active.removeAll { means[$0] + Self.reach * deviations[$0] < lowest }
    }

    /// Gives the atoms at the largest mean without variance their share and leaves the groups with variance active.
    /// - Returns: that mean, or nil where every active group has variance.
    mutating func takeAtoms() -> Double? {
        var place: Double?
        for group in active where deviations[group] == 0 { place = max(place ?? -Double.infinity, means[group]) }
        guard let place else { return nil }
        var mass = 1.0
        var sharing = 0
        for group in active {
            if deviations[group] > 0 {
                let below = NormalDistribution.cumulative((place - means[group]) / deviations[group])
                for _ in 0..<sizes[group] { mass *= below }
            } else if means[group] == place {
                sharing += sizes[group]
            }
        }
        for group in active where deviations[group] == 0 && means[group] == place { shares[group] = mass / Double(sharing) }
        active.removeAll { deviations[$0] == 0 }
        return place
    }

    /// Above it a group's maximum is not to be expected.
    func top(of group: Int) -> Double { means[group] + Self.reach * deviations[group] }

    /// Where the densities are integrated; nil where there is nothing to integrate.
    func interval(above atom: Double?) -> ClosedRange<Double>? {
        let low = max(lowest, atom ?? -Double.infinity)
        var high = -Double.infinity
        for group in active { high = max(high, means[group] + Self.reach * deviations[group]) }
        return low < high ? low...high : nil
    }

    /// The ends of the panels, ascending.
    func panels(in interval: ClosedRange<Double>) -> [Double] {
        var cuts = [interval.lowerBound, interval.upperBound]
        cuts.reserveCapacity(2 + 6 * active.count)
        for group in active {
            for multiple in Self.multiples {
                let cut = means[group] + multiple * deviations[group]
                if cut > interval.lowerBound && cut < interval.upperBound { cuts.append(cut) }
            }
        }
        cuts.sort()
        var kept = 1
        for index in 1..<cuts.count where cuts[index] > cuts[kept - 1] {
            cuts[kept] = cuts[index]
            kept += 1
        }
        cuts.removeLast(cuts.count - kept)
        return cuts
    }

    /// The shares of all arms together; 1 but for the error of the integration.
    var total: Double {
        var sum = 0.0
        for group in shares.indices { sum += shares[group] * Double(sizes[group]) }
        return sum
    }

    /// The normalised probability of every arm.
    func spread() -> [Double] {
        let total = total
        return groupOfArm.map { total > 0 ? shares[$0] / total : 1 / Double(groupOfArm.count) }
    }

    private static let reach = 6.5
    private static let multiples = [-6.5, -3.0, -1.0, 1.0, 3.0, 6.5]
}
