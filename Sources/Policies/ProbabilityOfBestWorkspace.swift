import HaggleMath

/// The memory of one computation of P(best), to be used again: arms that share a mean and a standard deviation form a group, and what one arm
/// of each group has got so far stands here.
package struct ProbabilityOfBestWorkspace: Sendable {
    /// What the integration reads and writes of an active group.
    struct Term {
        let mean: Double
        let reciprocal: Double
        let top: Double
        /// Arms of the group beside the one that is integrated.
        let others: Int
        var sum = SIMD4<Double>()
        var density = SIMD4<Double>()
        var power = SIMD4<Double>()
        /// Product over the groups before.
        var below = SIMD4<Double>()
    }

    /// Relative to the largest.
    private var means: [Double] = []
    private var deviations: [Double] = []
    /// Number of arms of the group.
    private var sizes: [Int] = []
    /// Probability of *one* arm of the group: its atom's, and after the integration everything.
    private var shares: [Double] = []
    private var atoms: [Double] = []
    /// Groups whose density is integrated.
    private(set) var active: [Int] = []
    private var groupOfArm: [Int] = []
    /// Nothing below it can be the maximum: max_b(m_b - 6.5 sd_b).
    private var lowest = 0.0
    /// The ends of the panels, ascending.
    private(set) var cuts: [Double] = []
    /// One per active group.
    var terms: [Term] = []
    /// Positions in `terms` of the groups that reach a panel.
    var taking: [Int] = []

    package init() {}

    /// Number of groups.
    var count: Int { means.count }

    /// Begins with new arms.
    mutating func load(means armMeans: [Double], deviations armDeviations: [Double]) {
        means.removeAll(keepingCapacity: true)
        deviations.removeAll(keepingCapacity: true)
        sizes.removeAll(keepingCapacity: true)
        groupOfArm.removeAll(keepingCapacity: true)
        atoms.removeAll(keepingCapacity: true)
        shares.removeAll(keepingCapacity: true)
        active.removeAll(keepingCapacity: true)
        cuts.removeAll(keepingCapacity: true)
        var top = -Double.infinity
        for arm in armMeans.indices {
            var group = 0
            while group < means.count, means[group] != armMeans[arm] || deviations[group] != armDeviations[arm] { group += 1 }
            if group == means.count {
                means.append(armMeans[arm])
                deviations.append(armDeviations[arm])
                sizes.append(0)
                atoms.append(0)
                shares.append(0)
                active.append(group)
                top = max(top, armMeans[arm])
            }
            sizes[group] += 1
            groupOfArm.append(group)
        }
        for group in means.indices { means[group] -= top }
        if count == 1 { shares[0] = 1 / Double(groupOfArm.count) }
    }

    /// Leaves out groups that lie below what the best are sure to reach, and calls 0 a standard deviation that rounding would drown.
    mutating func dropHopeless() {
        for group in means.indices { deviations[group] = min(deviations[group], 1e300) }
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
        var kept = 0
        for position in active.indices {
            let group = active[position]
            guard means[group] + Self.reach * deviations[group] >= lowest else { continue }
            active[kept] = group
            kept += 1
        }
        active.removeLast(active.count - kept)
    }

    /// Gives the atoms at the largest mean without variance their share and leaves the groups with variance active.
    /// - Returns: that mean, or nil where every active group has variance.
    mutating func takeAtoms() -> Double? {
        var found: Double?
        for group in active where deviations[group] == 0 { found = max(found ?? -Double.infinity, means[group]) }
        guard let place = found else { return nil }
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
        var kept = 0
        for position in active.indices {
            let group = active[position]
            if deviations[group] > 0 {
                active[kept] = group
                kept += 1
            } else if means[group] == place {
                atoms[group] = mass / Double(sharing)
                shares[group] = atoms[group]
            }
        }
        active.removeLast(active.count - kept)
        return place
    }

    /// Where the densities are integrated; nil where there is nothing to integrate.
    func interval(above atom: Double?) -> ClosedRange<Double>? {
        let low = max(lowest, atom ?? -Double.infinity)
        var high = -Double.infinity
        for group in active { high = max(high, means[group] + Self.reach * deviations[group]) }
        return low < high ? low...high : nil
    }

    /// Places the ends of the panels.
    mutating func cutPanels(in interval: ClosedRange<Double>) {
        cuts.append(interval.lowerBound)
        cuts.append(interval.upperBound)
        for group in active {
            for place in 0..<6 {
                let cut = means[group] + Self.multiple(place) * deviations[group]
                if cut > interval.lowerBound && cut < interval.upperBound { insert(cut) }
            }
        }
    }

    /// Keeps the cuts ascending and distinct. By insertion, because the library's sort takes memory, and a few hundred are few.
    private mutating func insert(_ cut: Double) {
        var place = cuts.count
        while place > 0, cuts[place - 1] > cut { place -= 1 }
        if place > 0, cuts[place - 1] == cut { return }
        cuts.append(cut)
        var index = cuts.count - 1
        while index > place {
            cuts[index] = cuts[index - 1]
            index -= 1
        }
        cuts[place] = cut
    }

    /// Prepares one term per active group.
    mutating func beginIntegral() {
        terms.removeAll(keepingCapacity: true)
        taking.removeAll(keepingCapacity: true)
        for group in active {
            terms.append(
                Term(
                    mean: means[group], reciprocal: 1 / deviations[group], top: means[group] + Self.reach * deviations[group],
                    others: sizes[group] - 1))
            taking.append(0)
        }
    }

    /// Adds the integrals to the atoms.
    mutating func endIntegral() {
        for (position, group) in active.enumerated() {
            let sum = terms[position].sum
            shares[group] = atoms[group] + (sum[0] + sum[1] + (sum[2] + sum[3])) * terms[position].reciprocal
        }
    }

    /// The shares of all arms together; 1 but for the error of the integration.
    var total: Double {
        var sum = 0.0
        for group in shares.indices { sum += shares[group] * Double(sizes[group]) }
        return sum
    }

    /// Writes the normalised probability of every arm.
    func spread(into result: inout [Double]) {
        let total = total
        let even = 1 / Double(groupOfArm.count)
        if result.count != groupOfArm.count { result = [Double](repeating: 0, count: groupOfArm.count) }
        for arm in groupOfArm.indices { result[arm] = total > 0 ? shares[groupOfArm[arm]] / total : even }
    }

    private static let reach = 6.5

    @inline(__always)
    private static func multiple(_ place: Int) -> Double {
        switch place {
        case 0: -6.5
        case 1: -3
        case 2: -1
        case 3: 1
        case 4: 3
        default: 6.5
        }
    }
}
