/// PostgreSQL's text form of a one-dimensional array: `{a,"b \"c\"",NULL}`.
enum ArrayText {
    static func elements<Element: SQLDecodable>(of text: Span<UInt8>) -> [Element]? {
        guard text.count >= 2, text[0] == UInt8(ascii: "{"), text[text.count - 1] == UInt8(ascii: "}") else { return nil }
        let end = text.count - 1
        var elements: [Element] = []
        var unescaped: [UInt8] = []
        var position = 1
        while position < end {
            let next: Element?
            if text[position] == UInt8(ascii: "\"") {
                position += 1
                unescaped.removeAll(keepingCapacity: true)
                while position < end, text[position] != UInt8(ascii: "\"") {
                    if text[position] == UInt8(ascii: "\\") { position += 1 }
                    unescaped.append(text[position])
                    position += 1
                }
                position += 1
                next = Element(sqlText: unescaped.span)
            } else {
                let start = position
                while position < end, text[position] != UInt8(ascii: ",") {
                    if text[position] == UInt8(ascii: "{") { return nil }  // a second dimension
                    position += 1
                }
                let bare = text.extracting(start..<position)
                next = isNull(bare) ? Element.null : Element(sqlText: bare)
            }
            guard let next else { return nil }
            elements.append(next)
            guard position >= end || text[position] == UInt8(ascii: ",") else { return nil }
            position += 1
        }
        return elements
    }

    private static func isNull(_ text: Span<UInt8>) -> Bool {
        text.count == 4 && text[0] == UInt8(ascii: "N") && text[1] == UInt8(ascii: "U") && text[2] == UInt8(ascii: "L")
            && text[3] == UInt8(ascii: "L")
    }
}
