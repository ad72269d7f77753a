import Yams

/// Reads the text of one file into a tree with places, or says why it cannot.
///
/// What YAML offers beyond plain trees is refused, because a reader of the file would have to expand it in the head: anchors and aliases,
/// merge keys, explicit tags, several documents, keys that are not text, the same key twice. The refusals also bound the work: no file of the
/// allowed size can make this slow or deep.
enum YAMLDocument {
    /// 1 MiB; a large experiment file has 20 kB.
    static let byteLimit = 1 << 20
    /// Levels of nesting.
    static let depthLimit = 64
    /// Yams hashes keys with their aliases expanded, so the number of aliases bounds an exponential: 32 of them expand to under 200 000 nodes.
    private static let aliasLimit = 32
    /// Duplicate keys that are found in one run: each costs one more pass over the text, so a large file gets fewer.
    private static func duplicateLimit(byteCount: Int) -> Int { max(1, min(20, byteLimit / max(1, byteCount))) }

    /// - Returns: nil where the text is not YAML at all; problems say so. Otherwise what could be read, with problems for the rest.
    static func read(_ text: String, problems: ProblemList) -> YAMLNode? {
        guard text.utf8.count <= byteLimit else {
            problems.report(sizeMessage(text.utf8.count), at: .start)
            return nil
        }
        // A byte order mark is no part of the text; libyaml would take it for a letter.
        let text = text.unicodeScalars.first == "\u{feff}" ? String(text.unicodeScalars.dropFirst()) : text
        if let (place, scalar) = firstControlCharacter(in: text) {
            problems.report(
                "character U+\(String(scalar.value, radix: 16, uppercase: true)) is not allowed in a YAML file; remove it", at: place)
            return nil
        }
        if let place = placeBeyondAliasLimit(in: text) {
            problems.report(
                "more than \(aliasLimit) YAML aliases; write the values out, anchors and aliases are not allowed here", at: place)
            return nil
        }
        var repair = DuplicateKeyRepair(text: text, limit: duplicateLimit(byteCount: text.utf8.count))
        while true {
            do {
                // The parser must outlive the conversion: it owns the anchors that the nodes refer to weakly.
                // The resolver without rules leaves the meaning of plain scalars to us.
                let parser = try Parser(yaml: repair.text, resolver: .basic, encoding: .utf8)
                let root = try parser.singleRoot()
                return withExtendedLifetime(parser) { () -> YAMLNode? in
                    guard let root else {
                        problems.report("the file is empty", at: .start)
                        return nil
                    }
                    return Conversion(problems: problems, repair: repair).convert(root, depth: 0)
                }
            } catch YamlError.duplicatedKeysInMapping(let names, let context) {
                guard let name = names.first else { return nil }
                let place = Place(line: context.mark.line, column: context.mark.column)
                if !repair.rename(name, at: place) {
                    problems.report("the key '\(YAMLNode.shortened(name))' stands more than once in this mapping", at: place)
                    return nil
                }
            } catch {
                report(error, problems: problems)
                return nil
            }
        }
    }

    private static func report(_ error: any Error, problems: ProblemList) {
        switch error {
        case YamlError.scanner(let context, let problem, let mark, _), YamlError.parser(let context, let problem, let mark, _),
            YamlError.composer(let context, let problem, let mark, _):
            let place = Place(line: max(1, mark.line), column: max(1, mark.column))
            let around = context.map { " \($0.text) (line \($0.mark.line), column \($0.mark.column)):" } ?? ""
            problems.report("not valid YAML:\(around) \(problem)", at: place)
        case YamlError.reader(let problem, _, _, _):
            problems.report("not valid YAML: \(problem)", at: .start)
        default:
            problems.report("not valid YAML", at: .start)
        }
    }

