import Foundation

/// A command line as a person can paste it into a shell.
enum ShellCommand {
    /// The arguments, quoted where a shell would read them otherwise, broken into lines that a shell joins again.
    ///
    /// A word that is longer than a line is broken inside: a line that begins in the first column continues the word before it.
    static func lines(_ arguments: [String], width: Int) -> [String] {
        var lines: [String] = []
        var line = ""
        for (index, argument) in arguments.enumerated() {
            let pieces = pieces(of: argument, width: width - 4)
            let room = width - 2
            if index > 0 {
                if line.displayWidth + 1 + pieces[0].displayWidth <= room {
                    line += " "
                } else {
                    lines.append(line + " \\")
                    line = "  "
                }
            }
            line += pieces[0]
            for piece in pieces.dropFirst() {
                lines.append(line + "\\")
                line = piece
            }
        }
        return arguments.isEmpty ? [] : lines + [line]
    }

    /// One argument as quoted pieces of at most `width` columns that belong together.
    private static func pieces(of argument: String, width: Int) -> [String] {
        var pieces: [String] = []
        var current = ""
        for character in argument {
            let longer = current + String(character)
            if !current.isEmpty, quoted(longer).displayWidth > width {
                pieces.append(quoted(current))
                current = String(character)
            } else {
                current = longer
            }
        }
        return pieces + [quoted(current)]
    }

    private static func quoted(_ text: String) -> String {
        let plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-"
        if !text.isEmpty && text.allSatisfy(plain.contains) { return text }
        guard text.printable != text else { return "'" + text.replacing("'", with: "'\\''") + "'" }
        // Bash and zsh read escapes in $'...': the way to write a control character.
        let bytes = text.utf8.map { byte in
            switch byte {
            case UInt8(ascii: "'"), UInt8(ascii: "\\"): "\\" + String(UnicodeScalar(byte))
            case 0x20..<0x7F: String(UnicodeScalar(byte))
            default: String(format: "\\x%02x", byte)
            }
        }
        return "$'" + bytes.joined() + "'"
    }
}
