/// How often each value came, for exact quantiles of a stream: money has few different amounts.
///
/// Memory is bounded: beyond `limit` different values the lowest eight bits of their doubles are dropped, and eight more when that is not
/// enough (relative error below 2^-44, then 2^-36, ...). The result does not depend on the order of the values.
struct ValueCounts {
    private let limit: Int
    /// By the value's bits, made monotone, without the dropped ones.
    private var counts: [UInt64: Int] = [:]
    private var droppedBits: UInt64 = 0
    private(set) var count = 0

    init(limit: Int = 1 << 18) { self.limit = limit }

    /// - Precondition: not NaN.
    mutating func add(_ value: Double) {
        count += 1
        counts[Self.key(value) >> droppedBits, default: 0] += 1
        while counts.count > limit {
            droppedBits += 8
            var coarser: [UInt64: Int] = [:]
            for (key, count) in counts { coarser[key >> 8, default: 0] += count }
            counts = coarser
        }
    }

    /// Quantiles, linear between order statistics (Hyndman & Fan 1996, type 7: numpy's default); nil without values. O(different values).
    func quantiles(_ shares: [Double]) -> [Double]? {
        guard count > 0 else { return nil }
        let sorted = counts.sorted { $0.key < $1.key }
        /// The value of this rank, from 0.
        func value(rank: Int) -> Double {
            var passed = 0
            for (key, count) in sorted {
                passed += count
                if rank < passed { return Self.value(key << droppedBits) }
            }
            return Self.value((sorted.last?.key ?? 0) << droppedBits)
        }
        return shares.map { share in
            let place = min(max(share, 0), 1) * Double(count - 1)
            let below = Int(place.rounded(.down))
            let (low, high) = (value(rank: below), value(rank: min(below + 1, count - 1)))
            let rest = place - Double(below)
            return rest > 0 && low < high ? low * (1 - rest) + high * rest : low
        }
    }

    /// Ascending with the value: positive doubles order like their bits, negative ones the other way round.
    private static func key(_ value: Double) -> UInt64 {
        let bits = (value == 0 ? 0 : value).bitPattern
        return bits >> 63 == 1 ? ~bits : bits | 1 << 63
    }

    private static func value(_ key: UInt64) -> Double { Double(bitPattern: key >> 63 == 1 ? key & ~(1 << 63) : ~key) }
}