    private static func firstControlCharacter(in text: String) -> (Place, Unicode.Scalar)? {
        var place = Place.start
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x0a: place = Place(line: place.line + 1, column: 0)
            case 0x00...0x08, 0x0b, 0x0c, 0x0e...0x1f, 0x7f...0x84, 0x86...0x9f, 0xfffe, 0xffff: return (place, scalar)
            default: break
            }
            place.column += 1
        }
        return nil
    }

    /// Counts what may be an alias: `*name` behind a blank, an opening or a line break of any alphabet, before a blank or a closing. Comments and
    /// text count too, because what ends them is the parser's business; so many stars before words are rare there.
    private static func placeBeyondAliasLimit(in text: String) -> Place? {
        var place = Place(line: 1, column: 0)
        var before = UInt8(ascii: "\n")
        var candidate: Place?
        var hasName = false
        var count = 0
        for byte in text.utf8 {
            // Columns are counted in scalars: only the first byte of each counts.
            if byte & 0xc0 != 0x80 { place.column += 1 }
            if let found = candidate {
                if isNameByte(byte) {
                    hasName = true
                } else {
                    if hasName, byte >= 0x80 || " \t\r\n,]}:?".utf8.contains(byte) {
                        count += 1
                        if count > aliasLimit { return found }
                    }
                    candidate = nil
                }
            }
            if byte == UInt8(ascii: "*"), before >= 0x80 || " \t\r\n[{,:".utf8.contains(before) { (candidate, hasName) = (place, false) }
            if byte == UInt8(ascii: "\n") { place = Place(line: place.line + 1, column: 0) }
            before = byte
        }
        return nil
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        (97...122).contains(byte) || (65...90).contains(byte) || (48...57).contains(byte) || byte == UInt8(ascii: "-")
            || byte == UInt8(ascii: "_")
    }
}

/// Yams refuses a mapping with a key twice and so would hide every other problem of the file. This replaces the first of the two in the text
/// by as many characters of the private use area, so that the file can be read on with all places intact, and remembers the name.
private struct DuplicateKeyRepair {
    private(set) var text: String
    private var scalars: [Unicode.Scalar]
    private var names: [String] = []
    private let limit: Int
    private let isPossible: Bool
    private static let firstStandIn: UInt32 = 0xe000

    init(text: String, limit: Int) {
        self.text = text
        self.limit = limit
        scalars = Array(text.unicodeScalars)
        isPossible = !scalars.contains { $0.value >= Self.firstStandIn && $0.value < Self.firstStandIn + UInt32(limit) }
    }

    /// - Returns: whether the key could be found and replaced.
    mutating func rename(_ name: String, at place: Place) -> Bool {
        guard isPossible, names.count < limit, !name.isEmpty, let standIn = Unicode.Scalar(Self.firstStandIn + UInt32(names.count)),
            var start = offset(of: place)
        else { return false }
        if start < scalars.count, scalars[start] == "\"" || scalars[start] == "'" { start += 1 }
        let wanted = Array(name.unicodeScalars)
        guard start + wanted.count <= scalars.count, Array(scalars[start..<start + wanted.count]) == wanted else { return false }
        for index in start..<start + wanted.count { scalars[index] = standIn }
        names.append(name)
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        text = String(view)
        return true
    }

    /// The name that stood in the file, for a key that was replaced; any other key itself.
    func original(of key: String) -> String {
        guard let first = key.unicodeScalars.first, first.value >= Self.firstStandIn else { return key }
        let index = Int(first.value - Self.firstStandIn)
        return index < names.count ? names[index] : key
    }

    private func offset(of place: Place) -> Int? {
        var line = 1
        var index = 0
        while line < place.line {
            guard index < scalars.count else { return nil }
            // What libyaml counts as the end of a line.
            switch scalars[index] {
            case "\r":
                line += 1
                if index + 1 < scalars.count, scalars[index + 1] == "\n" { index += 1 }
            case "\n", "\u{85}", "\u{2028}", "\u{2029}": line += 1
            default: break
            }
            index += 1
        }
        return index + place.column - 1
    }
}

/// From Yams' nodes to ours, refusing what is not a plain tree.
private struct Conversion {
    let problems: ProblemList
    let repair: DuplicateKeyRepair

