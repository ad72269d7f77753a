import HaggleCore
import Testing

@Suite struct TimestampTests {
    /// Seconds since the epoch as `date -u -d TEXT +%s` prints them.
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2026-11-01T00:00:00Z", 1_793_491_200), ("2000-02-29T12:34:56Z", 951_827_696),
        ("1969-12-31T23:59:59Z", -1), ("2100-03-01T00:00:00Z", 4_107_542_400), ("2019-11-24 00:03:13+09:00", 1_574_521_393),
    ])
    func readsRFC3339(_ text: String, _ seconds: Int64) throws {
        #expect(try #require(Timestamp(text)).microseconds == seconds * 1_000_000)
    }

    @Test(arguments: ["2026-11-01T00:00:00Z", "2019-11-24T00:03:13.442536Z", "1969-07-20T20:17:40.500Z"])
    func writesWhatItReads(_ text: String) throws { #expect(try #require(Timestamp(text)).description == text) }

    @Test(arguments: [
        "", "2026", "2026-13-01", "2026-02-29", "2026-11-01T25:00:00Z", "2026-11-01T00:00:00+", "2026-11-01T00:00:00Zx", "now",
    ])
    func refusesOtherText(_ text: String) { #expect(Timestamp(text) == nil) }
}
