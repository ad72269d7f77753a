package import HaggleCore

/// Reads the times of a column of purchases, whatever usual way they are written in.
///
/// A date or a date and a time, with an optional zone (UTC without one): `2024-11-25`, `2024/11/25`, `20241125`, `25.11.2024`, and with slashes
/// or dashes `25/11/2024` or `11/25/2024`; or seconds, milliseconds or microseconds since 1970. Only the last pair is ambiguous: which it is
/// must be said, or follow from the whole column (`PurchaseDateOrder.Survey`).
package struct PurchaseTimeReader: Sendable {
    /// How a time was written, for the report.
    package enum Form: String, Hashable, Sendable, Codable, CaseIterable {
        case isoDate = "yyyy-mm-dd"
        case isoTime = "yyyy-mm-dd hh:mm"
        case compact = "yyyymmdd"
        case dotted = "dd.mm.yyyy"
        case dayFirst = "dd/mm/yyyy"
        case monthFirst = "mm/dd/yyyy"
        case seconds = "seconds since 1970"
        case milliseconds = "milliseconds since 1970"
        case microseconds = "microseconds since 1970"
    }

    package enum Reading: Hashable, Sendable {
        case time(Timestamp, Form)
        /// Two numbers of one or two digits and a year, whose order is not known yet.
        case undecided(first: Int, second: Int)
        case unreadable
    }

    /// The order of days and months between slashes; nil until it is known.
    package var dateOrder: PurchaseDateOrder?
    /// Days since 1970 by date; nil for dates that do not exist. Files have few different dates.
    private var days: [Int: Int64?] = [:]
    private var scanner = DateScanner()

    package init(dateOrder: PurchaseDateOrder? = nil) { self.dateOrder = dateOrder }

    /// Reads `text[start..<end]`, spaces around it ignored.
    package mutating func read(_ text: Span<UInt8>, from start: Int, to end: Int) -> Reading {
        scanner.load(text, from: start, to: end)
        guard let first = scanner.number() else { return .unreadable }
        let width = scanner.position
        if scanner.isAtEnd || scanner.peek == UInt8(ascii: ".") && width > 2 {
            return width == 8 && scanner.isAtEnd ? compact(first) : epoch(first)
        }
        guard let separator = scanner.peek, [UInt8(ascii: "-"), UInt8(ascii: "/"), UInt8(ascii: ".")].contains(separator) else {
            return .unreadable
        }
        guard width == 4 || width <= 2, separator != UInt8(ascii: ".") || width <= 2,
            let second = scanner.component(after: separator, 1...2),
            let third = scanner.component(after: separator, width == 4 ? 1...2 : 4...4), let clock = scanner.clock()
        else { return .unreadable }
        if width == 4 { return time(first, second, third, clock, clock.isGiven ? .isoTime : .isoDate) }
        if separator == UInt8(ascii: ".") { return time(third, second, first, clock, .dotted) }
        switch dateOrder {
        case .dayFirst: return time(third, second, first, clock, .dayFirst)
        case .monthFirst: return time(third, first, second, clock, .monthFirst)
        case nil:
            guard (1...31).contains(first), (1...31).contains(second), first <= 12 || second <= 12 else { return .unreadable }
            return .undecided(first: first, second: second)
        }
    }

    private mutating func time(_ year: Int, _ month: Int, _ day: Int, _ clock: DateScanner.Clock, _ form: Form) -> Reading {
        let key = (year * 100 + month) * 100 + day
        let known: Int64?
        if let found = days[key] {
            known = found
        } else {
            known = Self.day(year, month, day)
            days[key] = .some(known)
        }
        guard let known else { return .unreadable }
        return .time(Timestamp(microseconds: known * 86_400_000_000 + clock.microseconds), form)
    }

    private static func day(_ year: Int, _ month: Int, _ day: Int) -> Int64? {
        guard (0...9999).contains(year), (1...12).contains(month), (1...31).contains(day) else { return nil }
        func padded(_ value: Int, _ width: Int) -> String {
            let digits = String(value)
            return String(repeating: "0", count: width - digits.count) + digits
        }
        return Timestamp("\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))").map { $0.microseconds / 86_400_000_000 }
    }

    private mutating func compact(_ number: Int) -> Reading {
        time(number / 10_000, number / 100 % 100, number % 100, DateScanner.Clock(), .compact)
    }

    /// Numbers below 10^11 count seconds (until the year 5138), below 10^14 milliseconds, else microseconds.
    private mutating func epoch(_ whole: Int) -> Reading {
        let fraction = scanner.fraction()
        guard scanner.isAtEnd, let fraction else { return .unreadable }
        switch whole {
        case ..<100_000_000_000: return .time(Timestamp(microseconds: Int64(whole) * 1_000_000 + fraction), .seconds)
        case ..<100_000_000_000_000: return .time(Timestamp(microseconds: Int64(whole) * 1000 + fraction / 1000), .milliseconds)
        case ..<100_000_000_000_000_000: return .time(Timestamp(microseconds: Int64(whole)), .microseconds)
        default: return .unreadable
        }
    }
}

/// Whether days or months come first in dates with slashes.
package enum PurchaseDateOrder: String, Hashable, Sendable, Codable, CaseIterable {
    case dayFirst = "dmy"
    case monthFirst = "mdy"

    /// What a whole column says about it: a number above 12 can only be a day.
    package struct Survey: Hashable, Sendable {
        /// The first line where only the day can be first, and the text there.
        package private(set) var dayFirst: (line: Int, text: String)?
        package private(set) var monthFirst: (line: Int, text: String)?
        /// The first line that could be either.
        package private(set) var undecided: (line: Int, text: String)?

        package init() {}

        package mutating func see(first: Int, second: Int, line: Int, text: @autoclosure () -> String) {
            if first > 12 {
                if dayFirst == nil { dayFirst = (line, text()) }
            } else if second > 12 {
                if monthFirst == nil { monthFirst = (line, text()) }
            } else if undecided == nil {
                undecided = (line, text())
            }
        }

        /// The order, where the column knows it and does not contradict itself.
        package var order: PurchaseDateOrder? {
            switch (dayFirst != nil, monthFirst != nil) {
            case (true, false): .dayFirst
            case (false, true): .monthFirst
            default: nil
            }
        }

        package static func == (left: Self, right: Self) -> Bool {
            left.dayFirst?.line == right.dayFirst?.line && left.monthFirst?.line == right.monthFirst?.line
                && left.undecided?.line == right.undecided?.line
        }

        package func hash(into hasher: inout Hasher) {
            hasher.combine(dayFirst?.line)
            hasher.combine(monthFirst?.line)
        }
    }
}
