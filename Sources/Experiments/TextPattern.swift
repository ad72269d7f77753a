/// A regular expression that is matched in time proportional to the text, whatever the expression: no backtracking, so that a careless
/// pattern such as `(a+)+$` cannot stop the request path (Thompson 1968; Pike's simulation of the automaton, with sets of states).
///
/// The syntax is the part of Perl's that has this property and that targeting needs: literals, `.`, `[...]` and `[^...]` with ranges, `\d \w \s`
/// and their complements (ASCII), `^` and `$` (the ends of the text), groups `(...)` and `(?:...)`, `|`, and `* + ? {n} {n,} {n,m}`. Matching is by
/// Unicode scalars, case-sensitive unless the pattern begins with `(?i)` (ASCII letters), and finds the pattern anywhere in the text.
package struct TextPattern: Hashable, Sendable {
    /// What is wrong with a pattern, with the position of the offending character counted from 1.
    package struct SyntaxError: Error, Hashable, CustomStringConvertible {
        package enum Fault: Hashable, Sendable {
            case tooLong(limit: Int)
            case tooComplex(limit: Int)
            case nothingToRepeat
            case unclosed(String)
            case unexpected(String)
            case unsupportedEscape(String)
            case unsupportedGroup
            case badRange
            case badCount
            case tooDeep
        }

        package var fault: Fault
        package var position: Int

        package var description: String {
            let what =
                switch fault {
                case .tooLong(let limit): "the pattern has more than \(limit) characters"
                case .tooComplex(let limit): "the pattern expands to more than \(limit) steps; use smaller repetition counts"
                case .nothingToRepeat: "there is nothing to repeat"
                case .unclosed(let opening): "'\(opening)' is not closed"
                case .unexpected(let character): "'\(character)' has no partner; write \\\(character) for the character itself"
                case .unsupportedEscape(let escape): "'\\\(escape)' is not supported"
                case .unsupportedGroup: "only (...) and (?:...) groups are supported, and (?i) at the beginning"
                case .badRange: "the range of characters runs backwards or ends in a class"
                case .badCount: "expected a repetition such as {2}, {2,} or {2,5} with at most 1000"
                case .tooDeep: "groups are nested too deeply"
                }
            return "not a supported regular expression: \(what) (character \(position) of the pattern)"
        }
    }

    /// Longest pattern in characters.
    package static let lengthLimit = 1000
    /// Longest text that can match, in characters; a longer text does not match, so that work per request stays bounded.
    package static let textLimit = 4096
    fileprivate static let stepLimit = 2000

    /// One step of the automaton.
    fileprivate enum Step: Hashable, Sendable {
        case take(CharacterSet)
        case fork(Int, Int)
        case jump(Int)
        case assertStart
        case assertEnd
        case match
    }

    fileprivate struct CharacterSet: Hashable, Sendable {
        var ranges: [ClosedRange<UInt32>]
        var isInverted = false

        func contains(_ scalar: UInt32) -> Bool { ranges.contains { $0.contains(scalar) } != isInverted }
    }

    private let steps: [Step]
    private let ignoresCase: Bool

    package init(_ pattern: String) throws(SyntaxError) {
        var compiler = Compiler(pattern: Array(pattern.unicodeScalars))
        steps = try compiler.compile()
        ignoresCase = compiler.ignoresCase
    }

    /// Whether the pattern occurs in the text. Complexity: O(length of the text * steps of the pattern).
    package func matches(_ text: String) -> Bool {
        let scalars = text.unicodeScalars.prefix(Self.textLimit + 1).map(\.value)
        guard scalars.count <= Self.textLimit else { return false }
        var current = StateSet(count: steps.count)
        var next = StateSet(count: steps.count)
        for position in 0...scalars.count {
            // A match may begin at every position: the pattern is searched, not anchored.
            if add(0, to: &current, position: position, end: scalars.count) { return true }
            guard position < scalars.count else { break }
            next.removeAll()
            for state in current.members {
                guard case .take(let set) = steps[state], accepts(set, scalars[position]) else { continue }
                if add(state + 1, to: &next, position: position + 1, end: scalars.count) { return true }
            }
            swap(&current, &next)
        }
        return false
    }

    private func accepts(_ set: CharacterSet, _ scalar: UInt32) -> Bool {
        guard ignoresCase, let other = Self.otherCase(scalar) else { return set.contains(scalar) }
        if set.isInverted { return set.contains(scalar) && set.contains(other) }
        return set.contains(scalar) || set.contains(other)
    }

    private static func otherCase(_ scalar: UInt32) -> UInt32? {
        switch scalar {
        case 65...90: scalar + 32
        case 97...122: scalar - 32
        default: nil
        }
    }

    /// Follows the steps that take no character. Returns whether the end of the pattern was reached.
    private func add(_ start: Int, to set: inout StateSet, position: Int, end: Int) -> Bool {
        var pending = [start]
        while let state = pending.popLast() {
            guard set.insert(state) else { continue }
            switch steps[state] {
            case .take: break
            case .match: return true
            case .jump(let target): pending.append(target)
            case .fork(let first, let second): pending += [second, first]
            case .assertStart: if position == 0 { pending.append(state + 1) }
            case .assertEnd: if position == end { pending.append(state + 1) }
            }
        }
        return false
    }

    /// States of the automaton without repetition, emptied in time proportional to its members.
    private struct StateSet {
        private(set) var members: [Int] = []
        private var isMember: [Bool]

        init(count: Int) { isMember = [Bool](repeating: false, count: count) }

        mutating func insert(_ state: Int) -> Bool {
            guard !isMember[state] else { return false }
            isMember[state] = true
            members.append(state)
            return true
        }

        mutating func removeAll() {
            for state in members { isMember[state] = false }
            members.removeAll(keepingCapacity: true)
        }
    }
}

