import HaggleCore
import HaggleMath

/// Counts of arms against their logged propensities, by serving snapshot and by day (UTC).
///
/// Given the past, arm a of row t comes with probability p_ta; so under a correct log z_a = (n_a - sum p_a) / sqrt(sum p_a (1 - p_a)) is a
/// martingale's normalised end, near standard normal, even under an adaptive policy. Arms that were certain (p = 0 or 1) add no spread.
///
/// Bounded: where there are more than 4 096 snapshots (fewer with more than 16 arms) or days, neighbouring ones are pooled.
struct ArmFrequencies: Sendable {
    /// One arm's count, expectation and variance.
    struct Tally: Sendable {
        var observed = 0
        var expected = CompensatedSum()
        var variance = CompensatedSum()
    }

    /// The tallies of all arms.
    struct Tallies: Poolable {
        var arms: [Tally]

        mutating func pool(_ other: Self) {
            for arm in arms.indices {
                arms[arm].observed += other.arms[arm].observed
                arms[arm].expected.merge(other.arms[arm].expected)
                arms[arm].variance.merge(other.arms[arm].variance)
            }
        }

        mutating func add(arm: Int, propensities: [Double]) {
            arms[arm].observed += 1
            for (index, p) in propensities.enumerated() {
                arms[index].expected += p
                arms[index].variance += p * (1 - p)
            }
        }
    }

    /// Fewer expected spreads than this are too far from normal to test: var >= 5 keeps both tails usable.
    private static let leastVariance = 5.0
    private static let dayMicroseconds: Int64 = 86_400_000_000

    let armCount: Int
    var snapshots: CoarseningTable<Tallies>
    var days: CoarseningTable<Tallies>
    /// Rows that name no snapshot.
    var unnamed: Tallies
    private(set) var rowCount = 0

    init(armCount: Int) {
        self.armCount = armCount
        let empty = Tallies(arms: [Tally](repeating: Tally(), count: armCount))
        let limit = Self.limit(armCount: armCount)
        snapshots = CoarseningTable(limit: limit, empty: empty)
        days = CoarseningTable(limit: limit, empty: empty)
        unnamed = empty
    }

    /// Restores counts.
    init(armCount: Int, rowCount: Int, snapshots: CoarseningTable<Tallies>, days: CoarseningTable<Tallies>, unnamed: Tallies) {
        self.armCount = armCount
        self.rowCount = rowCount
        self.snapshots = snapshots
        self.days = days
        self.unnamed = unnamed
    }

    /// How many snapshots, and days, are told apart.
    static func limit(armCount: Int) -> Int { max(16, min(4096, 65_536 / max(1, armCount))) }

    mutating func add(arm: Int, propensities: [Double], snapshot: SnapshotVersion?, time: Timestamp?) {
        rowCount += 1
        if let snapshot {
            snapshots[snapshots.position(of: Int64(snapshot.rawValue))].add(arm: arm, propensities: propensities)
        } else {
            unnamed.add(arm: arm, propensities: propensities)
        }
        if let time {
            let (day, rest) = time.microseconds.quotientAndRemainder(dividingBy: Self.dayMicroseconds)
            days[days.position(of: rest < 0 ? day - 1 : day)].add(arm: arm, propensities: propensities)
        }
    }

    mutating func merge(_ other: Self) {
        rowCount += other.rowCount
        snapshots.merge(other.snapshots)
        days.merge(other.days)
        unnamed.pool(other.unnamed)
    }

    /// Every testable arm of every snapshot and of every day, two-sided, adjusted by Holm over all of them; nil where no row held all
    /// propensities.
    func check() -> ArmFrequencyCheck? {
        guard rowCount > 0 else { return nil }
        var tests: [ArmFrequencyCheck.Deviation] = []
        append(unnamed, to: &tests) { _ in }
        for (key, tallies) in snapshots.sorted {
            append(tallies, to: &tests) {
                $0.snapshot = Int(key << Int64(snapshots.level))
                $0.span = 1 << min(62, snapshots.level)
            }
        }
        for (key, tallies) in days.sorted {
            let start = (key << Int64(days.level)).multipliedReportingOverflow(by: Self.dayMicroseconds)
            append(tallies, to: &tests) {
                $0.day = start.overflow ? nil : String(Timestamp(microseconds: start.partialValue).description.prefix(10))
                $0.span = 1 << min(62, days.level)
            }
        }
        tests.sort {
            ($0.adjustedP, $0.snapshot ?? -1, $0.day ?? "", $0.arm) < ($1.adjustedP, $1.snapshot ?? -1, $1.day ?? "", $1.arm)
        }
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

    private func append(
        _ tallies: Tallies, to tests: inout [ArmFrequencyCheck.Deviation], naming: (inout ArmFrequencyCheck.Deviation) -> Void
    ) {
        for (arm, tally) in tallies.arms.enumerated() where tally.variance.value >= Self.leastVariance {
            let z = (Double(tally.observed) - tally.expected.value) / tally.variance.value.squareRoot()
            var deviation = ArmFrequencyCheck.Deviation(
                snapshot: nil, day: nil, span: 1, arm: arm, observed: tally.observed, expected: tally.expected.value, z: z,
                adjustedP: 2 * NormalDistribution.cumulative(-abs(z)))
            naming(&deviation)
            tests.append(deviation)
        }
    }
}
