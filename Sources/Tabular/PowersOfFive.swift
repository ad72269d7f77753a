/// The leading 128 bits of the powers of five that a finite double can need, for the multiplication in `DecimalNumber`.
///
/// For `q >= 0` the entry is `floor(5^q 2^k)`, for `q < 0` it is `2^k / 5^-q` (rounded up for `q >= -27`, where the quotient is then the exact
/// reciprocal's upper neighbour, else down), with `k` such that the entry has exactly 128 bits: the table of Lemire, "Number parsing at a
/// gigabyte per second" (2021), section 5. It is computed once, with whole numbers of as many words as they need; 1302 words, some milliseconds.
enum PowersOfFive {
    static let least = -342
    static let greatest = 308

    /// High and low word of each power, from `least` on.
    static let words: [UInt64] = {
        var words: [UInt64] = []
        words.reserveCapacity(2 * (greatest - least + 1))
        // 5^1 ... 5^342, in words of which the first is the lowest.
        var powers: [[UInt64]] = [[1]]
        for _ in 1 ... -least { powers.append(timesFive(powers[powers.count - 1])) }
        for exponent in least...greatest {
            let (high, low) =
                exponent < 0 ? reciprocal(of: powers[-exponent], roundedUp: exponent >= -27) : leading(powers[exponent])
            words.append(high)
            words.append(low)
        }
        return words
    }()

    private static func timesFive(_ number: [UInt64]) -> [UInt64] {
        var product: [UInt64] = []
        var carry: UInt64 = 0
        for word in number {
            let (high, low) = word.multipliedFullWidth(by: 5)
            let (sum, overflow) = low.addingReportingOverflow(carry)
            product.append(sum)
            carry = high + (overflow ? 1 : 0)
        }
        if carry > 0 { product.append(carry) }
        return product
    }

    private static func bitCount(_ number: [UInt64]) -> Int { 64 * number.count - number[number.count - 1].leadingZeroBitCount }

    /// The highest 128 bits.
    private static func leading(_ number: [UInt64]) -> (UInt64, UInt64) {
        let top = bitCount(number)
        func bit(_ index: Int) -> UInt64 { index < 0 ? 0 : number[index / 64] >> UInt64(index % 64) & 1 }
        var high: UInt64 = 0
        var low: UInt64 = 0
        for index in 0..<64 {
            high = high << 1 | bit(top - 1 - index)
            low = low << 1 | bit(top - 65 - index)
        }
        return (high, low)
    }

    /// `2^(bits + 127) / number` by long division; between 2^127 and 2^128, as no power of five is one of two.
    private static func reciprocal(of number: [UInt64], roundedUp: Bool) -> (UInt64, UInt64) {
        let divisor = number + [0]
        var rest = [UInt64](repeating: 0, count: divisor.count)
        let top = bitCount(number) - 1
        rest[top / 64] = 1 << UInt64(top % 64)
        var high: UInt64 = 0
        var low: UInt64 = 0
        for _ in 0..<128 {
            double(&rest)
            high = high << 1 | low >> 63
            low <<= 1
            if !isLess(rest, divisor) {
                subtract(divisor, from: &rest)
                low |= 1
            }
        }
        guard roundedUp else { return (high, low) }
        let (sum, overflow) = low.addingReportingOverflow(1)
        return (high + (overflow ? 1 : 0), sum)
    }

    private static func double(_ number: inout [UInt64]) {
        var carry: UInt64 = 0
        for index in number.indices {
            let word = number[index]
            number[index] = word << 1 | carry
            carry = word >> 63
        }
    }

    private static func isLess(_ left: [UInt64], _ right: [UInt64]) -> Bool {
        for index in left.indices.reversed() where left[index] != right[index] { return left[index] < right[index] }
        return false
    }

    private static func subtract(_ amount: [UInt64], from number: inout [UInt64]) {
        var borrow: UInt64 = 0
        for index in number.indices {
            let (first, under) = number[index].subtractingReportingOverflow(amount[index])
            let (second, underAgain) = first.subtractingReportingOverflow(borrow)
            number[index] = second
            borrow = under || underAgain ? 1 : 0
        }
    }
}
