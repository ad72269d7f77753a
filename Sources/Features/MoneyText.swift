/// Reads money as people write it where a plain number does not stand: `$12.50`, `12,50 €`, `1.234,56`, `1,234.56 USD`, `(3.00)` for a return.
///
/// One comma or point with anything but three digits behind it is the decimal sign; of two different signs the last is. `1,234` alone could be
/// either, and is not read.
package enum MoneyText {
    /// - Returns: the amount, and the currency where one is written (`$` as USD, `€` as EUR, `£` as GBP, `¥` as JPY, or three letters).
    package static func read(_ text: String) -> (amount: Double, currency: String?)? {
        var currency: String?
        var number = ""
        var letters = ""
        var isNegative = false
        for character in text {
            switch character {
            case "0"..."9" where character.isASCII, ".", ",": number.append(character)
            case "-" where number.isEmpty: isNegative.toggle()
            case "+" where number.isEmpty: break
            case "(" where number.isEmpty: isNegative.toggle()
            case ")" where text.contains("("), " ", "\u{a0}", "\u{202f}", "'": break
            case "$", "€", "£", "¥":
                guard currency == nil else { return nil }
                currency = ["$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY"][character]
            case "A"..."Z" where character.isASCII && letters.count < 3: letters.append(character)
            default: return nil
            }
        }
        if !letters.isEmpty {
            guard letters.count == 3, currency == nil else { return nil }
            currency = letters
        }
        guard let plain = plainNumber(number), let amount = Double(plain), amount.isFinite else { return nil }
        return (isNegative ? -amount : amount, currency)
    }

    /// The number with a point and without thousands' signs.
    private static func plainNumber(_ text: String) -> String? {
        let signs = text.filter { $0 == "," || $0 == "." }
        guard text.contains(where: \.isNumber) else { return nil }
        guard let last = signs.last else { return text }
        let behind = text.split(separator: last, omittingEmptySubsequences: false).last?.count ?? 0
        let isDecimal = signs.filter { $0 == last }.count == 1 && (Set(signs).count == 2 || behind != 3)
        if !isDecimal {
            // Thousands, which must stand in threes: two signs at least, as one alone could be a decimal.
            let groups = text.split(separator: last, omittingEmptySubsequences: false)
            guard Set(signs).count == 1, signs.count >= 2, groups.dropFirst().allSatisfy({ $0.count == 3 }) else { return nil }
            return groups.joined()
        }
        let parts = text.split(separator: last, omittingEmptySubsequences: false)
        let whole = parts[0].filter(\.isNumber)
        return (whole.isEmpty ? "0" : whole) + "." + (parts[1].isEmpty ? "0" : parts[1])
    }
}
