/// A sample of the units by hash, with how many rows each has and when: what tells whether units recur, how many there are, and whether
/// their attribution windows overlap.
///
/// Kept are the units whose hashes begin with `level` zero bits, the fewest for which there are at most 4 096 of them: every unit of a small
/// log, a random share of a large one, the same whatever the order of rows. Of each unit the 32 earliest times are kept. At most about 1 MiB.
struct UnitSample: Sendable {
    struct Entry: Sendable {
        var rowCount = 0
        /// Microseconds, ascending, the earliest `timeLimit` of them.
        var times: [Int64] = []

        mutating func add(time: Int64) {
            if times.count == UnitSample.timeLimit {
                guard let latest = times.last, time < latest else { return }
                times.removeLast()
            }
            var place = times.count
            while place > 0, times[place - 1] > time { place -= 1 }
            times.insert(time, at: place)
        }
    }

    static let limit = 4096
    static let timeLimit = 32

    /// Leading zero bits that a unit's hash needs.
    private(set) var level = 0
    private(set) var entries: [UInt64: Entry] = [:]

    init() {}

    /// Restores a sample; nil where it could not have come about.
    init?(level: Int, entries: [UInt64: Entry]) {
        guard (0...64).contains(level), entries.count <= Self.limit, entries.keys.allSatisfy({ $0.leadingZeroBitCount >= level }),
            entries.values.allSatisfy({
                $0.rowCount >= max(1, $0.times.count) && $0.times.count <= Self.timeLimit && $0.times == $0.times.sorted()
            })
        else { return nil }
        self.level = level
        self.entries = entries
    }

    /// About how many units there are; exact up to 4 096.
    var estimatedUnitCount: Double { Double(entries.count) * Double(sign: .plus, exponent: level, significand: 1) }

    /// Whether some unit of the sample has more than one row.
    var recur: Bool { entries.values.contains { $0.rowCount > 1 } }

    mutating func add(unit: UInt64, time: Int64?) {
        guard unit.leadingZeroBitCount >= level else { return }
        entries[unit, default: Entry()].rowCount += 1
        if let time { entries[unit]?.add(time: time) }
        thin()
    }

    mutating func merge(_ other: Self) {
        level = max(level, other.level)
        let level = level
        entries = entries.filter { $0.key.leadingZeroBitCount >= level }
        for (unit, theirs) in other.entries where unit.leadingZeroBitCount >= level {
            entries[unit, default: Entry()].rowCount += theirs.rowCount
            for time in theirs.times { entries[unit]?.add(time: time) }
        }
        thin()
    }

    /// The share of units that have two impressions less than a window apart; nil without units or without times.
    func shareOfUnitsCloser(than windowSeconds: Double) -> Double? {
        let timed = entries.values.filter { !$0.times.isEmpty }
        guard !timed.isEmpty else { return nil }
        let close = timed.count { entry in
            zip(entry.times, entry.times.dropFirst()).contains { (Double($1) - Double($0)) / 1e6 < windowSeconds }
        }
        return Double(close) / Double(timed.count)
    }

    private mutating func thin() {
        while entries.count > Self.limit, level < 64 {
            level += 1
            let level = level
            entries = entries.filter { $0.key.leadingZeroBitCount >= level }
        }
    }
}
