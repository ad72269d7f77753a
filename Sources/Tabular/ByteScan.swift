extension Span where Element == UInt8 {
    /// Eight bytes as one number, the first the lowest.
    /// - Precondition: `position + 8 <= count`.
    @inline(__always)
    func word(at position: Int) -> UInt64 {
        // Checked against the span's bounds; every pattern of bits is a UInt64.
        UInt64(littleEndian: unsafe bytes.unsafeLoadUnaligned(fromByteOffset: position, as: UInt64.self))
    }

    /// The first position from `position` on whose byte is a comma or below it: separators, quotes, line ends, spaces and zeros, but no digit,
    /// sign, point or letter; `count` where there is none. Eight bytes at a time.
    @inline(__always)
    func nextLow(from position: Int) -> Int {
        var position = position
        while position + 8 <= count {
            let word = word(at: position)
            // A byte below 45 borrows into its highest bit; the lowest one that does is exact.
            let found = (word &- 0x2d2d_2d2d_2d2d_2d2d) & ~word & 0x8080_8080_8080_8080
            if found != 0 { return position + found.trailingZeroBitCount >> 3 }
            position += 8
        }
        while position < count, self[position] > 44 { position += 1 }
        return position
    }

    /// Where a field of CSV that begins at `position` ends: at a separator, a line end, a quote or a zero byte; `count` where it is not known yet.
    @inline(__always)
    func fieldEnd(from position: Int) -> Int {
        var position = nextLow(from: position)
        while position < count {
            switch self[position] {
            case UInt8(ascii: ","), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\""), 0: return position
            default: position = nextLow(from: position + 1)
            }
        }
        return position
    }

    /// The first position from `position` on that holds one of three bytes; `count` where there is none.
    @inline(__always)
    func next(_ first: UInt8, _ second: UInt8, _ third: UInt8, from position: Int) -> Int {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let (a, b, c) = (UInt64(first) &* ones, UInt64(second) &* ones, UInt64(third) &* ones)
        var position = position
        while position + 8 <= count {
            let word = word(at: position)
            let (x, y, z) = (word ^ a, word ^ b, word ^ c)
            let found = (((x &- ones) & ~x) | ((y &- ones) & ~y) | ((z &- ones) & ~z)) & 0x8080_8080_8080_8080
            if found != 0 { return position + found.trailingZeroBitCount >> 3 }
            position += 8
        }
        while position < count, self[position] != first, self[position] != second, self[position] != third { position += 1 }
        return position
    }

    /// The first position from `position` on that holds `byte`; `count` where there is none.
    @inline(__always)
    func next(_ byte: UInt8, from position: Int) -> Int { next(byte, byte, byte, from: position) }
}
