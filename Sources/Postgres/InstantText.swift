/// The text form of a `timestamptz` in UTC: `2026-11-01 09:30:00.25+00`.
extension Instant: SQLDecodable {
    package init?(sqlText text: Span<UInt8>) {
        var position = 0
        func digits() -> Int64? {
            let start = position
            var value: Int64 = 0
            while position < text.count, case let digit = text[position] &- 48, digit < 10, position - start < 9 {
                value = value * 10 + Int64(digit)
                position += 1
            }
            return position > start ? value : nil
        }
        func take(_ byte: Unicode.Scalar) -> Bool {
            guard position < text.count, text[position] == UInt8(ascii: byte) else { return false }
            position += 1
            return true
        }
        guard let year = digits(), take("-"), let month = digits(), take("-"), let day = digits() else { return nil }
        var microseconds = Self.days(year: year, month: month, day: day) * 86_400_000_000
        if position < text.count {
            guard take(" "), let hour = digits(), take(":"), let minute = digits(), take(":"), let second = digits() else { return nil }
            microseconds += (hour * 3600 + minute * 60 + second) * 1_000_000
            if take(".") {
                let start = position
                guard var fraction = digits() else { return nil }
                for _ in position - start..<max(6, position - start) { fraction *= 10 }
                microseconds += fraction
            }
            // Connections set the time zone to UTC; a column without a zone is taken as UTC.
            if position < text.count { guard take("+"), digits() == 0, position == text.count else { return nil } }
        }
        self.init(microseconds: microseconds)
    }

    /// The form above, always with six fractional digits.
    func appendText(to bytes: inout [UInt8]) {
        var days = microseconds / 86_400_000_000
        var rest = microseconds % 86_400_000_000
        if rest < 0 {
            days -= 1
            rest += 86_400_000_000
        }
        let (year, month, day) = Self.civil(days: days)
        let seconds = rest / 1_000_000
        bytes.append(number: year, width: 4)
        for (separator, value, width) in [
            ("-", month, 2), ("-", day, 2), (" ", seconds / 3600, 2), (":", seconds / 60 % 60, 2), (":", seconds % 60, 2),
            (".", rest % 1_000_000, 6),
        ] as [(Unicode.Scalar, Int64, Int)] {
            bytes.append(UInt8(ascii: separator))
            bytes.append(number: value, width: width)
        }
        bytes.append(contentsOf: "+00".utf8)
    }

    /// Days since 1970-01-01 in the proleptic Gregorian calendar: eras of 400 years have 146 097 days, years start in March.
    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let year = month <= 2 ? year - 1 : year
        let era = (year >= 0 ? year : year - 399) / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func civil(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let march = (5 * dayOfYear + 2) / 153
        let month = march < 10 ? march + 3 : march - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * march + 2) / 5 + 1)
    }
}

extension [UInt8] {
    /// A decimal number, padded with zeros to `width` digits.
    mutating func append(number: Int64, width: Int = 1) {
        if number < 0 { append(UInt8(ascii: "-")) }
        let start = count
        var rest = number.magnitude
        repeat {
            append(48 + UInt8(rest % 10))
            rest /= 10
        } while rest > 0
        while count - start < width { append(48) }
        self[start...].reverse()
    }
}
