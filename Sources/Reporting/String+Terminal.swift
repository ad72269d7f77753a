extension StringProtocol {
    /// Columns that the text takes on a terminal: 0 for combining marks and joiners, 2 for East Asian wide characters and emoji, else 1.
    ///
    /// An approximation of Unicode's UAX #11 by blocks; a cluster is as wide as its widest scalar.
    package var displayWidth: Int {
        reduce(0) { sum, character in sum + (character.unicodeScalars.map(\.displayWidth).max() ?? 0) }
    }

    /// The text cut to that many columns, with an ellipsis where something was cut.
    package func fitted(toWidth width: Int) -> String {
        guard displayWidth > width else { return String(self) }
        guard width > 0 else { return "" }
        var result = ""
        var used = 0
        for character in self {
            let columns = String(character).displayWidth
            if used + columns > width - 1 { break }
            result.append(character)
            used += columns
        }
        return result + "…"
    }

    /// The text cut to that many columns in its middle: what tells long names apart often stands at their end.
    package func shortened(toWidth width: Int) -> String {
        guard displayWidth > width else { return String(self) }
        guard width >= 5 else { return fitted(toWidth: width) }
        var tail = ""
        var used = 0
        for character in reversed() {
            let columns = String(character).displayWidth
            if used + columns > (width - 1) / 2 { break }
            tail = String(character) + tail
            used += columns
        }
        return fitted(toWidth: width - used) + tail
    }

    /// The text without control characters, which could move a terminal's cursor or change its colours; line breaks and tabs become spaces.
    package var printable: String {
        var result = String.UnicodeScalarView()
        for scalar in unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control: result.append(scalar == "\n" || scalar == "\t" || scalar == "\r" ? " " : "\u{FFFD}")
            // Marks that turn the direction of the text around them.
            case .format where ("\u{202A}"..."\u{202E}").contains(scalar) || ("\u{2066}"..."\u{2069}").contains(scalar):
                result.append("\u{FFFD}")
            case .lineSeparator, .paragraphSeparator: result.append(" ")
            default: result.append(scalar)
            }
        }
        return String(result)
    }
}

extension String {
    /// The text with its first letter as a capital.
    var capitalisedFirst: String { prefix(1).uppercased() + dropFirst() }
}

extension Unicode.Scalar {
    fileprivate var displayWidth: Int {
        switch properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format, .control: return 0
        default: break
        }
        switch value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF, 0xAC00...0xD7A3,
            0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1F9FF,
            0x20000...0x3FFFD:
            return 2
        default: return 1
        }
    }
}
