/// The text of a YAML file as characters, to change single values in. It knows as much of YAML's grammar as plain values, flow lists and
/// block lists need; the caller reads the result again and judges.
struct YAMLSource {
    private var scalars: [Unicode.Scalar]

    init(_ text: String) { scalars = Array(text.unicodeScalars) }

    var text: String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    /// Puts another value in the place of an entry's.
    /// - Returns: false where its end cannot be found.
    mutating func replace(valueOf entry: YAMLNode.Entry, with value: String) -> Bool {
        guard let key = offset(of: entry.keyPlace) else { return false }
        switch entry.value.content {
        case .refused, .mapping: return false
        case .scalar(let old, _):
            // An empty value has no place of its own.
            guard !old.isEmpty, let start = offset(of: entry.value.place), let end = endOfScalar(from: start) else { return false }
            scalars.replaceSubrange(start..<end, with: value.unicodeScalars)
        case .sequence:
            guard let start = offset(of: entry.value.place) else { return false }
            if scalars[start] == "[" {
                guard let end = endOfFlow(from: start) else { return false }
                scalars.replaceSubrange(start..<end, with: value.unicodeScalars)
            } else {
                return replaceBlockList(of: entry, key: key, start: start, with: value)
            }
        }
        return true
    }

    /// Adds a line to a mapping: first in a block, last in a flow mapping.
    /// - Returns: false for an empty or missing mapping.
    mutating func insert(_ line: String, into mapping: YAMLNode) -> Bool {
        guard case .mapping(let entries) = mapping.content, let start = offset(of: mapping.place) else { return false }
        if scalars[start] == "{" {
            guard let end = endOfFlow(from: start) else { return false }
            var last = end - 1
            while last > start + 1, scalars[last - 1] == " " { last -= 1 }
            // A comma that is there already ends the last entry.
            let separator = entries.isEmpty || scalars[last - 1] == "," ? "" : ", "
            scalars.insert(contentsOf: (separator + line).unicodeScalars, at: last)
            return true
        }
        guard let first = entries.first, let key = offset(of: first.keyPlace) else { return false }
        let indent = String(repeating: " ", count: first.keyPlace.column - 1)
        // Only a first key with nothing but blanks before it has a line of its own.
        guard scalars[lineStart(of: key)..<key].allSatisfy({ $0 == " " }) else { return false }
        scalars.insert(contentsOf: (line + "\n" + indent).unicodeScalars, at: key)
        return true
    }

    /// A list of lines `- value`: the lines go, the value comes behind the key.
    private mutating func replaceBlockList(of entry: YAMLNode.Entry, key: Int, start: Int, with value: String) -> Bool {
        let indent = entry.keyPlace.column - 1
        var end = lineStart(of: start)
        var last = end
        // The list goes on while lines begin with a dash at its indentation or are further in; comments and blank lines belong to it only
        // where more of the list follows.
        let dash = start - lineStart(of: start)
        guard dash >= indent, lineStart(of: start) > key else { return false }
        while end < scalars.count {
            let stop = lineEnd(from: end)
            let first = scalars[end..<stop].firstIndex { $0 != " " } ?? stop
            let column = first - end
            let isBlank = first == stop || scalars[first] == "#" || scalars[first] == "\r"
            if !isBlank {
                guard column > dash || (column == dash && scalars[first] == "-") else { break }
                last = min(stop + 1, scalars.count)
            }
            end = min(stop + 1, scalars.count)
            if stop == scalars.count { break }
        }
        guard let colon = scalars[key..<lineEnd(from: key)].lastIndex(of: ":") ?? nil else { return false }
        // What stands between the key and the list (a comment) stays behind the value.
        let keyEnd = colonAfterKey(entry, from: key) ?? colon
        scalars.removeSubrange(lineStart(of: start)..<last)
        scalars.insert(contentsOf: (" " + value).unicodeScalars, at: keyEnd + 1)
        return true
    }

    private func colonAfterKey(_ entry: YAMLNode.Entry, from key: Int) -> Int? {
        let index = key + entry.key.unicodeScalars.count
        return index < scalars.count && scalars[index] == ":" ? index : nil
    }

    /// Behind a plain or quoted scalar that ends on its line.
    private func endOfScalar(from start: Int) -> Int? {
        if scalars[start] == "\"" || scalars[start] == "'" { return endOfQuoted(from: start) }
        guard scalars[start] != "|", scalars[start] != ">" else { return nil }
        var index = start
        while index < scalars.count {
            let scalar = scalars[index]
            if scalar == "\n" || scalar == "\r" || scalar == "," || scalar == "}" || scalar == "]" { break }
            if scalar == "#", index > start, scalars[index - 1] == " " { break }
            index += 1
        }
        while index > start, scalars[index - 1] == " " || scalars[index - 1] == "\t" { index -= 1 }
        return index > start ? index : nil
    }

    private func endOfQuoted(from start: Int) -> Int? {
        let quote = scalars[start]
        var index = start + 1
        while index < scalars.count {
            if quote == "\"", scalars[index] == "\\" {
                index += 2
                continue
            }
            if scalars[index] == quote {
                guard quote == "'", index + 1 < scalars.count, scalars[index + 1] == "'" else { return index + 1 }
                index += 1
            }
            index += 1
        }
        return nil
    }

    /// Behind the bracket or brace that closes the one at `start`.
    private func endOfFlow(from start: Int) -> Int? {
        var depth = 0
        var index = start
        while index < scalars.count {
            switch scalars[index] {
            case "[", "{": depth += 1
            case "]", "}":
                depth -= 1
                if depth == 0 { return index + 1 }
            case "\"", "'":
                // Inside of a word it is an apostrophe.
                if " [{,:\n".unicodeScalars.contains(scalars[index - 1]) {
                    guard let end = endOfQuoted(from: index) else { return nil }
                    index = end
                    continue
                }
            case "#":
                if scalars[index - 1] == " " || scalars[index - 1] == "\n" { index = lineEnd(from: index) - 1 }
            default: break
            }
            index += 1
        }
        return nil
    }

    private func lineStart(of index: Int) -> Int { scalars[..<index].lastIndex(of: "\n").map { $0 + 1 } ?? 0 }
    private func lineEnd(from index: Int) -> Int { scalars[index...].firstIndex(of: "\n") ?? scalars.count }

    private func offset(of place: Place) -> Int? {
        var index = scalars.first == "\u{feff}" ? 1 : 0
        for _ in 1..<max(1, place.line) {
            let end = lineEnd(from: index)
            guard end < scalars.count else { return nil }
            index = end + 1
        }
        let result = index + place.column - 1
        return result >= 0 && result < scalars.count ? result : nil
    }
}
