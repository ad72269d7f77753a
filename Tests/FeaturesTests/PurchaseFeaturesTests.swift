import HaggleCore
import HaggleMath
import Testing

@testable import Features

@Suite struct PurchaseFeaturesTests {
    private static func event(_ day: Int, _ amount: Double, _ discount: Double = 0, _ category: String? = nil) -> PurchaseEvent {
        PurchaseEvent(time: start + Double(day) * 86_400, amount: amount, discount: discount, category: category, units: 2)
    }
    private static let start = Timestamp(microseconds: 1_700_000_000_000_000)
    private static let asOf = start + 100 * 86_400

    /// Orders on days 0, 10, 30 (two lines) and 70 with a return: gaps 10, 20, 40; baskets 10, 20, 40, 30.
    private static let events = [
        event(0, 10, 0, "a"), event(10, 20, 0.5, "b"), event(30, 15, 0.1, "a"), event(30, 25, 0, "c"), event(70, 30, 0, "b"),
        event(80, -5, 0, "b"),
    ]

    /// All by hand.
    @Test func featuresOfASmallHistory() throws {
        let features = PurchaseFeatures(categories: ["b", "a"], eventCount: 2)
        let context = features.context(of: Self.events.shuffled(), asOf: Self.asOf)
        func number(_ name: String) -> Double? { if case .number(let value)? = context[name] { value } else { nil } }
        let expected: [(String, Double)] = [
            ("recency_days", 30), ("orders", 4), ("orders_90d", 3), ("monetary", 100), ("tenure_days", 100), ("gap_mean_days", 70.0 / 3),
            ("gap_median_days", 20), ("gap_sd_days", (700.0 / 3).squareRoot()), ("basket_mean", 25),
            ("basket_sd", (500.0 / 3).squareRoot()),
            ("units_mean", 2.5), ("discount_share", 0.4), ("discount_depth", 0.3), ("return_rate", 1.0 / 6), ("returned", 5),
            ("share_b", 0.5), ("share_a", 0.25), ("share_other", 0.25),
        ]
        for (name, value) in expected {
            let found = try #require(number(name))
            #expect(abs(found - value) < 1e-12 * max(1, value), "\(name)")  // rounding of a few sums
        }
        #expect(features.columns.map(\.name) == expected.map(\.0))
        #expect(
            context["history"]
                == .events([
                    ["days_ago": 30, "amount": 30, "discount": 0, "category": "b"],
                    ["days_ago": 20, "amount": -5, "discount": 0, "category": "b"],
                ]))
    }

    @Test func whatDoesNotExistIsMissing() {
        let features = PurchaseFeatures()
        let nobody = features.context(of: [], asOf: Self.asOf)
        #expect(nobody["recency_days"] == nil && nobody["basket_mean"] == nil && nobody["orders"] == 0 && nobody["return_rate"] == 0)
        let once = features.context(of: [Self.event(1, 5)], asOf: Self.asOf)
        #expect(once["gap_mean_days"] == nil && once["basket_sd"] == nil && once["basket_mean"] == 5)
    }

    @Test func nothingAtOrAfterTheMomentLeaks() {
        let features = PurchaseFeatures(categories: ["a"])
        let later = [Self.event(100, 999, 0.9, "a"), Self.event(101, -999)]
        #expect(features.context(of: Self.events + later, asOf: Self.asOf) == features.context(of: Self.events, asOf: Self.asOf))
    }

    @Test func outliersAreLimitedAndReturnsAreNot() {
        let history = PurchaseHistory(Self.events, asOf: Self.asOf, bounds: 12...22)
        #expect(history.events.map(\.amount) == [12, 20, 15, 22, 22, -5])
        #expect(history.limitedCount == 3)
    }

    /// numpy.percentile([1..100], [1, 99]) = 1.99, 99.01; quartiles 25.75 and 75.25, so Tukey's fences are -48.5 and 149.5.
    @Test func boundsOfOutliers() throws {
        var fit = PurchaseFeaturesFit()
        for value in (1...100).shuffled() { fit.add(Self.event(0, Double(value))) }
        let percentiles = try #require(fit.fitted(categories: 0, outliers: .p99, eventCount: 0).amountBounds)
        #expect(abs(percentiles.lowerBound - 1.99) < 1e-12 && abs(percentiles.upperBound - 99.01) < 1e-12)
        #expect(fit.fitted(categories: 0, outliers: .iqr, eventCount: 0).amountBounds == -48.5...149.5)
        #expect(fit.fitted(categories: 0, outliers: .none, eventCount: 0).amountBounds == nil)
    }

    /// Beyond its limit the counter drops bits: 10 000 different values in 100 places keep quantiles to 2^-12 at worst.
    @Test func quantilesOfMoreValuesThanFit() throws {
        var generator = SeededGenerator(seed: 1)
        var counts = ValueCounts(limit: 1000)
        let values = (0..<10_000).map { _ in generator.uniform() * 100 - 50 }
        for value in values { counts.add(value) }
        let sorted = values.sorted()
        let median = try #require(counts.quantiles([0.25])?.first)
        #expect(abs(median - sorted[2500]) < 0.02 * abs(sorted[2500]))
    }

    @Test func categoryNamesBecomePlainAndDifferentColumns() {
        let names = PurchaseFeatures(categories: ["Milk & Eggs", "milk eggs", "other", "茶"]).columns.map(\.name).suffix(5)
        #expect(names == ["share_milk_eggs", "share_milk_eggs_2", "share_other_2", "share_unnamed", "share_other"])
    }
}