/// From the pattern's text to the automaton's steps, by recursive descent.
private struct Compiler {
    typealias Step = TextPattern.Step
    typealias SyntaxError = TextPattern.SyntaxError

    let pattern: [Unicode.Scalar]
    var position = 0
    var depth = 0
    var ignoresCase = false

    init(pattern: [Unicode.Scalar]) { self.pattern = pattern }

    mutating func compile() throws(SyntaxError) -> [Step] {
        guard pattern.count <= TextPattern.lengthLimit else {
            throw fail(.tooLong(limit: TextPattern.lengthLimit), at: TextPattern.lengthLimit)
        }
        if pattern.starts(with: "(?i)".unicodeScalars) {
            ignoresCase = true
            position = 4
        }
        let steps = try alternatives()
        if position < pattern.count { throw fail(.unexpected(String(pattern[position])), at: position) }
        return steps + [.match]
    }

    private func fail(_ fault: SyntaxError.Fault, at position: Int) -> SyntaxError { SyntaxError(fault: fault, position: position + 1) }

    private var next: Unicode.Scalar? { position < pattern.count ? pattern[position] : nil }

    /// Fragments hold targets relative to their own beginning; `shifted` moves them to where they are put.
    private func shifted(_ steps: [Step], by offset: Int) -> [Step] {
        steps.map { step in
            switch step {
            case .fork(let first, let second): .fork(first + offset, second + offset)
            case .jump(let target): .jump(target + offset)
            default: step
            }
        }
    }

    private mutating func alternatives() throws(SyntaxError) -> [Step] {
        let left = try sequence()
        guard next == "|" else { return left }
        position += 1
        let right = try alternatives()
        var result: [Step] = [.fork(1, left.count + 2)]
        result += shifted(left, by: 1)
        result.append(.jump(left.count + 2 + right.count))
        result += shifted(right, by: left.count + 2)
        return try checked(result)
    }

    private mutating func sequence() throws(SyntaxError) -> [Step] {
        var result: [Step] = []
        while let character = next, character != "|", character != ")" {
            let piece = try repetition()
            result += shifted(piece, by: result.count)
            result = try checked(result)
        }
        return result
    }

    private func checked(_ steps: [Step]) throws(SyntaxError) -> [Step] {
        guard steps.count < TextPattern.stepLimit else { throw fail(.tooComplex(limit: TextPattern.stepLimit), at: max(0, position - 1)) }
        return steps
    }

    private mutating func repetition() throws(SyntaxError) -> [Step] {
        var piece = try atom()
        while let character = next {
            let start = position
            let counts: (least: Int, most: Int?)
            switch character {
            case "*": counts = (0, nil)
            case "+": counts = (1, nil)
            case "?": counts = (0, 1)
            case "{": counts = try braces()
            default: return piece
            }
            if character != "{" { position += 1 }
            // A question mark behind a repetition makes it lazy, which changes what is captured and not whether it matches.
            if next == "?" { position += 1 }
            guard piece.count * (max(counts.least, counts.most ?? 0) + 1) < TextPattern.stepLimit else {
                throw fail(.tooComplex(limit: TextPattern.stepLimit), at: start)
            }
            piece = repeated(piece, least: counts.least, most: counts.most)
        }
        return piece
    }

    private func repeated(_ piece: [Step], least: Int, most: Int?) -> [Step] {
        var result: [Step] = []
        for _ in 0..<least { result += shifted(piece, by: result.count) }
        if let most {
            for _ in least..<max(least, most) {
                let start = result.count
                result.append(.fork(start + 1, start + 1 + piece.count))
                result += shifted(piece, by: start + 1)
            }
        } else {
            let start = result.count
            result.append(.fork(start + 1, start + piece.count + 2))
            result += shifted(piece, by: start + 1)
            result.append(.jump(start))
        }
        return result
    }

