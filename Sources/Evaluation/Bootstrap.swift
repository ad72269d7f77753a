/// All replicates of a Poisson bootstrap; see `BootstrapSums`.
struct Bootstrap: Sendable {
    let replicateCount: Int
    var sums: BootstrapSums

    /// Below this many draws a batch is not worth a second thread.
    private static let serialDrawCount = 200_000

    init(replicateCount: Int, width: Int) {
        self.replicateCount = replicateCount
        sums = BootstrapSums(groups: 0..<(replicateCount + 3) / 4, width: width)
    }

    /// Adds rows; see `BootstrapSums.add`.
    mutating func add(keys: [UInt64], columns: [Double]) {
        var part = BootstrapSums(groups: 0..<sums.groupCount, width: sums.width)
        part.add(keys: keys, columns: columns)
        sums.absorb(part)
    }

    /// Adds rows, the replicates dealt to threads. The result does not depend on the number of threads.
    mutating func add(keys: [UInt64], columns: [Double], threadCount: Int) async {
        let partCount = min(threadCount, sums.groupCount)
        if partCount == 1 || keys.count * replicateCount < Self.serialDrawCount {
            add(keys: keys, columns: columns)
            return
        }
        let (groups, width) = (sums.groupCount, sums.width)
        let parts = await withTaskGroup(of: BootstrapSums.self) { group in
            for index in 0..<partCount {
                group.addTask {
                    var part = BootstrapSums(groups: groups * index / partCount..<groups * (index + 1) / partCount, width: width)
                    part.add(keys: keys, columns: columns)
                    return part
                }
            }
            var parts: [BootstrapSums] = []
            for await part in group { parts.append(part) }
            return parts
        }
        // Parts hold different replicates, so the order in which they arrive does not matter.
        for part in parts { sums.absorb(part) }
    }

    mutating func merge(_ other: Self) { sums.absorb(other.sums) }

    /// The sum of weights and the columns' sums of every replicate.
    func forEachReplicate(_ body: (_ count: Double, _ sum: (Int) -> Double) -> Void) {
        for replicate in 0..<replicateCount { body(sums.count(replicate)) { sums.sum(replicate, column: $0) } }
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