@Suite struct PurchaseReadingTests {
    private func read(_ text: String, _ order: PurchaseDateOrder? = nil) -> PurchaseTimeReader.Reading {
        var reader = PurchaseTimeReader(dateOrder: order)
        let bytes = Array(text.utf8)
        return reader.read(bytes.span, from: 0, to: bytes.count)
    }

    @Test(arguments: [
        "2024-11-25", "2024/11/25", "20241125", "25.11.2024", " 2024-11-25 00:00 ", "2024-11-25T01:00:00+01:00", "2024-11-25 12:00 AM",
        "1732492800", "1732492800000", "1732492800000000", "2024-11-24T19:00:00-0500", "2024-11-25 00:00:00.000 UTC",
    ])
    func oneMomentWrittenInManyWays(text: String) {
        guard case .time(let time, _) = read(text) else { return #expect(Bool(false), "\(text) was not read") }
        #expect(time.description == "2024-11-25T00:00:00Z")
    }

    @Test(arguments: ["", "yesterday", "2024-02-30", "2024-13-01", "31.04.2024", "1/5/17", "2024-11-25 25:00", "99/99/2024", "2024-11-25x"])
    func whatIsNoTime(text: String) { #expect(read(text) == .unreadable) }

    @Test func slashesNeedAnOrder() throws {
        #expect(read("05/06/2024") == .undecided(first: 5, second: 6))
        #expect(read("05/06/2024", .dayFirst) == .time(try #require(Timestamp("2024-06-05")), .dayFirst))
        #expect(read("05/06/2024", .monthFirst) == .time(try #require(Timestamp("2024-05-06")), .monthFirst))
        #expect(read("25/06/2024", .monthFirst) == .unreadable)
    }

    @Test(arguments: [
        ("$12.50", 12.5, "USD"), ("12,50 €", 12.5, "EUR"), ("1.234,56", 1234.56, nil), ("1,234.56 CHF", 1234.56, "CHF"),
        ("(3.00)", -3, nil),
        ("1.234.567", 1_234_567, nil), ("-0,5", -0.5, nil),
    ])
    func moneyAsPeopleWriteIt(text: String, amount: Double, currency: String?) throws {
        let read = try #require(MoneyText.read(text))
        #expect(read.amount == amount && read.currency == currency)
    }

    @Test(arguments: ["1,234", "abc", "", "1-2", "12 € $", "1,23,456"])
    func moneyThatIsNotClear(text: String) { #expect(MoneyText.read(text) == nil) }

    @Test func missingColumnsAreAllNamed() throws {
        let columns = try PurchaseColumns(header: ["Household ID", "TS", "sales_value", "sku"], file: "f", given: [:])
        #expect(columns[.customer] == ["Household ID"] && columns[.time] == ["TS"] && columns.category == "sku")
        do {
            _ = try PurchaseColumns(header: ["who", "what"], file: "f.csv", given: [.amount: ["money"]])
            Issue.record("expected an error")
        } catch {
            let text = error.description
            for part in ["f.csv:1", "customer", "time", "`money`", "found `who`, `what`"] { #expect(text.contains(part)) }
        }
    }
}
