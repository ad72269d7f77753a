import HaggleMath

/// Poisson(1) numbers from 16 bits each, so that one 64-bit hash gives the resampling weights of four replicates.
///
/// `counts[k]` of the 65 536 values of a 16-bit piece give weight k:
///
/// ```
/// k        0      1      2      3     4     5    6   7  8
/// counts   24109  24109  12056  4018  1005  200  33  5  1
/// ```
/// They are e^-1 / k! rounded such that mean and variance are *exactly* 1, which is what the bootstrap's first two moments rest on. The
/// distance to Poisson(1) in total variation is 3.6e-5; the third moment is 5.0006 instead of 5; weights above 8 (probability 1.1e-6) do
/// not occur.
package enum PoissonWeights {
    /// How many of the 65 536 pieces give weight k.
    package static let counts = [24_109, 24_109, 12_056, 4_018, 1_005, 200, 33, 5, 1]

    /// The weight of every 16-bit piece.
    static let table: [UInt8] = {
        var table: [UInt8] = []
        table.reserveCapacity(65_536)
        for (weight, count) in counts.enumerated() { table.append(contentsOf: repeatElement(UInt8(weight), count: count)) }
        return table
    }()

    /// Step between the hashes of one key, as in SplitMix64.
    static let step: UInt64 = 0x9e37_79b9_7f4a_7c15

    /// The weight of a key in a replicate: a pure function, so shards and threads agree however the rows lie.
    /// - Parameter key: from `key(seed:unit:)` or `key(seed:row:)`.
    package static func weight(key: UInt64, replicate: Int) -> Int {
        let hash = mix64(key &+ UInt64(replicate / 4) &* step)
        return Int(table[Int(truncatingIfNeeded: hash >> (16 * UInt64(replicate % 4))) & 0xffff])
    }

    /// The key of a unit: its id hashed (FNV-1a, 64 bits, then mixed) with the seed.
    package static func key(seed: UInt64, unitHash: UInt64) -> UInt64 { mix64(unitHash ^ mix64(seed &+ 0x756e_6974)) }

    /// The key of a row that has no unit.
    package static func key(seed: UInt64, row: Int) -> UInt64 { mix64(mix64(UInt64(row) &+ step) ^ mix64(seed &+ 0x726f_7721)) }
}
