import HaggleCore

/// The `Date` header (RFC 9110, section 5.6.7), written once a second: `Sun, 06 Nov 1994 08:49:37 GMT`.
struct HTTPDate {
    private var second: Int64 = .min
    private var text = ""

    mutating func text(at time: Timestamp) -> String {
        let now = time.milliseconds / 1000
        if now != second {
            second = now
            text = Self.render(now)
        }
        return text
    }

    private static func render(_ seconds: Int64) -> String {
        // 2026-11-01T00:00:00Z
        let civil = Timestamp(microseconds: seconds * 1_000_000).description.utf8.map { $0 }
        func part(_ start: Int, _ count: Int) -> String { String(decoding: civil[start..<start + count], as: UTF8.self) }
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        // 1 January 1970 was a Thursday.
        let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let month = months[(Int(part(5, 2)) ?? 1) - 1]
        return "\(days[Int(seconds / 86_400 % 7)]), \(part(8, 2)) \(month) \(part(0, 4)) \(part(11, 8)) GMT"
    }
}
