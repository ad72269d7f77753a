/// Texts and the positions they have, found by their bytes: a column of names becomes a column of small numbers without a string a row.
package struct KeyDictionary: Sendable {
    /// The texts by position.
    package private(set) var keys: [String] = []
    /// Whether texts that are not there yet are added.
    package let isOpen: Bool
    /// Open addressing, a power of two long; -1 is free.
    private var table: [Int32]
    /// The bytes of all keys, and where each begins; one more than there are keys.
    private var bytes: [UInt8] = []
    private var starts = [0]

    /// Most keys that an open dictionary takes.
    package static let limit = 1 << 20

    /// Knows these keys, at their positions (of equal ones the first), and adds what else it meets.
    package init(open keys: [String] = []) { self.init(keys, isOpen: true) }

    /// Knows these keys and no others.
    package init(closed keys: [String]) { self.init(keys, isOpen: false) }

    private init(_ keys: [String], isOpen: Bool) {
        self.isOpen = isOpen
        table = [Int32](repeating: -1, count: 16)
        for key in keys {
            let text = Array(key.utf8)
            _ = add(text.span, from: 0, to: text.count)
        }
    }

    package var count: Int { keys.count }

    package subscript(key: String) -> Int? {
        let text = Array(key.utf8)
        let slot = slot(of: text.span, from: 0, to: text.count)
        return table[slot] < 0 ? nil : Int(table[slot])
    }

    /// The position of `text[start..<end]`; nil where it is not known.
    package func position(ofKnown text: Span<UInt8>, from start: Int, to end: Int) -> Int? {
        let found = table[slot(of: text, from: start, to: end)]
        return found < 0 ? nil : Int(found)
    }

    /// The position of `text[start..<end]`, which an open dictionary adds; nil where a closed one does not know it, or an open one is full.
    mutating func position(of text: Span<UInt8>, from start: Int, to end: Int) -> Int32? {
        let slot = slot(of: text, from: start, to: end)
        if table[slot] >= 0 { return table[slot] }
        return isOpen && keys.count < Self.limit ? add(text, from: start, to: end) : nil
    }

    private mutating func add(_ text: Span<UInt8>, from start: Int, to end: Int) -> Int32 {
        if 2 * (keys.count + 1) > table.count { grow() }
        let slot = slot(of: text, from: start, to: end)
        let position = Int32(keys.count)
        for index in start..<end { bytes.append(text[index]) }
        starts.append(bytes.count)
        keys.append(String(decoding: bytes[starts[keys.count]...], as: UTF8.self))
        if table[slot] < 0 { table[slot] = position }
        return position
    }

    private mutating func grow() {
        table = [Int32](repeating: -1, count: 2 * table.count)
        for index in keys.indices {
            let slot = slot(of: bytes.span, from: starts[index], to: starts[index + 1])
            if table[slot] < 0 { table[slot] = Int32(index) }
        }
    }

    /// Where the text stands in the table, or would.
    private func slot(of text: Span<UInt8>, from start: Int, to end: Int) -> Int {
        var slot = Int(truncatingIfNeeded: Self.hash(text, from: start, to: end)) & (table.count - 1)
        while table[slot] >= 0, !equals(Int(table[slot]), text, from: start, to: end) { slot = (slot + 1) & (table.count - 1) }
        return slot
    }

    private func equals(_ key: Int, _ text: Span<UInt8>, from start: Int, to end: Int) -> Bool {
        let begin = starts[key]
        guard starts[key + 1] - begin == end - start else { return false }
        for index in 0..<end - start where bytes[begin + index] != text[start + index] { return false }
        return true
    }

    /// Eight bytes at a time: exclusive or, multiply, fold.
    private static func hash(_ text: Span<UInt8>, from start: Int, to end: Int) -> UInt64 {
        var hash = UInt64(end - start) &* 0x9e37_79b9_7f4a_7c15
        var position = start
        while position < end {
            var word: UInt64 = 0
            if position + 8 <= end {
                word = text.word(at: position)
            } else {
                for index in position..<end { word = word << 8 | UInt64(text[index]) }
            }
            let (high, low) = (hash ^ word).multipliedFullWidth(by: 0xa24b_aed4_963e_e407)
            hash = high ^ low
            position += 8
        }
        return hash ^ hash >> 29
    }
}
