/// A part of a report: sentences, charts and tables. The terminal prints its sentences and tables, a page shows all of it.
package struct ReportSection: Sendable {
    package var title: String
    /// Before charts and tables.
    package var paragraphs: [String]
    package var charts: [any Chart]
    package var tables: [TextTable]
    /// Small print after them: methods and assumptions.
    package var notes: [String]

    package init(
        title: String, paragraphs: [String] = [], charts: [any Chart] = [], tables: [TextTable] = [], notes: [String] = []
    ) {
        self.title = title
        self.paragraphs = paragraphs
        self.charts = charts
        self.tables = tables
        self.notes = notes
    }

    /// The section for the terminal; charts are left out.
    package func text(isTerminal: Bool = false) -> String {
        var blocks = [isTerminal ? "\u{1B}[1m\(title.printable)\u{1B}[0m\n" : title.printable + "\n"]
        if !paragraphs.isEmpty { blocks.append(paragraphs.map { Self.wrapped($0.printable) }.joined()) }
        blocks += tables.map { $0.text(isTerminal: isTerminal) }
        if !notes.isEmpty { blocks.append(notes.map { Self.wrapped($0.printable) }.joined()) }
        return blocks.joined(separator: "\n")
    }

    /// Lines of at most 100 columns, broken at spaces.
    static func wrapped(_ text: String, width: Int = 100) -> String {
        var lines = [""]
        for word in text.split(separator: " ") {
            let last = lines[lines.count - 1]
            if last.isEmpty {
                lines[lines.count - 1] = word.fitted(toWidth: width)
            } else if last.displayWidth + 1 + word.displayWidth <= width {
                lines[lines.count - 1] = last + " " + word
            } else {
                lines.append(word.fitted(toWidth: width))
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
