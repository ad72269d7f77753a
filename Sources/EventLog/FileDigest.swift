package import HaggleCore
import Tabular

/// A 128-bit fingerprint of a file's bytes, from which imported rows get their ids. Not for secrets: it tells files apart, not forgers.
///
/// Two lanes take eight bytes at a time, each with its own constants: multiply, rotate, add; the length and both lanes are mixed at the end by
/// the finaliser of SplitMix64 (Steele, Lea & Flood 2014).
package struct FileDigest: Hashable, Sendable {
    package let high: UInt64
    package let low: UInt64

    /// Reads the file, compressed or not as it is.
    package init(path: String) throws {
        var state = State()
        try readFile(path) { state.add($0) }
        (high, low) = state.finish()
    }

    package init(bytes: [UInt8]) {
        var state = State()
        state.add(bytes)
        (high, low) = state.finish()
    }

    /// 32 hexadecimal digits.
    package var text: String { Self.hexadecimal(high) + Self.hexadecimal(low) }

    private static func hexadecimal(_ word: UInt64) -> String {
        let digits = String(word, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// The id of a row: its time, and 74 bits of the fingerprint mixed with its number.
    package func id(row: Int, time: Timestamp) -> ImpressionID {
        let number = Self.mix(UInt64(row) &+ 0x9e37_79b9_7f4a_7c15)
        return ImpressionID(time: time, random: (Self.mix(high ^ number), Self.mix(low &+ number &* 0xd6e8_feb8_6659_fd93)))
    }

    private struct State {
        private var lanes: (UInt64, UInt64) = (0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344)
        private var pending: UInt64 = 0
        private var length: UInt64 = 0

        mutating func add(_ bytes: [UInt8]) {
            for byte in bytes {
                pending = pending << 8 | UInt64(byte)
                length &+= 1
                if length & 7 == 0 { absorb() }
            }
        }

        mutating func finish() -> (UInt64, UInt64) {
            absorb()
            let first = FileDigest.mix(lanes.0 ^ length)
            let second = FileDigest.mix(lanes.1 &+ first)
            return (FileDigest.mix(first &+ second), second)
        }

        private mutating func absorb() {
            lanes.0 = Self.rotate(lanes.0 ^ pending &* 0x9fb2_1c65_1e98_df25, 29) &* 0xa24b_aed4_963e_e407
            lanes.1 = Self.rotate(lanes.1 &+ pending &* 0xc2b2_ae3d_27d4_eb4f, 33) &* 0x9e6c_63d0_876a_68ee &+ lanes.0
            pending = 0
        }

        private static func rotate(_ value: UInt64, _ count: UInt64) -> UInt64 { value << count | value >> (64 - count) }
    }

    private static func mix(_ value: UInt64) -> UInt64 {
        var mixed = value
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
