import Testing

@testable import Reporting

@Suite struct TextTableTests {
    @Test func wordsStandLeftAndNumbersRight() {
        let table = TextTable(columns: [.text("arm"), .number("count")], rows: [["none", "7"], ["twenty", "1,234"]])
        #expect(
            table.text() == """
                arm     count
                -------------
                none        7
                twenty  1,234

                """)
        #expect(table.text(isTerminal: true).contains("\u{1B}[1marm     count\u{1B}[0m\n─────────────\n"))
        #expect(!table.text().contains("\u{1B}"))
    }

    @Test(arguments: [1, 2, 5, 9, 16, 40]) func noLineIsWiderThanTheTerminal(columnCount: Int) {
        let columns = (0..<columnCount).map { $0 % 2 == 0 ? TextTable.Column.text("a column of words \($0)") : .number("number \($0)") }
        let rows = (0..<3).map { row in (0..<columnCount).map { String(repeating: "x", count: 1 + (row * 17 + $0 * 5) % 60) } }
        let table = TextTable(columns: columns, rows: rows)
        for line in table.text().split(separator: "\n") { #expect(line.displayWidth <= 100) }
        for line in table.text(maximumWidth: 60).split(separator: "\n") { #expect(line.displayWidth <= 60) }
        #expect(table.text().contains("x"))
    }

    @Test func wideCharactersTakeTwoColumns() {
        #expect("日本".displayWidth == 4)
        #expect("e\u{301}".displayWidth == 1)
        #expect("🛒".displayWidth == 2)
        #expect("日本語".fitted(toWidth: 5) == "日本…")
        #expect("日本語".fitted(toWidth: 4) == "日…")
        let lines = TextTable(columns: [.text("a"), .text("b")], rows: [["日本", "x"], ["ab", "x"]]).text().split(separator: "\n")
        #expect(lines[2] == "日本  x" && lines[3] == "ab    x")
    }

    @Test func controlCharactersCannotReachTheTerminal() {
        let table = TextTable(columns: [.text("arm")], rows: [["\u{1B}[31mred\u{7}\nnext\u{202E}"]])
        let text = table.text(isTerminal: false)
        #expect(
            !text.unicodeScalars.contains("\u{1B}") && !text.unicodeScalars.contains("\u{7}") && !text.unicodeScalars.contains("\u{202E}"))
        #expect(text.split(separator: "\n").count == 3)
    }

    @Test func progressNeverExceedsItsColumns() {
        let bar = ProgressBar(label: "Importing", unit: "rows", total: 20_000)
        #expect(bar.line(completed: 0, elapsedSeconds: 0).hasPrefix("Importing  ░"))
        #expect(bar.line(completed: 20_000, elapsedSeconds: 3).contains("████  100%  20,000/20,000 rows"))
        #expect(bar.line(completed: 5000, elapsedSeconds: 3).hasSuffix("9.0 s left"))
        #expect(bar.line(completed: 5000, elapsedSeconds: 3).contains("█") && bar.line(completed: 5000, elapsedSeconds: 3).contains("░"))
        for columns in [10, 40, 80, 200] {
            #expect(bar.line(completed: 12_345, elapsedSeconds: 9, columns: columns).displayWidth <= columns)
        }
        #expect(bar.plainLine(completed: 5000, elapsedSeconds: 3) == "Importing: 5,000 of 20,000 rows (25%), 3.0 s")
        let open = ProgressBar(label: "Reading", unit: "rows", total: nil)
        #expect(open.line(completed: 5000, elapsedSeconds: 2) == "Reading  5,000 rows  2,500/s")
    }
}
