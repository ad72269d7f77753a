/// A part of a report: sentences, charts and tables. The terminal prints its words and tables, a page shows all of it.
package struct ReportSection: Sendable {
    /// A word with what it means or says.
    package struct Definition: Hashable, Sendable {
        package var term: String
        package var text: String

        package init(term: String, text: String) {
            self.term = term
            self.text = text
        }
    }

    package var title: String
    /// What a reader must not overlook about every number below: `unsupported, forced`. Stands beside the title.
    package var marks: [String]
    /// Before charts and tables.
    package var paragraphs: [String]
    /// A list under the paragraphs.
    package var items: [String]
    package var definitions: [Definition]
    /// Lines to be taken over as they are, such as a command.
    package var code: [String]
    package var charts: [any Chart]
    package var tables: [TextTable]
    /// Tables that only a page has room for: the numbers behind the charts. They can be folded away.
    package var appendix: [TextTable]
    /// Small print after them: methods and assumptions.
    package var notes: [String]
    /// Parts of this part, one level deep.
    package var subsections: [ReportSection]

    package init(
        title: String, marks: [String] = [], paragraphs: [String] = [], items: [String] = [], definitions: [Definition] = [],
        code: [String] = [], charts: [any Chart] = [], tables: [TextTable] = [], appendix: [TextTable] = [], notes: [String] = [],
        subsections: [ReportSection] = []
    ) {
        self.title = title
        self.marks = marks
        self.paragraphs = paragraphs
        self.items = items
        self.definitions = definitions
        self.code = code
        self.charts = charts
        self.tables = tables
        self.appendix = appendix
        self.notes = notes
        self.subsections = subsections
    }

    /// Whether anything is left of it without its charts and its appendix.
    var hasText: Bool {
        !(paragraphs.isEmpty && items.isEmpty && definitions.isEmpty && code.isEmpty && tables.isEmpty && notes.isEmpty)
            || subsections.contains(where: \.hasText)
    }

    /// Whether there is nothing to show at all.
    var isEmpty: Bool { !hasText && charts.isEmpty && appendix.isEmpty && subsections.allSatisfy(\.isEmpty) }

    /// The section for the terminal, at most 100 columns wide; charts and the appendix are left out.
    package func text(isTerminal: Bool = false) -> String {
        let heading = Self.wrapped(([title] + marks.map { "[\($0)]" }).joined(separator: " ").printable)
        var blocks = [isTerminal ? "\u{1B}[1m" + heading.dropLast() + "\u{1B}[0m\n" : heading]
        if !paragraphs.isEmpty { blocks.append(paragraphs.map { Self.wrapped($0.printable) }.joined()) }
        if !items.isEmpty { blocks.append(items.map { Self.wrapped($0.printable, first: "- ", others: "  ") }.joined()) }
        if !definitions.isEmpty {
            blocks.append(definitions.map { Self.wrapped("\($0.term): \($0.text)".printable, others: "  ") }.joined())
        }
        if !code.isEmpty { blocks.append(code.map { $0.printable + "\n" }.joined()) }
        blocks += tables.map { $0.text(isTerminal: isTerminal) }
        if !notes.isEmpty { blocks.append(notes.map { Self.wrapped($0.printable) }.joined()) }
        blocks += subsections.filter(\.hasText).map { $0.text(isTerminal: isTerminal) }
        return blocks.joined(separator: "\n")
    }

    /// Lines of at most `width` columns, broken at spaces; a longer word loses its middle.
    /// - Parameters:
    ///   - first: stands before the first line.
    ///   - others: stands before all further lines.
    static func wrapped(_ text: String, width: Int = 100, first: String = "", others: String = "") -> String {
        var lines: [String] = []
        var line = first
        var isFresh = true
        for word in text.split(separator: " ") {
            if !isFresh, line.displayWidth + 1 + word.displayWidth > width {
                lines.append(line)
                line = others
                isFresh = true
            }
            if !isFresh { line += " " }
            line += word.shortened(toWidth: width - (isFresh ? line.displayWidth : 0))
            isFresh = false
        }
        lines.append(line)
        return lines.joined(separator: "\n") + "\n"
    }
}
