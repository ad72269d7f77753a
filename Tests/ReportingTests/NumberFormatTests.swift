import Testing

@testable import Reporting

@Suite struct NumberFormatTests {
    @Test(arguments: [(0, "0"), (999, "999"), (1000, "1,000"), (-12_345_678, "-12,345,678")])
    func countsAreGrouped(value: Int, text: String) { #expect(NumberFormat.count(value) == text) }

    @Test(arguments: [
        (0.0, 2, "0.00"), (-0.001, 2, "0.00"), (-0.5, 0, "0"), (1234.567, 1, "1,234.6"), (999.996, 2, "1,000.00"), (.nan, 2, "n/a"),
        (-.infinity, 2, "-∞"), (1e18, 2, "1.000e+18"),
    ])
    func fixedDecimals(value: Double, decimals: Int, text: String) { #expect(NumberFormat.fixed(value, decimals: decimals) == text) }

    @Test(arguments: [
        (0.0, "0"), (9.99996, "10.00"), (0.0123416, "0.01234"), (123_456, "123,456"), (0.00001234, "1.234e-05"), (-2.5, "-2.500"),
        (12_345_678, "1.235e+07"),
    ])
    func significantDigits(value: Double, text: String) { #expect(NumberFormat.significant(value) == text) }

    @Test(arguments: [
        (0.0123, "12 ms"), (3.21, "3.2 s"), (59.6, "60 s"), (150, "2 min"), (7200, "2.0 h"), (259_200, "3 days"),
    ])
    func durations(seconds: Double, text: String) { #expect(NumberFormat.duration(seconds: seconds) == text) }

    /// Two digits of the doubt, and at least cents for money.
    @Test func estimatesShowAsManyDecimalsAsTheyDeserve() {
        let euro = Quantity.money(currency: "EUR")
        #expect(euro.text(7.98765, spread: 0.1) == "€7.99")
        #expect(euro.text(7.98765, spread: 0.0012) == "€7.9877")
        #expect(euro.text(-7.98765, spread: 30) == "-€7.99")
        #expect(euro.text(0.5, spread: 0.1, isSigned: true) == "+€0.50")
        #expect(Quantity.money(currency: "PLN").text(12, spread: 1) == "12.00 PLN")
        #expect(Quantity.money(currency: nil).text(12, spread: 1) == "12.00")
        #expect(Quantity.share.text(0.12345, spread: 0.004) == "12.35%")
        #expect(Quantity.share.text(0, spread: 0.004, isSigned: true) == "0.00%")
        #expect(Quantity.share.text(lower: -0.02, upper: 0.06, isSigned: true) == "-2.0% to +6.0%")
        #expect(Quantity.plain.text(1234.5, spread: 100) == "1,234" || Quantity.plain.text(1234.5, spread: 100) == "1,235")
        #expect(Quantity.plain.text(.nan, spread: .nan) == "n/a")
    }
}
