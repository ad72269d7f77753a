/// Reads decimal numbers from bytes, correctly rounded.
///
/// Where the digits fit into 53 bits and the power of ten into 22, one multiplication or division of exact doubles is correctly rounded
/// (Clinger 1990, the fast path); everything else goes through the standard library.
package enum DecimalNumber {
    private static let powers: [Double] = [
        1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
    ]

    /// The number in `bytes[start..<end]`; nil where there is none or something stands beside it.
    package static func parse(_ bytes: Span<UInt8>, from start: Int, to end: Int) -> Double? {
        var start = start
        var end = end
        while start < end, isSpace(bytes[start]) { start += 1 }
        while end > start, isSpace(bytes[end - 1]) { end -= 1 }
        guard start < end else { return nil }
        var position = start
        let isNegative = bytes[position] == UInt8(ascii: "-")
        if isNegative || bytes[position] == UInt8(ascii: "+") { position += 1 }
        var mantissa: UInt64 = 0
        var digits = 0
        var exponent = 0
        var hasDigits = false
        while position < end, bytes[position] &- 48 < 10 {
            hasDigits = true
            if digits < 19 {
                mantissa = mantissa &* 10 &+ UInt64(bytes[position] &- 48)
                if mantissa != 0 { digits += 1 }
            } else {
                digits += 1
                exponent += 1
            }
            position += 1
        }
        if position < end, bytes[position] == UInt8(ascii: ".") {
            position += 1
            while position < end, bytes[position] &- 48 < 10 {
                hasDigits = true
                if digits < 19 {
                    mantissa = mantissa &* 10 &+ UInt64(bytes[position] &- 48)
                    if mantissa != 0 { digits += 1 }
                    exponent -= 1
                } else {
                    digits += 1
                }
                position += 1
            }
        }
        guard hasDigits else { return special(bytes, from: start, to: end) }
        if position < end, bytes[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            var isBelow = false
            if position < end, bytes[position] == UInt8(ascii: "-") || bytes[position] == UInt8(ascii: "+") {
                isBelow = bytes[position] == UInt8(ascii: "-")
                position += 1
            }
            guard position < end else { return nil }
            var power = 0
            while position < end, bytes[position] &- 48 < 10 {
                if power < 100_000 { power = power * 10 + Int(bytes[position] &- 48) }
                position += 1
            }
            exponent += isBelow ? -power : power
        }
        guard position == end else { return nil }
        if digits <= 19, mantissa <= 1 << 53, exponent >= -22, exponent <= 22 {
            let whole = Double(mantissa)
            let value = exponent < 0 ? whole / powers[-exponent] : whole * powers[exponent]
            return isNegative ? -value : value
        }
        return Double(text(bytes, from: start, to: end))
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
