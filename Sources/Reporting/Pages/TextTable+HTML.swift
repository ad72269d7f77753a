extension TextTable {
    /// The table as an HTML `<table>`, every cell escaped.
    func html() -> String {
        var markup = Markup()
        markup.element("table") { table in
            table.element("thead") { head in
                head.element("tr") { row in
                    for column in columns {
                        row.element("th", ["scope": "col", "class": Self.name(column.alignment)], text: column.title)
                    }
                }
            }
            table.element("tbody") { body in
                for cells in rows {
                    body.element("tr") { row in
                        for (column, cell) in zip(columns, cells) { row.element("td", ["class": Self.name(column.alignment)], text: cell) }
                    }
                }
            }
        }
        return markup.text
    }

    private static func name(_ alignment: Alignment) -> String { alignment == .trailing ? "n" : "w" }
}
