/// A table of short texts for the terminal (at most 100 columns wide) and, with the same content, for a page.
package struct TextTable: Hashable, Sendable {
    package enum Alignment: Hashable, Sendable { case leading, trailing }

    package struct Column: Hashable, Sendable {
        package var title: String
        package var alignment: Alignment

        /// A column of words.
        package static func text(_ title: String) -> Self { Self(title: title, alignment: .leading) }
        /// A column of numbers.
        package static func number(_ title: String) -> Self { Self(title: title, alignment: .trailing) }

        package init(title: String, alignment: Alignment) {
            self.title = title
            self.alignment = alignment
        }
    }

    /// What the table holds, in a few words; empty where the heading above it says so already.
    package var caption: String
    package var columns: [Column]
    package private(set) var rows: [[String]]

    package init(caption: String = "", columns: [Column], rows: [[String]] = []) {
        self.caption = caption
        self.columns = columns
        self.rows = []
        for row in rows { append(row) }
    }

    /// - Precondition: as many cells as columns.
    package mutating func append(_ row: [String]) {
        precondition(row.count == columns.count, "a row needs a cell for each column")
        rows.append(row)
    }

    /// The table as lines that end in a line break; empty without columns.
    ///
    /// Too wide a table loses the middles of its words (`…`) and then the ends of its numbers' titles. Numbers are never cut: where they do
    /// not fit, every row becomes a block of `title: cell` lines.
    /// - Parameter isTerminal: draws a solid rule under bold titles; false keeps to plain characters, for pipes and files.
    package func text(isTerminal: Bool = false, maximumWidth: Int = 100) -> String {
        guard !columns.isEmpty else { return "" }
        let titles = columns.map { $0.title.printable }
        let cells = rows.map { $0.map(\.printable) }
        let heading = caption.isEmpty ? "" : ReportSection.wrapped(caption.printable, width: maximumWidth)
        guard let widths = Self.fit(titles: titles, cells: cells, columns: columns, into: maximumWidth) else {
            return heading + blocks(titles: titles, cells: cells, maximumWidth: maximumWidth)
        }
        var lines = [line(titles, widths: widths)]
        if isTerminal { lines[0] = "\u{1B}[1m" + lines[0] + "\u{1B}[0m" }
        let rule = String(repeating: isTerminal ? "─" : "-", count: widths.reduce(Self.gap * (columns.count - 1), +))
        lines.append(rule)
        lines += cells.map { line($0, widths: widths) }
        return heading + lines.joined(separator: "\n") + "\n"
    }

    /// Columns that the table takes where there is room for all of it.
    package var naturalWidth: Int {
        columns.indices.reduce(Self.gap * (columns.count - 1)) { sum, column in
            sum + rows.reduce(columns[column].title.printable.displayWidth) { max($0, $1[column].printable.displayWidth) }
        }
    }

    private static let gap = 2
    private static let narrowest = 6

    /// Widths that fit with the gaps between them, or nil where that would cut numbers. The widest column always gives way first.
    private static func fit(titles: [String], cells: [[String]], columns: [Column], into maximumWidth: Int) -> [Int]? {
        let available = maximumWidth - gap * (columns.count - 1)
        let contents = columns.indices.map { column in cells.reduce(1) { max($0, $1[column].displayWidth) } }
        var widths = zip(titles, contents).map { max($0.displayWidth, $1) }
        for (floor, isWords) in [(18, true), (narrowest, false), (narrowest, true)] {
            while widths.reduce(0, +) > available {
                let candidates = widths.indices.filter { index in
                    (columns[index].alignment == .leading) == isWords && widths[index] > (isWords ? floor : max(floor, contents[index]))
                }
                guard let widest = candidates.max(by: { widths[$0] < widths[$1] }) else { break }
                widths[widest] -= 1
            }
        }
        return widths.reduce(0, +) <= available ? widths : nil
    }

    private func line(_ cells: [String], widths: [Int]) -> String {
        var line = ""
        for (index, cell) in cells.enumerated() {
            if index > 0 { line += String(repeating: " ", count: Self.gap) }
            let fitted = cell.shortened(toWidth: widths[index])
            let padding = String(repeating: " ", count: max(0, widths[index] - fitted.displayWidth))
            line += columns[index].alignment == .leading ? fitted + padding : padding + fitted
        }
        while line.last == " " { line.removeLast() }
        return line
    }

    private func blocks(titles: [String], cells: [[String]], maximumWidth: Int) -> String {
        cells.map { row in
            zip(titles, row).filter { !$1.isEmpty }.map { title, cell in
                let shortTitle = title.shortened(toWidth: max(Self.narrowest, maximumWidth - 2 - cell.displayWidth))
                return shortTitle + ": " + cell.shortened(toWidth: maximumWidth - 2 - shortTitle.displayWidth) + "\n"
            }.joined()
        }.joined(separator: "\n")
    }
}
