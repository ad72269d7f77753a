import Foundation
import Testing

@testable import Tabular

/// Every decimal gives the double that the C library's `strtod` gives, which rounds correctly.
@Suite struct DecimalRoundingTests {
    /// SplitMix64 (Steele, Lea & Flood 2014).
    private struct Seeded: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var z = state
            z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
            z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
            return z ^ z >> 31
        }
    }

    private enum Kind: CaseIterable { case anyBits, subnormal, digits, manyDigits, plainDecimal, middle }

    private func text(_ kind: Kind, using generator: inout Seeded) -> String {
        func digits(_ count: Int) -> String {
            String(decoding: (0..<count).map { _ in UInt8.random(in: 48...57, using: &generator) }, as: UTF8.self)
        }
        switch kind {
        case .anyBits:
            let value = Double(bitPattern: generator.next())
            return value.isFinite ? value.description : "0"
        case .subnormal: return Double(bitPattern: generator.next() >> UInt64.random(in: 12...60, using: &generator)).description
        case .digits: return digits(.random(in: 1...19, using: &generator)) + "e\(Int.random(in: -345...310, using: &generator))"
        case .manyDigits:
            return "-" + digits(.random(in: 1...30, using: &generator)) + "." + digits(.random(in: 0...40, using: &generator))
                + "E\(Int.random(in: -370...290, using: &generator))"
        case .plainDecimal: return digits(.random(in: 1...3, using: &generator)) + "." + digits(.random(in: 1...17, using: &generator))
        case .middle:
            // 54 bits with the lowest set lie exactly between two doubles; times 5^n these are all digits of m / 2^n.
            let odd = generator.next() >> 10 | 1 << 53 | 1
            let power = Int.random(in: 0...80, using: &generator)
            var product = String(odd).utf8.reversed().map { Int($0) - 48 }
            for _ in 0..<power {
                var carry = 0
                for index in product.indices {
                    carry += 5 * product[index]
                    product[index] = carry % 10
                    carry /= 10
                }
                if carry > 0 { product.append(carry) }
            }
            let text = String(decoding: product.reversed().map { UInt8($0 + 48) }, as: UTF8.self)
            return text + ["", ".0", ".00000000000000000000001"][Int.random(in: 0...2, using: &generator)] + "e-\(power)"
        }
    }

    /// A million texts; the middles between doubles are fewer, as making them takes longer.
    @Test func aMillionTextsReadAsTheCLibraryReadsThem() {
        var generator = Seeded(state: 20_261_123)
        for kind in Kind.allCases {
            for _ in 0..<(kind == .middle ? 20_000 : 200_000) {
                let text = text(kind, using: &generator)
                let bytes = Array(text.utf8)
                guard DecimalNumber.parse(bytes.span, from: 0, to: bytes.count)?.bitPattern == strtod(text, nil).bitPattern else {
                    Issue.record("\(text) does not read as \(strtod(text, nil))")
                    return
                }
            }
        }
    }

    /// Numbers of 17 digits, as doubles are written, are decided without the standard library.
    @Test func seventeenDigitsNeverNeedTheSlowWay() {
        var generator = Seeded(state: 7)
        for _ in 0..<100_000 {
            let mantissa = UInt64.random(in: 10_000_000_000_000_000...99_999_999_999_999_999, using: &generator)
            let exponent = Int.random(in: -340...290, using: &generator)
            guard let bits = DecimalNumber.nearest(mantissa, tenTo: exponent) else {
                Issue.record("\(mantissa)e\(exponent) is not decided")
                return
            }
            guard bits == strtod("\(mantissa)e\(exponent)", nil).bitPattern else {
                Issue.record("\(mantissa)e\(exponent) is decided wrongly")
                return
            }
        }
    }

    /// The entries that Lemire (2021) prints: 5^0, 5^1 and the first and last of the table.
    @Test func powersOfFiveHaveTheirLeading128Bits() {
        func power(_ exponent: Int) -> [UInt64] {
            Array(PowersOfFive.words[2 * (exponent - PowersOfFive.least)..<2 * (exponent - PowersOfFive.least) + 2])
        }
        #expect(power(0) == [0x8000_0000_0000_0000, 0])
        #expect(power(1) == [0xa000_0000_0000_0000, 0])
        // 5^27 = 7450580596923828125 has 63 bits.
        #expect(power(27) == [7_450_580_596_923_828_125 << 1, 0])
        // 2^130 / 5 = 0xccc...c.cc, rounded up.
        #expect(power(-1) == [0xcccc_cccc_cccc_cccc, 0xcccc_cccc_cccc_cccd])
        #expect(PowersOfFive.words.count == 2 * 651)
        #expect(stride(from: 0, to: 1302, by: 2).allSatisfy { PowersOfFive.words[$0] >> 63 == 1 })
    }
}
