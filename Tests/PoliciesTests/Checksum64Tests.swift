import Testing

@testable import Policies

@Suite struct Checksum64Tests {
    /// The check value of CRC-64/XZ in the catalogue of parametrised CRC algorithms.
    @Test func checkValue() {
        var checksum = Checksum64()
        checksum.add(Array("123456789".utf8))
        #expect(checksum.value == 0x995d_c9bb_df19_39fa)
    }

    @Test func partsAddUp() {
        var parts = Checksum64()
        parts.add(Array("1234".utf8))
        parts.add(Array("56789".utf8))
        #expect(parts.value == 0x995d_c9bb_df19_39fa)
        #expect(Checksum64().value == 0)
    }
}
