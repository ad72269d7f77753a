/// How the weight is spread over light and heavy rows, without keeping the rows.
///
/// Weights are counted and summed in bins of relative width 2^-8 (coarser where more than 4 096 of those are taken, which needs weights over
/// 16 powers of two). Whole bins are exact; of the bin that a boundary falls into, its mean stands for the rows taken from it, an error of at
/// most 0.4 % of their weight. Merging adds bins.
struct WeightSketch: Sendable {
    struct Bin: Poolable {
        var count = 0
        var sum = 0.0
        var smallest = Double.infinity

        mutating func pool(_ other: Self) {
            count += other.count
            sum += other.sum
            smallest = min(smallest, other.smallest)
        }
    }

    static let limit = 4096

    private(set) var bins = CoarseningTable(limit: Self.limit, empty: Bin())

    init() {}
    init(bins: CoarseningTable<Bin>) { self.bins = bins }

    /// Adds a non-negative weight. O(1).
    mutating func add(_ weight: Double) {
        // Sign, 11 bits of exponent and 8 of mantissa: bit patterns of non-negative doubles are ordered like the numbers. Adding 0 turns -0
        // into 0.
        let position = bins.position(of: Int64(bitPattern: (weight + 0).bitPattern >> 44))
        bins[position].pool(Bin(count: 1, sum: weight, smallest: weight))
    }

    mutating func merge(_ other: Self) { bins.merge(other.bins) }

    /// The sum of the `count` largest weights.
    func sumOfLargest(_ count: Int) -> Double {
        var left = count
        var sum = 0.0
        for (_, bin) in bins.sorted.reversed() where left > 0 {
            sum += bin.count <= left ? bin.sum : bin.sum * Double(left) / Double(bin.count)
            left -= min(left, bin.count)
        }
        return sum
    }

    /// Points of the survival curve from light to heavy: at the lightest row, and where about 1/2, 1/5, 1/10, 1/20, ... of the rows are as
    /// heavy or heavier, down to the heaviest bin. At most 32 of them; each one is exact.
    func tail() -> [WeightTailPoint] {
        let sorted = bins.sorted
        let rowCount = sorted.reduce(0) { $0 + $1.value.count }
        let total = sorted.reduce(0) { $0 + $1.value.sum }
        guard rowCount > 0, total > 0 else { return [] }
        var points: [WeightTailPoint] = []
        var count = 0
        var sum = 0.0
        // Shares at which a point is due, rising from one row to all of them: 1, 2 and 5 of each power of ten.
        var due = sorted.last.map { Double($0.value.count) / Double(rowCount) } ?? 1
        for (index, entry) in sorted.enumerated().reversed() {
            count += entry.value.count
            sum += entry.value.sum
            let share = Double(count) / Double(rowCount)
            guard share >= due || index == 0 else { continue }
            points.append(WeightTailPoint(weight: entry.value.smallest, shareOfRows: share, shareOfWeight: min(1, sum / total)))
            due = Self.nextShare(after: share)
        }
        return points.reversed()
    }

    /// The next of 1e-12, 2e-12, 5e-12, 1e-11, ... , 0.5, 1 above a share.
    private static func nextShare(after share: Double) -> Double {
        var power = 1e-12
        while power < 1 {
            for step in [1.0, 2, 5] where step * power > share * (1 + 1e-9) { return step * power }
            power *= 10
        }
        return 1
    }
}
