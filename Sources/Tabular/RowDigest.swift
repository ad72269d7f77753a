/// A hash of 128 bits of a row's fields and of where each ends. Not for secrets: whoever wants to can find two rows with one digest; rows of
/// honest files collide with a probability of about n^2 / 2^129.
package struct RowDigest: Hashable, Sendable {
    package private(set) var high: UInt64 = 0x243f_6a88_85a3_08d3
    package private(set) var low: UInt64 = 0x1319_8a2e_0370_7344

    package init() {}

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Adds a field. Eight bytes at a time: exclusive or, multiply to 128 bits, fold; two lanes with different factors.
    package mutating func add(_ bytes: Span<UInt8>, from start: Int, to end: Int) {
        mix(UInt64(end - start))
        var position = start
        while position + 8 <= end {
            mix(bytes.word(at: position))
            position += 8
        }
        guard position < end else { return }
        var word: UInt64 = 0
        while position < end {
            word = word << 8 | UInt64(bytes[position])
            position += 1
        }
        mix(word)
    }

    @inline(__always)
    private mutating func mix(_ word: UInt64) {
        let first = (high ^ word).multipliedFullWidth(by: 0xa24b_aed4_963e_e407)
        let second = (low &+ word).multipliedFullWidth(by: 0x9fb2_1c65_1e98_df25)
        high = (first.high ^ first.low) &+ 0x9e37_79b9_7f4a_7c15
        low = (second.high ^ second.low) &+ first.high
    }

    /// The hash of one text, to spread keys evenly.
    package static func hash(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> UInt64 {
        var digest = RowDigest()
        digest.add(bytes, from: start, to: end)
        digest.mix(0)
        return digest.high
    }
}