    func convert(_ node: Node, depth: Int) -> YAMLNode {
        let place = node.mark.map { Place(line: $0.line, column: $0.column) } ?? .start
        // An alias comes as a copy of the node that has the anchor. Not looking inside keeps the walk linear in the size of the file.
        if let anchor = node.anchor {
            problems.report(
                "anchors and aliases (&\(YAMLNode.shortened(anchor.rawValue))) are not allowed here; write the value out", at: place)
            return YAMLNode(place: place, content: .refused)
        }
        guard depth < YAMLDocument.depthLimit else {
            problems.report("nested more than \(YAMLDocument.depthLimit) levels deep", at: place)
            return YAMLNode(place: place, content: .refused)
        }
        switch node {
        case .scalar(let scalar):
            let isPlain = scalar.style == .plain || scalar.style == .any
            guard !isPlain || scalar.tag.rawValue.isEmpty else { return refuseTag(scalar.tag, at: place) }
            guard !scalar.string.unicodeScalars.contains("\0") else {
                problems.report("text must not contain the character U+0000", at: place)
                return YAMLNode(place: place, content: .refused)
            }
            return YAMLNode(place: place, content: .scalar(scalar.string, isPlain: isPlain))
        case .sequence(let sequence):
            guard ["", "tag:yaml.org,2002:seq"].contains(sequence.tag.rawValue) else { return refuseTag(sequence.tag, at: place) }
            return YAMLNode(place: place, content: .sequence(sequence.map { convert($0, depth: depth + 1) }))
        case .mapping(let mapping):
            guard ["", "tag:yaml.org,2002:map"].contains(mapping.tag.rawValue) else { return refuseTag(mapping.tag, at: place) }
            return YAMLNode(place: place, content: .mapping(entries(of: mapping, depth: depth)))
        case .alias:
            problems.report("aliases are not allowed here; write the value out", at: place)
            return YAMLNode(place: place, content: .refused)
        }
    }

    private func entries(of mapping: Node.Mapping, depth: Int) -> [YAMLNode.Entry] {
        var entries: [YAMLNode.Entry] = []
        var lines: [String: Int] = [:]
        for (key, value) in mapping {
            let place = key.mark.map { Place(line: $0.line, column: $0.column) } ?? .start
            guard case .scalar(let scalar) = key, key.anchor == nil else {
                problems.report("a key must be a single word or text, without anchors", at: place)
                continue
            }
            if scalar.string == "<<", scalar.style == .plain {
                problems.report("merge keys (<<) are not allowed here; write the values out", at: place)
                continue
            }
            guard !scalar.string.unicodeScalars.contains("\0") else {
                problems.report("text must not contain the character U+0000", at: place)
                continue
            }
            let name = repair.original(of: scalar.string)
            if let first = lines[name] {
                problems.report("duplicate key '\(YAMLNode.shortened(name))', already given in line \(first)", at: place)
                continue
            }
            lines[name] = place.line
            entries.append(YAMLNode.Entry(key: name, keyPlace: place, value: convert(value, depth: depth + 1)))
        }
        return entries
    }

    private func refuseTag(_ tag: Tag, at place: Place) -> YAMLNode {
        problems.report("YAML tags (\(YAMLNode.shortened(tag.rawValue))) are not allowed here; remove the tag", at: place)
        return YAMLNode(place: place, content: .refused)
    }
}

extension YAMLDocument {
    /// A problem with the bytes themselves, before there is text.
    struct ByteProblem: Error { var problem: Problem }

    /// A file's bytes as text.
    static func text(_ bytes: [UInt8], file: String) -> Result<String, ByteProblem> {
        guard bytes.count <= byteLimit else {
            return .failure(ByteProblem(problem: Problem(file: file, line: 1, column: 1, message: sizeMessage(bytes.count))))
        }
        if let text = String(validating: bytes, as: UTF8.self) { return .success(text) }
        // The first byte that does not decode is where the repaired text differs.
        var place = Place.start
        for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
            if scalar == "\u{fffd}" { break }
            place = scalar == "\n" ? Place(line: place.line + 1, column: 1) : Place(line: place.line, column: place.column + 1)
        }
        return .failure(
            ByteProblem(problem: Problem(file: file, line: place.line, column: place.column, message: "the file is not UTF-8 text")))
    }

    static func sizeMessage(_ count: Int) -> String {
        "the file has \(count) bytes; it may have at most \(byteLimit) (1 MiB)"
    }
}
