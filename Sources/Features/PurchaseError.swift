/// Why a purchase file cannot be turned into features.
package enum PurchaseError: Error, Hashable, Sendable {
    package struct MissingColumn: Hashable, Sendable {
        package var role: PurchaseRole
        /// The names, any of which would do.
        package var expected: [String]

        package init(role: PurchaseRole, expected: [String]) {
            self.role = role
            self.expected = expected
        }
    }

    /// A place in a file and what stands there.
    package struct Finding: Hashable, Sendable, CustomStringConvertible {
        package var file: String
        package var line: Int
        package var column: String
        package var text: String

        package init(file: String, line: Int, column: String, text: String) {
            self.file = file
            self.line = line
            self.column = column
            self.text = text
        }

        package var description: String { "\(file):\(line): column \(column)" }
    }

    case missingColumns(file: String, missing: [MissingColumn], found: [String])
    /// Every date with slashes could be read either way.
    case ambiguousDates(Finding)
    /// Some dates put the day first, others the month.
    case mixedDates(dayFirst: Finding, monthFirst: Finding)
    case mixedCurrencies(Finding, other: String)
    case badShare(Finding)
    /// Nothing is left; `report` says why.
    case nothingLeft(report: String)
}

extension PurchaseError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .missingColumns(let file, let missing, let found):
            (missing.map { column in
                let names = column.expected.map { "`\($0)`" }
                return column.expected.count == 1
                    ? "\(file):1: expected a column \(names[0]) (the \(column.role.rawValue))"
                    : "\(file):1: expected a column for the \(column.role.rawValue): \(names.dropLast().joined(separator: ", ")) or "
                        + "\(names[names.count - 1]), or another one named by --\(column.role.rawValue)-column"
            } + ["found \(found.map { "`\($0)`" }.joined(separator: ", "))"]).joined(separator: "\n")
        case .ambiguousDates(let place):
            "\(place): `\(place.text)` can be read with the day or with the month first, and so can every other date with slashes in this "
                + "column; say which with --date-order dmy or --date-order mdy"
        case .mixedDates(let dayFirst, let monthFirst):
            "\(dayFirst): `\(dayFirst.text)` has the day first, but `\(monthFirst.text)` in line \(monthFirst.line) the month; write all dates "
                + "in one way, or say with --date-order which is right: the others are then left out and counted"
        case .mixedCurrencies(let place, let other):
            "\(place): expected one currency, found `\(place.text)` after `\(other)`; amounts in different currencies cannot be added: choose "
                + "one with --currency \(other)"
        case .badShare(let place):
            "\(place): expected the share of the price that was taken off, 0 to 1, found `\(place.text)`; divide percentages by 100, and leave "
                + "out --discount-share where the column holds money"
        case .nothingLeft(let report): "no purchase is left to make features from:\n\(report)"
        }
    }
}
