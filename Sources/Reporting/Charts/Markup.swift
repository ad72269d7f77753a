/// Markup written as text, with everything that came from outside escaped.
struct Markup {
    private(set) var text = ""

    /// An element with content that is itself markup.
    mutating func element(_ name: String, _ attributes: KeyValuePairs<String, String> = [:], content: (inout Markup) -> Void) {
        text += "<" + name + Self.written(attributes) + ">"
        content(&self)
        text += "</" + name + ">"
    }

    /// An element whose content is plain text.
    mutating func element(_ name: String, _ attributes: KeyValuePairs<String, String> = [:], text content: String) {
        text += "<" + name + Self.written(attributes) + ">" + Self.escaped(content) + "</" + name + ">"
    }

    /// An element without content.
    mutating func empty(_ name: String, _ attributes: KeyValuePairs<String, String>) {
        text += "<" + name + Self.written(attributes) + "/>"
    }

    /// Markup of our own making.
    mutating func raw(_ markup: String) { text += markup }

    private static func written(_ attributes: KeyValuePairs<String, String>) -> String {
        attributes.map { " " + $0 + "=\"" + escaped($1) + "\"" }.joined()
    }

    /// Text that stays text inside elements and attributes of XML and HTML. Characters that XML forbids become U+FFFD.
    static func escaped(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result.append(contentsOf: "&amp;".unicodeScalars)
            case "<": result.append(contentsOf: "&lt;".unicodeScalars)
            case ">": result.append(contentsOf: "&gt;".unicodeScalars)
            case "\"": result.append(contentsOf: "&quot;".unicodeScalars)
            case "'": result.append(contentsOf: "&#39;".unicodeScalars)
            case "\t", "\n", "\r": result.append(" ")
            case "\u{0}"..."\u{1F}", "\u{7F}"..."\u{9F}", "\u{FFFE}", "\u{FFFF}": result.append("\u{FFFD}")
            default: result.append(scalar)
            }
        }
        return String(result)
    }
}
