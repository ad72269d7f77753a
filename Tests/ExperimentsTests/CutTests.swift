import HaggleCore
import Testing

@testable import Experiments

struct CutTests {
    /// The vectors of the public scheme.
    @Test(arguments: [("seed", "a", 0.0505), ("seed", "b", 0.2696), ("foo", "ab", 0.2575), ("foo", "def", 0.2019)])
    func cutAgreesWithThePublicVectors(_ seed: String, _ unit: String, _ expected: Double) {
        #expect(Cuts.cut(seed: seed, unit: unit) == expected)
    }

    /// Computed once with another implementation (Python): FNV runs over UTF-8 bytes, not over characters.
    @Test func cutRunsOverBytes() {
        func fnv(_ bytes: [UInt8]) -> UInt32 { bytes.reduce(2_166_136_261) { ($0 ^ UInt32($1)) &* 16_777_619 } }
        let first = fnv(Array("sälz/holdout".utf8) + Array("Zoë🎁".utf8))
        #expect(Cuts.bucket(seed: "sälz/holdout", unit: "Zoë🎁") == Int(fnv(Array("\(first)".utf8)) % 10_000))
    }

    @Test(arguments: [(0.0, 0), (0.07, 700), (0.0001, 1), (0.29, 2900), (0.57, 5700), (1, 10_000)])
    func shareMeansExactlySoManySteps(_ share: Double, _ steps: Int) {
        // Units by their number: some unit for every number within a hundred thousand tries.
        var below: Set<Int> = []
        var above: Set<Int> = []
        for unit in 0..<20_000 {
            let number = Cuts.bucket(seed: "s", unit: "\(unit)")
            if Cuts.isBelow(share, seed: "s", unit: "\(unit)") { below.insert(number) } else { above.insert(number) }
        }
        #expect(below.allSatisfy { $0 < steps })
        #expect(above.allSatisfy { $0 >= steps })
    }

    /// Chi-square over a 10 by 10 table of two seeds' cuts; 81 degrees of freedom, the bound is the 1 - 1e-6 quantile.
    @Test(arguments: [
        ("salt/holdout", "salt/traffic"), ("salt/traffic", "salt/variant"), ("salt/holdout", "salt/variant"),
        ("one/holdout", "two/holdout"),
        ("a/variant", "b/variant"), ("mail/namespace", "salt/traffic"),
    ]) func cutsOfTwoSeedsAreIndependent(_ first: String, _ second: String) {
        let statistic = Independence.chiSquare(units: 20_000) { (Cuts.cut(seed: first, unit: $0), Cuts.cut(seed: second, unit: $0)) }
        #expect(statistic < 156.5)
    }

    /// The test above would notice: one FNV over seed and unit, as a percentage, fails it.
    @Test func hashingOnceWouldCorrelateTheCuts() {
        func once(_ seed: String, _ unit: String) -> Double {
            let hash = (seed + unit).utf8.reduce(UInt32(2_166_136_261)) { ($0 ^ UInt32($1)) &* 16_777_619 }
            return Double(hash % 10_000) / 10_000
        }
        let statistic = Independence.chiSquare(units: 20_000) { (once("a/variant", $0), once("b/variant", $0)) }
        #expect(statistic > 156.5)
    }
}

struct DrawTests {
    /// From the reference implementation's `vectors.h`: key 00..0f, message 00, 01, ... of that length.
    @Test(
        arguments: [
            (0, 0x726f_db47_dd0e_0e31), (1, 0x74f8_39c5_93dc_67fd), (7, 0xab02_00f5_8b01_d137), (8, 0x93f5_f579_9a93_2462),
            (15, 0xa129_ca61_49be_45e5),
            (63, 0x958a_324c_eb06_4572),
        ] as [(Int, UInt64)]) func sipHashAgreesWithItsVectors(_ length: Int, _ expected: UInt64)
    {
        var hasher = SipHash24(key: (0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908))
        hasher.combine((0..<length).map { UInt8($0) })
        #expect(hasher.finish() == expected)
    }

    /// Computed with an implementation in Python. These may never change: logged draws are recomputed from them.
    @Test(arguments: [
        ("checkout-2026", "c-17", 0.4502657616171749), ("", "", 0.3342620184989713),
        ("sälz", "0192f0c1-2b3c-7d4e-8f50-123456789abc", 0.14893461423254617),
    ]) func drawIsWhatItAlwaysWas(_ salt: String, _ key: String, _ expected: Double) {
        #expect(DrawHash.uniform(salt: salt, key: key) == expected)
    }

    @Test func saltAndKeyCannotRunIntoEachOther() {
        #expect(DrawHash.hash(salt: "a", key: "b") != DrawHash.hash(salt: "", key: "ab"))
        #expect(DrawHash.hash(salt: "a", key: "/drawb") != DrawHash.hash(salt: "a/draw", key: "b"))
    }

    /// Chi-square over 100 cells, 99 degrees of freedom; the bound is the 1 - 1e-6 quantile. Keys that differ in few bits are the hard case.
    @Test(arguments: ["checkout-2026", "", "b"]) func drawsAreUniform(_ salt: String) {
        var cells = [Int](repeating: 0, count: 100)
        let count = 30_000
        for key in 0..<count { cells[Int(DrawHash.uniform(salt: salt, key: "c-\(key)") * 100)] += 1 }
        let expected = Double(count) / 100
        let statistic = cells.reduce(0.0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
        #expect(statistic < 180.8)
    }

    @Test func lowestBitsAreUsed() {
        let fractions = (0..<200).map { (DrawHash.uniform(salt: "s", key: "\($0)") * 0x1p53).truncatingRemainder(dividingBy: 2) }
        #expect((60...140).contains(fractions.count { $0 == 1 }))
    }

    /// Bound as for the cuts: chi-square with 81 degrees of freedom, 1 - 1e-6 quantile.
    @Test(arguments: [("one", "two"), ("checkout-2026", "checkout-2027"), ("a", "b")]) func drawsOfTwoSaltsAreIndependent(
        _ first: String, _ second: String
    ) {
        let statistic = Independence.chiSquare(units: 20_000) {
            (DrawHash.uniform(salt: first, key: $0), DrawHash.uniform(salt: second, key: $0))
        }
        #expect(statistic < 156.5)
    }

    @Test(arguments: ["holdout", "traffic", "variant"]) func drawsAreIndependentOfTheCuts(_ cut: String) {
        let statistic = Independence.chiSquare(units: 20_000) {
            (DrawHash.uniform(salt: "salt", key: $0), Cuts.cut(seed: "salt/\(cut)", unit: $0))
        }
        #expect(statistic < 156.5)
    }
}

enum Independence {
    /// Pearson's statistic of a 10 by 10 table of two numbers in [0, 1) per unit.
    static func chiSquare(units: Int, _ numbers: (String) -> (Double, Double)) -> Double {
        var table = [[Double]](repeating: [Double](repeating: 0, count: 10), count: 10)
        for unit in 0..<units {
            let (first, second) = numbers("c-\(unit)")
            table[Int(first * 10)][Int(second * 10)] += 1
        }
        let rows = table.map { $0.reduce(0, +) }
        let columns = (0..<10).map { column in table.reduce(0) { $0 + $1[column] } }
        var statistic = 0.0
        for row in 0..<10 {
            for column in 0..<10 {
                let expected = rows[row] * columns[column] / Double(units)
                statistic += (table[row][column] - expected) * (table[row][column] - expected) / expected
            }
        }
        return statistic
    }
}
