import Tabular
import Testing

@Suite struct DecimalNumberTests {
    private func parse(_ text: String) -> Double? {
        let bytes = Array(text.utf8)
        return DecimalNumber.parse(bytes.span, from: 0, to: bytes.count)
    }

    @Test(arguments: [
        "0", "-0", "1", "-1.5", "+2", ".5", "5.", "0.1", "1e22", "1e23", "1e-22", "123456789012345678901234567890", "9007199254740993",
        "0.0294117647058823", "4.9e-324", "1.7976931348623157e308", "0.00000000000000000000000000000000001", "1E5", " 7 ",
        "3.0000000000000000000",
        "179769313486231580793e289", "2.2250738585072011e-308", "1e400", "0e999999999999",
    ])
    func agreesWithTheStandardLibraryToTheBit(text: String) throws {
        let expected = try #require(Double(text.filter { $0 != " " }))
        #expect(try #require(parse(text)).bitPattern == expected.bitPattern)
    }

    @Test(arguments: ["", " ", "-", ".", "e5", "1e", "1e+", "1.2.3", "0x10", "1 2", "1,5", "abc", "1_000", "--1"])
    func refusesWhatIsNoNumber(text: String) { #expect(parse(text) == nil) }

    @Test func readsEveryDoubleItPrints() throws {
        var state: UInt64 = 42
        for _ in 0..<20_000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let value = Double(bitPattern: state)
            guard value.isFinite else { continue }
            guard parse(value.description)?.bitPattern == value.bitPattern else {
                Issue.record("\(value) does not read back")
                return
            }
        }
    }

    @Test func namesOfWhatIsNotFinite() throws {
        #expect(try #require(parse("NaN")).isNaN)
        #expect(parse("-inf") == -.infinity)
    }
}
