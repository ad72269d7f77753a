import Foundation

/// Numbers as people read them: the same in the terminal and on the pages, independent of the machine's locale.
package enum NumberFormat {
    /// What a number that is not finite looks like.
    package static let notAvailable = "n/a"

    /// A whole number in groups of three: `12,345`.
    package static func count(_ value: Int) -> String {
        let digits = String(value.magnitude)
        var grouped = ""
        for (index, digit) in digits.enumerated() {
            if index > 0 && (digits.count - index) % 3 == 0 { grouped.append(",") }
            grouped.append(digit)
        }
        return value < 0 ? "-" + grouped : grouped
    }

    /// A fixed number of decimals, groups of three before the point; never `-0.00`.
    package static func fixed(_ value: Double, decimals: Int) -> String {
        guard value.isFinite else { return value.isNaN ? notAvailable : value < 0 ? "-∞" : "∞" }
        guard abs(value) < 1e15 else { return String(format: "%.3e", value) }
        let text = String(format: "%.*f", max(0, decimals), abs(value))
        let parts = text.split(separator: ".")
        let whole = count(Int(parts[0]) ?? 0)
        let isZero = text.allSatisfy { $0 == "0" || $0 == "." }
        return (value < 0 && !isZero ? "-" : "") + whole + (parts.count > 1 ? "." + parts[1] : "")
    }

    /// That many significant digits; scientific below 0.0001 and from ten million.
    package static func significant(_ value: Double, digits: Int = 4) -> String {
        guard value.isFinite else { return fixed(value, decimals: 0) }
        guard value != 0 else { return "0" }
        let scientific = String(format: "%.*e", digits - 1, value)
        let exponent = scientific.split(separator: "e").last.flatMap { Int($0) } ?? 0
        guard (-4..<7).contains(exponent) else { return scientific }
        return fixed(value, decimals: max(0, digits - 1 - exponent))
    }

    /// A share as a percentage: `0.123` is `12.3%`.
    package static func percent(_ share: Double, decimals: Int = 1) -> String {
        share.isFinite ? fixed(share * 100, decimals: decimals) + "%" : fixed(share, decimals: 0)
    }

    /// A probability with three decimals, never as certain: `< 0.001`, `> 0.999`.
    package static func probability(_ value: Double) -> String {
        guard value.isFinite else { return notAvailable }
        return value < 0.001 ? "< 0.001" : value > 0.999 ? "> 0.999" : fixed(value, decimals: 3)
    }

    /// A length of time in its largest fitting unit: `850 ms`, `12 s`, `4 min`, `3.5 h`, `2 days`.
    package static func duration(seconds: Double) -> String {
        guard seconds.isFinite else { return notAvailable }
        switch abs(seconds) {
        case ..<0.9995: return fixed(seconds * 1000, decimals: 0) + " ms"
        case ..<10: return fixed(seconds, decimals: 1) + " s"
        case ..<119.5: return fixed(seconds, decimals: 0) + " s"
        case ..<7170: return fixed(seconds / 60, decimals: 0) + " min"
        case ..<172_000: return fixed(seconds / 3600, decimals: 1) + " h"
        default: return fixed(seconds / 86_400, decimals: 0) + " days"
        }
    }
}
