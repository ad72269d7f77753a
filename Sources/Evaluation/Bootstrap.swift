/// All replicates, dealt to threads.
struct Bootstrap: Sendable {
    let replicateCount: Int
    private var parts: [BootstrapSums]

    /// Below this many draws a batch is not worth a second thread.
    private static let serialDrawCount = 200_000

    init(replicateCount: Int, width: Int, threadCount: Int) {
        self.replicateCount = replicateCount
        let groups = (replicateCount + 3) / 4
        let partCount = min(threadCount, groups)
        parts = (0..<partCount).map { BootstrapSums(groups: groups * $0 / partCount..<groups * ($0 + 1) / partCount, width: width) }
    }

    /// Adds rows; see `BootstrapSums.add`. The result does not depend on the number of threads.
    mutating func add(keys: [UInt64], columns: [Double]) async {
        if parts.count == 1 || keys.count * replicateCount < Self.serialDrawCount {
            for index in parts.indices { parts[index].add(keys: keys, columns: columns) }
            return
        }
        let old = parts
        parts = await withTaskGroup(of: (index: Int, part: BootstrapSums).self) { group in
            for (index, part) in old.enumerated() {
                group.addTask {
                    var part = part
                    part.add(keys: keys, columns: columns)
                    return (index, part)
                }
            }
            var new = old
            for await (index, part) in group { new[index] = part }
            return new
        }
    }

    mutating func merge(_ other: Self) {
        precondition(parts.count == other.parts.count, "bootstraps merge only with the same options")
        for index in parts.indices { parts[index].merge(other.parts[index]) }
    }

    /// The sum of weights and the columns' sums of every replicate.
    func forEachReplicate(_ body: (_ count: Double, _ sum: (Int) -> Double) -> Void) {
        var left = replicateCount
        for part in parts {
            for replicate in 0..<min(left, 4 * part.groupCount) {
                body(part.count(replicate)) { part.sum(replicate, column: $0) }
            }
            left -= min(left, 4 * part.groupCount)
        }
    }

    /// The percentile interval: the empirical quantiles (1 - level) / 2 and (1 + level) / 2, interpolated linearly between order statistics.
    /// - Parameter values: of the replicates; those that are not finite (0 / 0 in a tiny log) do not count.
    /// - Returns: nil where fewer than half of the replicates, or fewer than two, have a value.
    static func percentileInterval(_ values: [Double], level: Double) -> (lower: Double, upper: Double)? {
        let sorted = values.filter(\.isFinite).sorted()
        guard sorted.count >= 2, 2 * sorted.count >= values.count else { return nil }
        return (quantile(sorted, (1 - level) / 2), quantile(sorted, (1 + level) / 2))
    }

    private static func quantile(_ sorted: [Double], _ probability: Double) -> Double {
        let position = probability * Double(sorted.count - 1)
        let lower = Int(position.rounded(.down))
        let upper = min(lower + 1, sorted.count - 1)
        return sorted[lower] + (position - Double(lower)) * (sorted[upper] - sorted[lower])
    }
}