    private mutating func braces() throws(SyntaxError) -> (least: Int, most: Int?) {
        let start = position
        position += 1
        guard let least = number() else { throw fail(.badCount, at: start) }
        var most: Int? = least
        if next == "," {
            position += 1
            most = number()
            if most == nil, next != "}" { throw fail(.badCount, at: start) }
        }
        guard next == "}", least <= 1000, most ?? least <= 1000, most ?? least >= least else { throw fail(.badCount, at: start) }
        position += 1
        return (least, most)
    }

    private mutating func number() -> Int? {
        var value: Int?
        while let digit = next, ("0"..."9").contains(digit), value ?? 0 < 10_000 {
            value = (value ?? 0) * 10 + Int(digit.value - 48)
            position += 1
        }
        return value
    }

    private mutating func atom() throws(SyntaxError) -> [Step] {
        let start = position
        let character = pattern[position]
        position += 1
        switch character {
        case "(":
            if next == "?" {
                guard position + 1 < pattern.count, pattern[position + 1] == ":" else { throw fail(.unsupportedGroup, at: start) }
                position += 2
            }
            depth += 1
            guard depth <= 50 else { throw fail(.tooDeep, at: start) }
            let inside = try alternatives()
            guard next == ")" else { throw fail(.unclosed("("), at: start) }
            position += 1
            depth -= 1
            return inside
        case "[": return [.take(try characterClass(from: start))]
        case ".": return [.take(.init(ranges: [10...10], isInverted: true))]
        case "^": return [.assertStart]
        case "$": return [.assertEnd]
        case "*", "+", "?", "{": throw fail(.nothingToRepeat, at: start)
        case "\\": return [.take(try escape(from: start))]
        default: return [.take(.init(ranges: [character.value...character.value]))]
        }
    }

    private mutating func escape(from start: Int) throws(SyntaxError) -> TextPattern.CharacterSet {
        guard let character = next else { throw fail(.unclosed("\\"), at: start) }
        position += 1
        switch character {
        case "d": return .init(ranges: [48...57])
        case "D": return .init(ranges: [48...57], isInverted: true)
        case "w": return .init(ranges: [48...57, 65...90, 95...95, 97...122])
        case "W": return .init(ranges: [48...57, 65...90, 95...95, 97...122], isInverted: true)
        case "s": return .init(ranges: [9...13, 32...32])
        case "S": return .init(ranges: [9...13, 32...32], isInverted: true)
        case "n": return .init(ranges: [10...10])
        case "r": return .init(ranges: [13...13])
        case "t": return .init(ranges: [9...9])
        default:
            let isLetterOrDigit = ("0"..."9").contains(character) || ("a"..."z").contains(character) || ("A"..."Z").contains(character)
            guard !isLetterOrDigit else { throw fail(.unsupportedEscape(String(character)), at: start) }
            return .init(ranges: [character.value...character.value])
        }
    }

    private mutating func characterClass(from start: Int) throws(SyntaxError) -> TextPattern.CharacterSet {
        var set = TextPattern.CharacterSet(ranges: [])
        if next == "^" {
            set.isInverted = true
            position += 1
        }
        var isFirst = true
        while let character = next, character != "]" || isFirst {
            isFirst = false
            let low = try classMember(from: start)
            guard next == "-", position + 1 < pattern.count, pattern[position + 1] != "]" else {
                set.ranges += low
                continue
            }
            let dash = position
            position += 1
            let high = try classMember(from: start)
            guard low.count == 1, high.count == 1, low[0].count == 1, high[0].count == 1, low[0].lowerBound <= high[0].lowerBound else {
                throw fail(.badRange, at: dash)
            }
            set.ranges.append(low[0].lowerBound...high[0].lowerBound)
        }
        guard next == "]" else { throw fail(.unclosed("["), at: start) }
        position += 1
        return set
    }

    /// A character or an escape inside `[...]`, as ranges. A complement becomes the ranges between its parts.
    private mutating func classMember(from start: Int) throws(SyntaxError) -> [ClosedRange<UInt32>] {
        guard let character = next else { throw fail(.unclosed("["), at: start) }
        position += 1
        guard character == "\\" else { return [character.value...character.value] }
        let set = try escape(from: position - 1)
        guard set.isInverted else { return set.ranges }
        var result: [ClosedRange<UInt32>] = []
        var lower: UInt32 = 0
        for range in set.ranges {
            if range.lowerBound > lower { result.append(lower...range.lowerBound - 1) }
            lower = range.upperBound + 1
        }
        result.append(lower...0x10ffff)
        return result
    }
}
