/// Text as it can stand in a YAML file.
enum YAMLText {
    /// Plain where it reads back as the same text everywhere, also inside `{...}`; otherwise in double quotes.
    static func scalar(_ text: String) -> String { isPlain(text) ? text : QuotedText.write(text) }

    private static func isPlain(_ text: String) -> Bool {
        guard let first = text.utf8.first, let last = text.utf8.last, text.utf8.count <= 120 else { return false }
        guard isLetter(first) || first == UInt8(ascii: "_") || isDigit(first), last != UInt8(ascii: " ") else { return false }
        // Letters, digits, blanks and a few signs that mean nothing to YAML; other alphabets are quoted, which is always right.
        guard text.utf8.allSatisfy({ isLetter($0) || isDigit($0) || " _-./()+'".utf8.contains($0) }) else { return false }
        let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
        if words.contains(text.lowercased()) { return false }
        // Anything that begins with a digit could be a number, a date or a time to some reader; keys such as 7-eleven are quoted too.
        return !isDigit(first)
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (97...122).contains(byte) || (65...90).contains(byte) }
    private static func isDigit(_ byte: UInt8) -> Bool { (48...57).contains(byte) }
}
