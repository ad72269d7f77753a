/// The randomness of a policy's draw: a number in [0, 1) that follows from the experiment's salt and the draw key, so that every draw can be
/// repeated from its log row.
///
/// SipHash-2-4 (Aumasson & Bernstein 2012) under a fixed key over `length(salt + "/draw") as 8 bytes, salt + "/draw", draw key`. The length
/// in front separates the two parts: no other pair of salt and key gives the same bytes. It shares nothing with `Cuts`, so the draw is
/// independent of which units take part.
package enum DrawHash {
    /// 53 uniform bits as a number in `0..<1`.
    package static func uniform(salt: String, key: String) -> Double { Double(hash(salt: salt, key: key) >> 11) * 0x1p-53 }

    /// All 64 bits.
    package static func hash(salt: String, key: String) -> UInt64 {
        // "haggle/draw v1: " in ASCII: any fixed key would do, but it must never change.
        var hasher = SipHash24(key: (0x642f_656c_6767_6168, 0x203a_3176_2077_6172))
        hasher.combine(UInt64(salt.utf8.count + 5))
        hasher.combine(salt.utf8)
        hasher.combine("/draw".utf8)
        hasher.combine(key.utf8)
        return hasher.finish()
    }
}

/// SipHash-2-4, fed with bytes.
struct SipHash24 {
    private var v0: UInt64
    private var v1: UInt64
    private var v2: UInt64
    private var v3: UInt64
    private var tail: UInt64 = 0
    private var count: UInt64 = 0

    init(key: (UInt64, UInt64)) {
        v0 = key.0 ^ 0x736f_6d65_7073_6575
        v1 = key.1 ^ 0x646f_7261_6e64_6f6d
        v2 = key.0 ^ 0x6c79_6765_6e65_7261
        v3 = key.1 ^ 0x7465_6462_7974_6573
    }

    mutating func combine(_ bytes: some Sequence<UInt8>) {
        for byte in bytes {
            tail |= UInt64(byte) << (8 * (count & 7))
            count += 1
            guard count & 7 == 0 else { continue }
            compress(tail)
            tail = 0
        }
    }

    /// The number's bytes, least significant first.
    mutating func combine(_ number: UInt64) {
        for shift in stride(from: UInt64(0), to: 64, by: 8) { combine(CollectionOfOne(UInt8(truncatingIfNeeded: number >> shift))) }
    }

    mutating func finish() -> UInt64 {
        compress(tail | count << 56)
        v2 ^= 0xff
        for _ in 0..<4 { round() }
        return v0 ^ v1 ^ v2 ^ v3
    }

    private mutating func compress(_ word: UInt64) {
        v3 ^= word
        round()
        round()
        v0 ^= word
    }

    private mutating func round() {
        v0 = v0 &+ v1
        v1 = (v1 << 13 | v1 >> 51) ^ v0
        v0 = v0 << 32 | v0 >> 32
        v2 = v2 &+ v3
        v3 = (v3 << 16 | v3 >> 48) ^ v2
        v0 = v0 &+ v3
        v3 = (v3 << 21 | v3 >> 43) ^ v0
        v2 = v2 &+ v1
        v1 = (v1 << 17 | v1 >> 47) ^ v2
        v2 = v2 << 32 | v2 >> 32
    }
}
