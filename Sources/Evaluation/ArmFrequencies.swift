import HaggleCore
import HaggleMath

/// Counts of arms against their logged propensities, by serving snapshot.
///
/// Given the past, arm a of row t comes with probability p_ta; so under a correct log z_a = (n_a - sum p_a) / sqrt(sum p_a (1 - p_a)) is a
/// martingale's normalised end, near standard normal, even under an adaptive policy. Arms that were certain (p = 0 or 1) add no spread.
struct ArmFrequencies: Sendable {
    fileprivate struct Tally {
        var observed: Int = 0
        var expected = CompensatedSum()
        var variance = CompensatedSum()
    }

    /// Snapshots that are told apart; later ones are pooled with the rows that name none, to bound memory.
    private static let snapshotLimit = 4096
    /// Fewer expected spreads than this are too far from normal to test: var >= 5 keeps both tails usable.
    private static let leastVariance = 5.0

    let armCount: Int
    private var tallies: [Int?: [Tally]] = [:]

    init(armCount: Int) { self.armCount = armCount }

    mutating func add(arm: Int, propensities: [Double], snapshot: SnapshotVersion?) {
        var key = snapshot?.rawValue
        if tallies[key] == nil {
            if tallies.count >= Self.snapshotLimit { key = nil }
            if tallies[key] == nil { tallies[key] = [Tally](repeating: Tally(), count: armCount) }
        }
        for (index, p) in propensities.enumerated() { tallies[key]?[index].add(p, observed: index == arm) }
    }

    mutating func merge(_ other: Self) {
        for (key, theirs) in other.tallies {
            let place = tallies[key] != nil || tallies.count < Self.snapshotLimit ? key : nil
            var ours = tallies[place] ?? [Tally](repeating: Tally(), count: armCount)
            for arm in 0..<armCount {
                ours[arm].observed += theirs[arm].observed
                ours[arm].expected.merge(theirs[arm].expected)
                ours[arm].variance.merge(theirs[arm].variance)
            }
            tallies[place] = ours
        }
    }

    /// Every testable pair of snapshot and arm, two-sided, adjusted by Holm; nil where no row held all propensities.
    func check() -> ArmFrequencyCheck? {
        guard !tallies.isEmpty else { return nil }
        var tests: [ArmFrequencyCheck.Deviation] = []
        for (snapshot, arms) in tallies {
            for (arm, tally) in arms.enumerated() where tally.variance.value >= Self.leastVariance {
                let z = (Double(tally.observed) - tally.expected.value) / tally.variance.value.squareRoot()
                tests.append(
                    ArmFrequencyCheck.Deviation(
                        snapshot: snapshot, arm: arm, observed: tally.observed, expected: tally.expected.value, z: z,
                        adjustedP: 2 * NormalDistribution.cumulative(-abs(z))))
            }
        }
        tests.sort { ($0.adjustedP, $0.snapshot ?? -1, $0.arm) < ($1.adjustedP, $1.snapshot ?? -1, $1.arm) }
        // Holm 1979: the i-th smallest of m is multiplied by m - i, and no adjusted p is below an earlier one.
        var largest = 0.0
        for index in tests.indices {
            largest = max(largest, min(1, tests[index].adjustedP * Double(tests.count - index)))
            tests[index].adjustedP = largest
        }
        return ArmFrequencyCheck(
            testCount: tests.count, smallestAdjustedP: tests.first?.adjustedP ?? 1,
            flagged: Array(tests.lazy.filter { $0.adjustedP < 0.001 }.prefix(20)))
    }
}

extension ArmFrequencies.Tally {
    fileprivate mutating func add(_ propensity: Double, observed isObserved: Bool) {
        if isObserved { observed += 1 }
        expected += propensity
        variance += propensity * (1 - propensity)
    }
}
