/// Each arm's mean reward, drawn towards the mean of all arms: `(sum w r + k mean) / (sum w + k)` with k = 10 rows' worth of the latter.
///
/// What is known of an arm with too few rows for a model; of an arm without rows, the mean of all.
struct ShrunkenMeans {
    let values: [Double]
    /// Rows per arm that have a weight above 0.
    let counts: [Int]

    init(_ rows: EncodedRows, armCount: Int) {
        var sums = [Double](repeating: 0, count: armCount)
        var weights = sums
        var counts = [Int](repeating: 0, count: armCount)
        for row in 0..<rows.count where rows.weights[row] > 0 {
            let arm = rows.arms[row]
            sums[arm] += rows.weights[row] * rows.rewards[row]
            weights[arm] += rows.weights[row]
            counts[arm] += 1
        }
        let mean = rows.rewardScale.centre
        values = (0..<armCount).map { (sums[$0] + Self.priorCount * mean) / (weights[$0] + Self.priorCount) }
        self.counts = counts
    }

    private static let priorCount = 10.0
}
