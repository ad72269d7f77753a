/// How much of all weight lies on the heaviest rows, without keeping the rows.
///
/// Weights are counted and summed in bins of relative width 2^-8. Whole bins are exact; of the bin that the boundary falls into, its mean
/// stands for the rows taken from it, an error of at most 0.4 % of their weight. Merging adds bins.
struct WeightSketch: Sendable {
    fileprivate struct Bin {
        var count = 0
        var sum = 0.0
    }

    private var bins: [UInt32: Bin] = [:]

    /// Adds a non-negative weight. O(1).
    mutating func add(_ weight: Double) {
        // Sign, 11 bits of exponent and 8 of mantissa: bit patterns of non-negative doubles are ordered like the numbers.
        bins[UInt32(truncatingIfNeeded: weight.bitPattern >> 44), default: Bin()].accumulate(weight)
    }

    mutating func merge(_ other: Self) {
        for (key, bin) in other.bins {
            bins[key, default: Bin()].count += bin.count
            bins[key, default: Bin()].sum += bin.sum
        }
    }

    /// The sum of the `count` largest weights.
    func sumOfLargest(_ count: Int) -> Double {
        var left = count
        var sum = 0.0
        for key in bins.keys.sorted(by: >) where left > 0 {
            guard let bin = bins[key] else { continue }
            sum += bin.count <= left ? bin.sum : bin.sum * Double(left) / Double(bin.count)
            left -= min(left, bin.count)
        }
        return sum
    }
}

extension WeightSketch.Bin {
    fileprivate mutating func accumulate(_ weight: Double) {
        count += 1
        sum += weight
    }
}
