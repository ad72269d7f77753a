/// Reads decimal numbers from bytes, correctly rounded (to nearest, ties to even).
///
/// Where the digits fit into 53 bits and the power of ten into 22, one multiplication or division of exact doubles is correctly rounded
/// (Clinger 1990, the fast path). Nearly everything else is decided by a product with 128 bits of the power of five (Eisel and Lemire; Lemire
/// 2021, "Number parsing at a gigabyte per second"). What that leaves open, in practice numbers of more than 19 digits that lie close to the
/// middle between two doubles, goes through the standard library.
package enum DecimalNumber {
    private static let powersOfTen: [Double] = [
        1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ]

    /// The number in `bytes[start..<end]`, spaces and tabs around it ignored; nil where there is none or something stands beside it.
    package static func parse(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> Double? {
        var start = start
        var end = end
        while start < end, isSpace(bytes[start]) { start += 1 }
        while end > start, isSpace(bytes[end - 1]) { end -= 1 }
        guard start < end else { return nil }
        var position = start
        guard let value = number(bytes, at: &position, to: end) else { return special(bytes, from: start, to: end) }
        return position == end ? value : nil
    }

    /// The number that begins at `position`, which moves behind it; nil where none begins. The number is complete only if something that
    /// cannot belong to it stands at the new position.
    @inline(__always)
    static func number(_ bytes: Span<UInt8>, at position: inout Int, to end: Int) -> Double? {
        let start = position
        guard var digits = Digits(bytes, at: &position, to: end) else { return nil }
        if digits.count > 19 { digits.keepLeading(bytes) }
        if !digits.isTruncated, digits.mantissa <= 1 << 53, digits.exponent >= -22, digits.exponent <= 22 {
            let whole = Double(digits.mantissa)
            let value = digits.exponent < 0 ? whole / powersOfTen[-digits.exponent] : whole * powersOfTen[digits.exponent]
            return digits.isNegative ? -value : value
        }
        if let bits = nearest(digits) { return Double(bitPattern: bits | (digits.isNegative ? 1 << 63 : 0)) }
        return Double(text(bytes, from: start, to: position))
    }

    /// The bits of the nearest double to the digits, without sign; nil where undecided.
    private static func nearest(_ digits: Digits) -> UInt64? {
        guard let bits = nearest(digits.mantissa, tenTo: digits.exponent) else { return nil }
        // With digits cut off the number lies between two mantissas; where both give one double, so does everything between them.
        if digits.isTruncated, nearest(digits.mantissa + 1, tenTo: digits.exponent) != bits { return nil }
        return bits
    }

    /// The bits of the double nearest to `mantissa 10^exponent`: Lemire 2021, algorithm 1; nil where 128 bits do not decide.
    static func nearest(_ mantissa: UInt64, tenTo exponent: Int) -> UInt64? {
        guard mantissa != 0, exponent >= PowersOfFive.least else { return 0 }
        let infinity: UInt64 = 0x7ff << 52
        guard exponent <= PowersOfFive.greatest else { return infinity }
        let zeros = mantissa.leadingZeroBitCount
        let normal = mantissa << UInt64(zeros)
        let index = 2 * (exponent - PowersOfFive.least)
        var (high, low) = normal.multipliedFullWidth(by: PowersOfFive.words[index])
        if high & 0x1ff == 0x1ff {
            // The 55 bits that matter could still change.
            let (carried, _) = normal.multipliedFullWidth(by: PowersOfFive.words[index + 1])
            let (sum, overflow) = low.addingReportingOverflow(carried)
            low = sum
            if overflow { high += 1 }
            if low == .max, exponent < -27 || exponent > 55 { return nil }
        }
        let upper = high >> 63
        let shift = upper + 9
        var significand = high >> shift
        // 217706 / 2^16 approximates log2(10) closely enough for these exponents.
        var power = (217_706 * exponent) >> 16 + 63 + Int(upper) - zeros + 1023
        if power <= 0 {
            // Subnormal.
            guard 1 - power < 64 else { return 0 }
            significand >>= UInt64(1 - power)
            significand = (significand + significand & 1) >> 1
            return significand  // a carry into bit 52 is the smallest normal number
        }
        // Exactly between two doubles, which only small powers can be: to the even one.
        if low <= 1, exponent >= -4, exponent <= 23, significand & 3 == 1, significand << shift == high { significand &= ~1 }
        significand = (significand + significand & 1) >> 1
        if significand >= 1 << 53 {
            significand = 1 << 52
            power += 1
        }
        guard power < 0x7ff else { return infinity }
        return UInt64(power) << 52 | significand & (1 << 52 - 1)
    }

    private static func special(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> Double? {
        guard end - start <= 9 else { return nil }
        switch text(bytes, from: start, to: end).lowercased() {
        case "nan": return .nan
        case "inf", "+inf", "infinity", "+infinity": return .infinity
        case "-inf", "-infinity": return -.infinity
        default: return nil
        }
    }

    private static func text(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> String {
        // Copied before the closure ends.
        unsafe bytes.extracting(start..<end).withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == 32 || byte == 9 }
}

/// The digits of a number as it is written: `mantissa 10^exponent`.
private struct Digits {
    var mantissa: UInt64 = 0
    var exponent = 0
    var isNegative: Bool
    /// How many digits are written; more than 19 need `keepLeading`, as the mantissa has wrapped around.
    var count = 0
    /// Whether digits other than zero were left out behind the mantissa.
    var isTruncated = false
    private let start: Int
    private let end: Int
    /// The power that is written behind `e`.
    private var writtenPower = 0

    /// Reads a sign, digits, a fraction and a power of ten; nil without a digit.
    @inline(__always)
    init?(_ bytes: Span<UInt8>, at position: inout Int, to limit: Int) {
        var place = position
        isNegative = place < limit && bytes[place] == UInt8(ascii: "-")
        if isNegative || (place < limit && bytes[place] == UInt8(ascii: "+")) { place += 1 }
        start = place
        var mantissa: UInt64 = 0
        while place < limit {
            let digit = bytes[place] &- 48
            if digit > 9 { break }
            mantissa = mantissa &* 10 &+ UInt64(digit)
            place += 1
        }
        count = place - start
        if place < limit, bytes[place] == UInt8(ascii: ".") {
            place += 1
            let fraction = place
            while place + 8 <= limit {
                let word = bytes.word(at: place)
                guard Self.isEightDigits(word) else { break }
                mantissa = mantissa &* 100_000_000 &+ Self.eightDigits(word)
                place += 8
            }
            while place < limit {
                let digit = bytes[place] &- 48
                if digit > 9 { break }
                mantissa = mantissa &* 10 &+ UInt64(digit)
                place += 1
            }
            exponent = fraction - place
            count += place - fraction
        }
        guard count > 0 else { return nil }
        end = place
        self.mantissa = mantissa
        if place < limit, bytes[place] | 0x20 == UInt8(ascii: "e") {
            var exponentPlace = place + 1
            var isBelow = false
            if exponentPlace < limit, bytes[exponentPlace] == UInt8(ascii: "-") || bytes[exponentPlace] == UInt8(ascii: "+") {
                isBelow = bytes[exponentPlace] == UInt8(ascii: "-")
                exponentPlace += 1
            }
            let firstDigit = exponentPlace
            var power = 0
            while exponentPlace < limit, bytes[exponentPlace] &- 48 < 10 {
                if power < 100_000 { power = power * 10 + Int(bytes[exponentPlace] &- 48) }
                exponentPlace += 1
            }
            if exponentPlace > firstDigit {
                place = exponentPlace
                writtenPower = isBelow ? -power : power
                exponent += writtenPower
            }
        }
        position = place
    }

    /// Reads the digits again, keeping the first 19 that are not leading zeros.
    mutating func keepLeading(_ bytes: Span<UInt8>) {
        mantissa = 0
        exponent = writtenPower
        var kept = 0
        var isFraction = false
        for place in start..<end {
            let digit = bytes[place] &- 48
            guard digit < 10 else {
                isFraction = true
                continue
            }
            if kept < 19 {
                mantissa = mantissa * 10 + UInt64(digit)
                if mantissa != 0 { kept += 1 }
                if isFraction { exponent -= 1 }
            } else {
                if digit != 0 { isTruncated = true }
                if !isFraction { exponent += 1 }
            }
        }
    }

    /// Whether all eight bytes are digits: their high halves are 3, also after 6 is added to each.
    @inline(__always)
    private static func isEightDigits(_ word: UInt64) -> Bool {
        (word & 0xf0f0_f0f0_f0f0_f0f0) | (((word &+ 0x0606_0606_0606_0606) & 0xf0f0_f0f0_f0f0_f0f0) >> 4) == 0x3333_3333_3333_3333
    }

    /// The number that eight digits are, the first in the lowest byte: pairs, then fours, then all (Lemire 2021, section 4).
    @inline(__always)
    private static func eightDigits(_ word: UInt64) -> UInt64 {
        let mask: UInt64 = 0x0000_00ff_0000_00ff
        let digits = word &- 0x3030_3030_3030_3030
        let pairs = digits &* 10 &+ digits >> 8
        let low = (pairs & mask) &* (100 + 1_000_000 << 32)
        let high = (pairs >> 16 & mask) &* (1 + 10_000 << 32)
        return (low &+ high) >> 32
    }
}
