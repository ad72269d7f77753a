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

    package var columns: [Column]
    package private(set) var rows: [[String]]

    package init(columns: [Column], rows: [[String]] = []) {
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
    /// Too wide a table loses the ends of its word columns (`…`), then of all columns; where that would leave less than 6 characters of each,
    /// every row becomes a block of `title: cell` lines.
    /// - Parameter isTerminal: draws a solid rule under bold titles; false keeps to plain characters, for pipes and files.
    package func text(isTerminal: Bool = false, maximumWidth: Int = 100) -> String {
        guard !columns.isEmpty else { return "" }
        let titles = columns.map { $0.title.printable }
        let cells = rows.map { $0.map(\.printable) }
        let natural = columns.indices.map { column in
            cells.reduce(max(1, titles[column].displayWidth)) { max($0, $1[column].displayWidth) }
        }
        guard let widths = Self.fit(natural, columns: columns, into: maximumWidth - Self.gap * (columns.count - 1)) else {
            return blocks(titles: titles, cells: cells, maximumWidth: maximumWidth)
        }
        var lines = [line(titles, widths: widths)]
        if isTerminal { lines[0] = "\u{1B}[1m" + lines[0] + "\u{1B}[0m" }
        let rule = String(repeating: isTerminal ? "─" : "-", count: widths.reduce(Self.gap * (columns.count - 1), +))
        lines.append(rule)
        lines += cells.map { line($0, widths: widths) }
        return lines.joined(separator: "\n") + "\n"
    }

    private static let gap = 2
    private static let narrowest = 6

    /// Widths whose sum is at most `available`, or nil where that would be unreadable. Word columns give way first, the widest always first.
    private static func fit(_ natural: [Int], columns: [Column], into available: Int) -> [Int]? {
        var widths = natural
        for floor in [14, narrowest] {
            for isWords in [true, false] {
                while widths.reduce(0, +) > available {
                    let candidates = widths.indices.filter { widths[$0] > floor && (columns[$0].alignment == .leading) == isWords }
                    guard let widest = candidates.max(by: { widths[$0] < widths[$1] }) else { break }
                    widths[widest] -= 1
                }
            }
        }
        return widths.reduce(0, +) <= available ? widths : nil
    }

    private func line(_ cells: [String], widths: [Int]) -> String {
        var line = ""
        for (index, cell) in cells.enumerated() {
            if index > 0 { line += String(repeating: " ", count: Self.gap) }
            let fitted = cell.fitted(toWidth: widths[index])
            let padding = String(repeating: " ", count: max(0, widths[index] - fitted.displayWidth))
            line += columns[index].alignment == .leading ? fitted + padding : padding + fitted
        }
        while line.last == " " { line.removeLast() }
        return line
    }

    private func blocks(titles: [String], cells: [[String]], maximumWidth: Int) -> String {
        cells.map { row in
            zip(titles, row).map { ($0 + ": " + $1).fitted(toWidth: maximumWidth) + "\n" }.joined()
        }.joined(separator: "\n")
    }
}
