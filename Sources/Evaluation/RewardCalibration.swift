import HaggleMath

/// How the reward model's estimates for the logged arms compare with the rewards; O(1) per row, bounded memory, mergeable.
///
/// Bins are fixed (the leading 20 bits of the estimate, coarser where more than 2 048 are taken), so parts of a log add up; the report puts
/// them together into about ten of equal size. The line reward = intercept + slope * estimate gets its errors from sums over 256 groups of
/// units by hash, so rows of one unit may depend on each other; with 256 groups an error is known to about 4 %.
struct RewardCalibration: Sendable {
    struct Bin: Poolable {
        var count = 0.0
        var estimates = 0.0
        var rewards = 0.0
        var rewardSquares = 0.0

        mutating func pool(_ other: Self) {
            count += other.count
            estimates += other.estimates
            rewards += other.rewards
            rewardSquares += other.rewardSquares
        }
    }

    static let limit = 2048
    static let groupCount = 256
    /// Count, estimates, rewards, squares of estimates, products.
    static let groupWidth = 5

    private(set) var bins = CoarseningTable(limit: Self.limit, empty: Bin())
    /// Row-major, `groupCount * groupWidth`.
    private(set) var groups = [Double](repeating: 0, count: Self.groupCount * Self.groupWidth)
    /// Estimates of any arm outside of the declared range of rewards, and how many there were.
    private(set) var outsideCount = 0
    private(set) var estimateCount = 0

    init() {}
    init(bins: CoarseningTable<Bin>, groups: [Double], outsideCount: Int, estimateCount: Int) {
        self.bins = bins
        self.groups = groups
        self.outsideCount = outsideCount
        self.estimateCount = estimateCount
    }

    /// Adds a row.
    /// - Parameter key: the row's resampling key, which is its unit's where it has one.
    mutating func add(estimate: Double, reward: Double, key: UInt64) {
        let bits = Int64(bitPattern: (estimate + 0).bitPattern)
        // Ordered like the numbers: the negative ones backwards.
        let position = bins.position(of: (bits < 0 ? bits ^ Int64.max : bits) >> 44)
        bins[position].pool(Bin(count: 1, estimates: estimate, rewards: reward, rewardSquares: reward * reward))
        let start = Int(truncatingIfNeeded: key >> 56) * Self.groupWidth
        groups[start] += 1
        groups[start + 1] += estimate
        groups[start + 2] += reward
        groups[start + 3] += estimate * estimate
        groups[start + 4] += estimate * reward
    }

    /// Counts the estimates of a row that no reward can equal.
    mutating func check(_ estimates: Span<Double>, range: ClosedRange<Double>) {
        estimateCount += estimates.count
        // Room for rounding of declared decimals.
        let room = 1e-9 * (range.upperBound - range.lowerBound)
        for index in 0..<estimates.count
        where estimates[index] < range.lowerBound - room || estimates[index] > range.upperBound + room { outsideCount += 1 }
    }

    mutating func merge(_ other: Self) {
        bins.merge(other.bins)
        for index in groups.indices { groups[index] += other.groups[index] }
        outsideCount += other.outsideCount
        estimateCount += other.estimateCount
    }

    /// Share of estimates outside of the declared range; nil where none was declared.
    var outsideShare: Double? { estimateCount > 0 ? Double(outsideCount) / Double(estimateCount) : nil }

    /// The bins of the report, from low to high estimates: about ten of about equal size, fewer where many estimates are equal.
    func reportBins(wanted: Int = 10) -> [CalibrationBin] {
        let sorted = bins.sorted.map(\.value)
        var left = sorted.reduce(0) { $0 + $1.count }
        var result: [CalibrationBin] = []
        var open = Bin()
        for (index, bin) in sorted.enumerated() {
            open.pool(bin)
            let due = left / Double(max(1, wanted - result.count))
            // Close here when that is nearer to the wanted size than after the next bin.
            let next = index + 1 < sorted.count ? sorted[index + 1].count : 0
            guard index + 1 == sorted.count || open.count + next / 2 >= due else { continue }
            result.append(CalibrationBin(open))
            left -= open.count
            open = Bin()
        }
        return result
    }

    /// The least-squares line; nil where estimates do not vary or fewer than three groups have rows.
    func line() -> CalibrationLine? {
        let used = (0..<Self.groupCount).lazy.map { $0 * Self.groupWidth }.filter { groups[$0] > 0 }
        var totals = [CompensatedSum](repeating: CompensatedSum(), count: Self.groupWidth)
        var clusterCount = 0.0
        for start in used {
            clusterCount += 1
            for column in totals.indices { totals[column] += groups[start + column] }
        }
        let count = totals[0].value
        guard clusterCount >= 3 else { return nil }
        let meanEstimate = totals[1].value / count
        let meanReward = totals[2].value / count
        let spread = totals[3].value - count * meanEstimate * meanEstimate
        guard spread > 1e-9 * totals[3].value, spread.isFinite else { return nil }
        let slope = (totals[4].value - count * meanEstimate * meanReward) / spread
        let intercept = meanReward - slope * meanEstimate
        var squares = (slope: 0.0, intercept: 0.0, offset: 0.0)
        for start in used {
            let (n, q, r) = (groups[start], groups[start + 1], groups[start + 2])
            let residual = r - intercept * n - slope * q
            let product = groups[start + 4] - intercept * q - slope * groups[start + 3] - meanEstimate * residual
            let offset = r - q - (meanReward - meanEstimate) * n
            squares.slope += product * product
            squares.intercept += (residual / count - meanEstimate * product / spread) * (residual / count - meanEstimate * product / spread)
            squares.offset += offset * offset
        }
        let scale = clusterCount / (clusterCount - 1)
        let line = CalibrationLine(
            slope: slope, slopeError: (scale * squares.slope).squareRoot() / spread, intercept: intercept,
            interceptError: (scale * squares.intercept).squareRoot(), meanEstimate: meanEstimate, meanReward: meanReward,
            offsetError: (scale * squares.offset).squareRoot() / count)
        return line.isFinite ? line : nil
    }
}

extension CalibrationBin {
    /// Mean reward +- 1.96 standard errors, rows taken as independent.
    fileprivate init(_ bin: RewardCalibration.Bin) {
        let mean = bin.rewards / bin.count
        var half: Double?
        if bin.count >= 2 {
            let variance = max(0, bin.rewardSquares - bin.count * mean * mean) / (bin.count - 1)
            half = NormalDistribution.quantile(0.975) * (variance / bin.count).squareRoot()
        }
        self.init(
            rowCount: Int(bin.count), meanPrediction: bin.estimates / bin.count, meanReward: mean, lower: half.map { mean - $0 },
            upper: half.map { mean + $0 })
    }
}
