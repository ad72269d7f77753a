/// Each arm's mean reward, drawn towards the mean of all arms: `(sum r + k mean) / (n + k)` with k = 10 rows' worth of the latter.
///
/// What is known of an arm with too few rows for a model; of an arm without rows, the mean of all.
struct ShrunkenMeans {
    let values: [Double]
    /// Rows per arm.
    let counts: [Int]

    init(_ rows: EncodedRows, armCount: Int) {
        var sums = [Double](repeating: 0, count: armCount)
        var counts = [Int](repeating: 0, count: armCount)
        for row in 0..<rows.count {
            sums[rows.arms[row]] += rows.rewards[row]
            counts[rows.arms[row]] += 1
        }
        let mean = rows.rewardScale.centre
        values = (0..<armCount).map { (sums[$0] + Self.priorCount * mean) / (Double(counts[$0]) + Self.priorCount) }
        self.counts = counts
    }

    private static let priorCount = 10.0
}
