package import Evaluation
import HaggleMath

/// How estimates for the logged arms compare with rewards, in groups of rows with neighbouring estimates; parts add up.
package struct CalibrationSums: Hashable, Sendable, Codable {
    /// A group: number of rows, and sums over them.
    struct Group: Hashable, Sendable, Codable {
        var n: Double
        var estimates: Double
        var rewards: Double
        var squares: Double
    }

    private(set) var groups: [Group]
    /// Of the least-squares line reward = intercept + slope * estimate over the part's rows; nil where estimates do not vary.
    package let slope: Double?

    /// Groups the rows by their estimates into at most 20 of equal size. O(n log n).
    package init(estimates: [Double], rewards: [Double]) {
        let order = estimates.indices.sorted { (estimates[$0], $0) < (estimates[$1], $1) }
        let count = min(Self.groupCount, order.count)
        groups = (0..<count).map { index in
            var group = Group(n: 0, estimates: 0, rewards: 0, squares: 0)
            for row in order[index * order.count / count..<(index + 1) * order.count / count] {
                group.n += 1
                group.estimates += estimates[row]
                group.rewards += rewards[row]
                group.squares += rewards[row] * rewards[row]
            }
            return group
        }
        let n = Double(max(1, estimates.count))
        let meanEstimate = estimates.reduce(0, +) / n
        let meanReward = rewards.reduce(0, +) / n
        var spread = 0.0
        var product = 0.0
        for row in estimates.indices {
            spread += (estimates[row] - meanEstimate) * (estimates[row] - meanEstimate)
            product += (estimates[row] - meanEstimate) * (rewards[row] - meanReward)
        }
        let found = product / spread
        slope = spread > 1e-18 * n * meanEstimate * meanEstimate && spread > 0 && found.isFinite ? found : nil
    }

    /// The groups of several parts, put together into about ten of equal size from low to high estimates.
    package static func bins(_ parts: [CalibrationSums], wanted: Int = 10) -> [CalibrationBin] {
        let sorted = parts.flatMap(\.groups).sorted { $0.estimates / $0.n < $1.estimates / $1.n }
        let total = sorted.reduce(0) { $0 + $1.n }
        var bins: [CalibrationBin] = []
        var open = Group(n: 0, estimates: 0, rewards: 0, squares: 0)
        var seen = 0.0
        for (index, group) in sorted.enumerated() {
            open.n += group.n
            open.estimates += group.estimates
            open.rewards += group.rewards
            open.squares += group.squares
            seen += group.n
            guard seen >= total * Double(bins.count + 1) / Double(wanted) - 0.5 || index + 1 == sorted.count else { continue }
            bins.append(bin(of: open))
            open = Group(n: 0, estimates: 0, rewards: 0, squares: 0)
        }
        return bins
    }

    private static func bin(of group: Group) -> CalibrationBin {
        let mean = group.rewards / group.n
        var half: Double?
        if group.n >= 2 {
            let variance = max(0, group.squares - group.n * mean * mean) / (group.n - 1)
            half = NormalDistribution.quantile(0.975) * (variance / group.n).squareRoot()
        }
        return CalibrationBin(
            rowCount: Int(group.n), meanPrediction: group.estimates / group.n, meanReward: mean, lower: half.map { mean - $0 },
            upper: half.map { mean + $0 })
    }

    private static let groupCount = 20
}
