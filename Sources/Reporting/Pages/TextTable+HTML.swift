extension TextTable {
    /// The table as an HTML `<table>`, every cell escaped. The first column names its row where it holds words.
    /// - Parameter heading: the caption for those who do not see the heading above, where the table has none of its own.
    func html(heading: String) -> String {
        var markup = Markup()
        markup.element("table") { table in
            if caption.isEmpty {
                table.element("caption", ["class": "unseen"], text: heading)
            } else {
                table.element("caption", text: caption)
            }
            table.element("thead") { head in
                head.element("tr") { row in
                    for column in columns {
                        row.element("th", ["scope": "col", "class": Self.name(column.alignment)], text: column.title)
                    }
                }
            }
            table.element("tbody") { body in
                for cells in rows { body.element("tr") { row in write(cells, into: &row) } }
            }
        }
        return markup.text
    }

    private func write(_ cells: [String], into row: inout Markup) {
        for (index, (column, cell)) in zip(columns, cells).enumerated() {
            if index == 0 && column.alignment == .leading && !cell.isEmpty {
                row.element("th", ["scope": "row", "class": Self.name(column.alignment)], text: cell)
            } else {
                row.element("td", ["class": Self.name(column.alignment)], text: cell)
            }
        }
    }

    private static func name(_ alignment: Alignment) -> String { alignment == .trailing ? "n" : "w" }
}
