import HaggleMath
import Testing

@Suite struct CompensatedSumTests {
    /// Plain addition gives 0 here; the true sum is 2 (Neumaier's own example).
    @Test func keepsWhatPlainAdditionLoses() {
        var sum = CompensatedSum()
        for term in [1, 1e100, 1, -1e100] { sum += term }
        #expect(sum.value == 2)
    }

    /// 0.1 is not representable: ten million of them are 10 000 000 * fl(0.1), which rounds to 1e6 within an ulp.
    @Test func doesNotDriftWithLength() {
        var sum = CompensatedSum()
        for _ in 0..<10_000_000 { sum += 0.1 }
        #expect(abs(sum.value - 1e6) < 2e-10)
    }

    @Test func mergingEqualsOneSum() {
        var generator = SeededGenerator(seed: 5)
        let terms = (0..<1000).map { _ in generator.normal() * 1e6 }
        var whole = CompensatedSum()
        var parts = (CompensatedSum(), CompensatedSum())
        for (index, term) in terms.enumerated() {
            whole += term
            if index < 400 { parts.0 += term } else { parts.1 += term }
        }
        parts.0.merge(parts.1)
        #expect(abs(parts.0.value - whole.value) < 1e-9)
    }
}
