/// The cuts that decide which units take part: a number in steps of 0.0001 for each seed and unit, the same on every machine for ever.
///
/// ```
/// n = fnv1a32(decimal(fnv1a32(seed + unit))) mod 10000 / 10000
/// ```
///
/// over UTF-8 bytes: the public GrowthBook scheme, version 2. Hashing twice matters: a single FNV or CRC of a concatenation correlates the cuts
/// of two seeds, so that one experiment's holdout would over-represent another's.
package enum Cuts {
    /// The unit's number under a seed, in `0, 0.0001, ..., 0.9999`.
    package static func cut(seed: String, unit: String) -> Double { Double(bucket(seed: seed, unit: unit)) / 10_000 }

    /// The unit's number under a seed as a whole number in `0..<10000`.
    package static func bucket(seed: String, unit: String) -> Int {
        var hash = FNV1a32()
        hash.combine(seed)
        hash.combine(unit)
        var second = FNV1a32()
        second.combine(String(hash.value))
        return Int(second.value % 10_000)
    }

    /// Whether the unit falls below a share: `n < share`. A larger share holds every unit of a smaller one.
    ///
    /// The comparison is of whole steps, so that a share such as 0.07, which no binary number is, means exactly 700 of 10 000.
    package static func isBelow(_ share: Double, seed: String, unit: String) -> Bool {
        bucket(seed: seed, unit: unit) < Int((share * 10_000).rounded())
    }
}

/// 32-bit FNV-1a (Fowler, Noll, Vo).
private struct FNV1a32 {
    var value: UInt32 = 0x811c_9dc5

    mutating func combine(_ text: String) {
        for byte in text.utf8 { value = (value ^ UInt32(byte)) &* 0x0100_0193 }
    }
}
