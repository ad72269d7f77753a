import Foundation

/// What a reported number measures, which decides how it is written.
package enum Quantity: Hashable, Sendable {
    case plain
    /// A share, written as a percentage.
    case share
    /// An amount in a currency (ISO 4217 code), or in units of account where there is none.
    case money(currency: String?)

    /// The value with as many decimals as its doubt deserves: two digits of `spread`, half the width of its interval. Money keeps cents at
    /// least.
    package func text(_ value: Double, spread: Double? = nil, isSigned: Bool = false) -> String {
        let scale = self == .share ? 100.0 : 1.0
        var decimals = Self.decimals(spread: (spread ?? abs(value) / 50) * scale)
        if case .money = self { decimals = max(decimals, 2) }
        let number = self == .share ? NumberFormat.percent(value, decimals: decimals) : NumberFormat.fixed(value, decimals: decimals)
        let sign = isSigned && value > 0 && number.contains(where: { "123456789∞".contains($0) }) ? "+" : ""
        guard case .money(let currency?) = self, value.isFinite else { return sign + number }
        guard let symbol = Self.symbols[currency] else { return sign + number + " " + currency }
        return number.hasPrefix("-") ? "-" + symbol + number.dropFirst() : sign + symbol + number
    }

    /// `lower to upper`, both with the decimals of the interval's width.
    package func text(lower: Double, upper: Double, isSigned: Bool = false) -> String {
        let spread = (upper - lower) / 2
        return text(lower, spread: spread, isSigned: isSigned) + " to " + text(upper, spread: spread, isSigned: isSigned)
    }

    private static func decimals(spread: Double) -> Int {
        guard spread.isFinite, spread > 0 else { return 2 }
        return min(10, max(0, 1 - Int(log10(spread).rounded(.down))))
    }

    private static let symbols = ["EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "INR": "₹"]
}
