import HaggleMath

/// What a `CoarseningTable` keeps for a key: two of them can be pooled into one.
protocol Poolable: Sendable {
    mutating func pool(_ other: Self)
}

/// A value for each integer key, of which there are never more than a limit: where more come, neighbouring keys are pooled two by two.
///
/// The kept keys are the original ones shifted right by `level`, the smallest shift that leaves at most `limit` distinct keys. That depends on
/// the set of keys only, not on their order: tables of parts of a stream merge into the table of the whole. Memory is O(limit).
struct CoarseningTable<Value: Poolable>: Sendable {
    /// The largest number of keys, at least 2.
    let limit: Int
    /// How far keys are shifted, 0...63.
    private(set) var level = 0
    /// Shifted keys, in order of first appearance.
    private(set) var keys: [Int64] = []
    /// One for each of `keys`.
    private(set) var values: [Value] = []
    private let empty: Value
    /// Open addressing: positions in `keys`, -1 where free; a power of two of them, at most half of them taken.
    private var slots = [Int32](repeating: -1, count: 16)
    private var last = 0

    /// - Parameter empty: the value of a key that has none yet.
    init(limit: Int, empty: Value) {
        precondition(limit >= 2, "negative and other keys never share a bin")
        self.limit = limit
        self.empty = empty
    }

    /// Restores a table; nil where it could not have come about.
    init?(limit: Int, empty: Value, level: Int, keys: [Int64], values: [Value]) {
        self.init(limit: limit, empty: empty)
        guard (0...63).contains(level), keys.count == values.count, keys.count <= limit, Set(keys).count == keys.count else { return nil }
        self.level = level
        for (key, value) in zip(keys, values) { append(key, value) }
    }

    /// The value at a position that `position(of:)` gave, until the next call of that.
    subscript(position: Int) -> Value {
        get { values[position] }
        _modify { yield &values[position] }
    }

    /// Where the value of a key is; makes it where there is none. O(1), and O(limit) in the rare case that keys have to be pooled.
    @inline(__always)
    mutating func position(of key: Int64) -> Int {
        if last < keys.count, keys[last] == key >> Int64(level) { return last }
        return find(key)
    }

    /// Pools another table into this one.
    mutating func merge(_ other: Self) {
        while level < other.level { coarsen() }
        for (key, value) in zip(other.keys, other.values) {
            // Up to the original resolution and down again: `find` shifts by the level of the moment.
            let position = find(key << Int64(other.level))
            values[position].pool(value)
        }
    }

    /// Keys and values by ascending key.
    var sorted: [(key: Int64, value: Value)] { zip(keys, values).map { (key: $0, value: $1) }.sorted { $0.key < $1.key } }

    private mutating func find(_ key: Int64) -> Int {
        if let known = lookUp(key >> Int64(level)) {
            last = known
            return known
        }
        append(key >> Int64(level), empty)
        while keys.count > limit { coarsen() }
        last = lookUp(key >> Int64(level)) ?? 0
        return last
    }

    private func lookUp(_ shifted: Int64) -> Int? {
        var slot = start(of: shifted)
        while slots[slot] >= 0 {
            if keys[Int(slots[slot])] == shifted { return Int(slots[slot]) }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    private func start(of shifted: Int64) -> Int {
        Int(truncatingIfNeeded: mix64(UInt64(bitPattern: shifted))) & (slots.count - 1)
    }

    private mutating func append(_ shifted: Int64, _ value: Value) {
        keys.append(shifted)
        values.append(value)
        if 2 * keys.count > slots.count {
            slots = [Int32](repeating: -1, count: 2 * slots.count)
            for position in keys.indices { place(position) }
        } else {
            place(keys.count - 1)
        }
    }

    private mutating func place(_ position: Int) {
        var slot = start(of: keys[position])
        while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = Int32(position)
    }

    private mutating func coarsen() {
        let (oldKeys, oldValues) = (keys, values)
        level += 1
        keys = []
        values = []
        last = 0
        for slot in slots.indices { slots[slot] = -1 }
        for (key, value) in zip(oldKeys, oldValues) {
            if let known = lookUp(key >> 1) { values[known].pool(value) } else { append(key >> 1, value) }
        }
    }
}
