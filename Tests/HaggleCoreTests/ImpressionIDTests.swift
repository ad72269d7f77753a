import HaggleCore
import Testing

@Suite struct ImpressionIDTests {
    /// RFC 9562, appendix A.6: the example UUID of version 7.
    @Test func matchesTheExampleOfTheStandard() throws {
        let id = ImpressionID(
            time: Timestamp(microseconds: 1_645_557_742_000_000), random: (0xcc3, 0x18c4_dc0c_0c07_398f))
        #expect(id.description == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f")
        #expect(ImpressionID("017F22E2-79B0-7CC3-98C4-DC0C0C07398F") == id)
        #expect(id.time.microseconds == 1_645_557_742_000_000)
    }

    @Test func sortsByTime() {
        let early = ImpressionID(time: Timestamp(microseconds: 1_000_000), random: (.max, .max))
        let late = ImpressionID(time: Timestamp(microseconds: 1_001_000), random: (0, 0))
        #expect(early < late)
        #expect(early.description < late.description)
    }

    @Test(arguments: [
        "", "017f22e2", "017f22e279b07cc398c4dc0c0c07398f", "017f22e2-79b0-7cc3-98c4-dc0c0c07398g", "017f22e2-79b0-7cc3-98c4-dc0c0c07398f0",
    ])
    func refusesOtherText(_ text: String) { #expect(ImpressionID(text) == nil) }
}
