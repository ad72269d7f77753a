import RealModule

/// A seeded generator: xoshiro256** (Blackman & Vigna 2021), its state filled by SplitMix64 as its authors recommend.
///
/// Equal seeds give equal streams on every platform. Not for secrets.
package struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    package init(seed: UInt64) {
        var filler = seed
        func fill() -> UInt64 {
            filler &+= 0x9e37_79b9_7f4a_7c15
            return mix64(filler)
        }
        state = (fill(), fill(), fill(), fill())
    }

    /// An independent stream for one purpose: `seed` and a label or counter, mixed.
    package init(seed: UInt64, stream: UInt64) { self.init(seed: mix64(seed ^ mix64(stream &+ 0x9e37_79b9_7f4a_7c15))) }

    package mutating func next() -> UInt64 {
        let product = state.1 &* 5
        let result = (product << 7 | product >> 57) &* 9
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = state.3 << 45 | state.3 >> 19
        return result
    }
}

/// The finaliser of SplitMix64 (Steele, Lea & Flood 2014; Stafford's variant 13): every input bit flips every output bit about half the time.
@inlinable
package func mix64(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
}

extension RandomNumberGenerator {
    /// A uniform number in `0..<1` with 53 bits.
    package mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// A standard normal number: Marsaglia's polar method, one of the pair is dropped so that the generator keeps no hidden state.
    package mutating func normal() -> Double {
        while true {
            let x = 2 * uniform() - 1
            let y = 2 * uniform() - 1
            let s = x * x + y * y
            if s > 0 && s < 1 { return x * (-2 * Double.log(s) / s).squareRoot() }
        }
    }

    /// An exponential number with mean 1.
    package mutating func exponential() -> Double { -Double.log(1 - uniform()) }
}
