/// A moment in microseconds since 1970-01-01T00:00:00Z, the resolution of PostgreSQL's `timestamptz`.
package struct Timestamp: Hashable, Comparable, Sendable {
    /// Microseconds since the Unix epoch; negative before it.
    package var microseconds: Int64

    package init(microseconds: Int64) { self.microseconds = microseconds }
    package init(seconds: Double) { self.microseconds = Int64((seconds * 1e6).rounded()) }

    /// Seconds since the Unix epoch.
    package var seconds: Double { Double(microseconds) / 1e6 }
    /// Whole milliseconds since the Unix epoch, rounded down.
    package var milliseconds: Int64 { microseconds >= 0 ? microseconds / 1000 : (microseconds - 999) / 1000 }

    package static func < (left: Self, right: Self) -> Bool { left.microseconds < right.microseconds }
    package static func + (left: Self, seconds: Double) -> Self { Self(microseconds: left.microseconds + Int64((seconds * 1e6).rounded())) }
    package static func - (left: Self, seconds: Double) -> Self { left + (-seconds) }
    /// Seconds from `right` to `left`.
    package static func - (left: Self, right: Self) -> Double { Double(left.microseconds - right.microseconds) / 1e6 }
}

extension Timestamp: CustomStringConvertible {
    /// ISO 8601 in UTC, with as many fractional digits as needed (0, 3 or 6): `2026-11-01T00:00:00Z`.
    package var description: String {
        let (days, rest) = microseconds.quotientAndRemainderRoundingDown(dividingBy: 86_400_000_000)
        let (year, month, day) = Self.civil(fromDays: days)
        let second = rest / 1_000_000
        let fraction = rest % 1_000_000
        var text = Self.padded(year, to: 4) + "-" + Self.padded(month, to: 2) + "-" + Self.padded(day, to: 2)
        text += "T" + Self.padded(second / 3600, to: 2) + ":" + Self.padded(second / 60 % 60, to: 2) + ":" + Self.padded(second % 60, to: 2)
        if fraction != 0 {
            text += fraction % 1000 == 0 ? "." + Self.padded(fraction / 1000, to: 3) : "." + Self.padded(fraction, to: 6)
        }
        return text + "Z"
    }

    /// Reads ISO 8601 (RFC 3339): a date; or a date, `T` or a space, a time with optional seconds and fraction, and an optional zone
    /// (`Z`, `+hh:mm`, `+hhmm`, `+hh`). Without a zone the time is UTC. Digits beyond microseconds are dropped. Anything else is nil.
    package init?(_ text: some StringProtocol) {
        var scanner = Scanner(bytes: Array(text.utf8))
        guard let year = scanner.digits(4), scanner.take("-"), let month = scanner.digits(2), scanner.take("-"),
            let day = scanner.digits(2),
            (1...12).contains(month), (1...Self.daysInMonth(month, year: year)).contains(day)
        else { return nil }
        var total = Self.days(year: year, month: month, day: day) * 86_400
        var micros: Int64 = 0
        if !scanner.atEnd {
            guard scanner.take("T") || scanner.take("t") || scanner.take(" "), let hour = scanner.digits(2), scanner.take(":"),
                let minute = scanner.digits(2), hour < 24, minute < 60
            else { return nil }
            var second: Int64 = 0
            if scanner.take(":") {
                guard let read = scanner.digits(2), read <= 60 else { return nil }
                second = read
                if scanner.take(".") {
                    guard let read = scanner.fraction() else { return nil }
                    micros = read
                }
            }
            total += hour * 3600 + minute * 60 + second
            guard let offset = scanner.zone() else { return nil }
            total -= offset
        }
        guard scanner.atEnd else { return nil }
        self.init(microseconds: total * 1_000_000 + micros)
    }

    private static func padded(_ number: Int64, to width: Int) -> String {
        let digits = String(number)
        return digits.count >= width ? digits : String(repeating: "0", count: width - digits.count) + digits
    }

    private static func daysInMonth(_ month: Int64, year: Int64) -> Int64 {
        switch month {
        case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days since 1970-01-01 of a date of the proleptic Gregorian calendar (eras of 400 years = 146 097 days, years starting in March).
    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = shifted.quotientAndRemainderRoundingDown(dividingBy: 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func civil(fromDays days: Int64) -> (Int64, Int64, Int64) {
        let (era, dayOfEra) = (days + 719_468).quotientAndRemainderRoundingDown(dividingBy: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }

    private struct Scanner {
        let bytes: [UInt8]
        var position = 0
        var atEnd: Bool { position == bytes.count }

        mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
            position += 1
            return true
        }

        mutating func digits(_ count: Int) -> Int64? {
            guard position + count <= bytes.count else { return nil }
            var value: Int64 = 0
            for byte in bytes[position..<position + count] {
                guard byte >= 48, byte <= 57 else { return nil }
                value = value * 10 + Int64(byte - 48)
            }
            position += count
            return value
        }

        mutating func fraction() -> Int64? {
            var value: Int64 = 0
            var read = 0
            while position < bytes.count, bytes[position] >= 48, bytes[position] <= 57 {
                if read < 6 { value = value * 10 + Int64(bytes[position] - 48) }
                read += 1
                position += 1
            }
            guard read > 0 else { return nil }
            for _ in read..<max(read, 6) { value *= 10 }
            return value
        }

        mutating func zone() -> Int64? {
            if atEnd || take("Z") || take("z") { return 0 }
            let sign: Int64
            if take("+") { sign = 1 } else if take("-") { sign = -1 } else { return nil }
            guard let hours = digits(2), hours < 24 else { return nil }
            if atEnd { return sign * hours * 3600 }
            _ = take(":")
            guard let minutes = digits(2), minutes < 60 else { return nil }
            return sign * (hours * 3600 + minutes * 60)
        }
    }
}

extension Timestamp: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let parsed = Timestamp(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "expected an ISO 8601 time such as 2026-11-01T00:00:00Z")
        }
        self = parsed
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension Int64 {
    /// Quotient rounded towards negative infinity, with a remainder in `0..<divisor`.
    fileprivate func quotientAndRemainderRoundingDown(dividingBy divisor: Int64) -> (Int64, Int64) {
        let quotient = self / divisor
        let remainder = self % divisor
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
