package import HaggleCore

/// An evaluator for each value of what the log is split by.
///
/// At most 30 values are told apart, the first ones in alphabetical order; rows of all others share `(other)`. That depends on the set of
/// values alone, so the tables of the parts of a log merge into the table of the whole.
struct SegmentTable: Sendable {
    /// What the rows of a segment have in common.
    enum Key: Hashable, Sendable {
        case value(String)
        /// A value beyond the limit.
        case other
        case missing

        /// As the report names it.
        var name: String {
            switch self {
            case .value(let value): value
            case .other: "(other)"
            case .missing: "(missing)"
            }
        }
    }

    static let limit = 30

    private var parts: [Key: Evaluator] = [:]
    /// The values in `parts`, ascending.
    private var values: [String] = []
    /// One evaluator without rows, not split further (an array, because an evaluator may hold a table like this).
    private let empty: [Evaluator]

    init(empty: Evaluator) { self.empty = [empty] }

    /// Restores a table; nil where it could not have come about.
    init?(empty: Evaluator, parts: [(key: Key, evaluator: Evaluator)]) {
        self.init(empty: empty)
        for (key, evaluator) in parts {
            guard self.parts.updateValue(evaluator, forKey: key) == nil else { return nil }
            if case .value(let value) = key { values.append(value) }
        }
        values.sort()
        guard values.count <= Self.limit, self.parts[.other] == nil || values.count == Self.limit else { return nil }
    }

    /// The evaluator that parts start from.
    var template: Evaluator { empty[0] }

    /// A table of the same set-up without rows.
    var emptied: Self { Self(empty: empty[0]) }

    /// Every segment in the order of the report: values in alphabetical order, then the others, then rows without a value.
    var sorted: [(key: Key, evaluator: Evaluator)] {
        (values.map(Key.value) + [.other, .missing]).compactMap { key in parts[key].map { (key, $0) } }
    }

    /// Adds a row that was checked.
    /// - Parameter number: of the row in the whole log.
    mutating func add(_ row: EvaluationRow, row number: Int) throws {
        let key = place(of: row.segment)
        parts[key]?.nextRow = number
        try parts[key]?.addRow(row)
        flushIfFull(key)
    }

    /// Adds a row of columns that was checked.
    mutating func add(_ index: Int, of columns: EvaluationColumns, row number: Int) throws {
        let key = place(of: columns.segments?[index])
        parts[key]?.nextRow = number
        try parts[key]?.addRow(index, of: columns)
        flushIfFull(key)
    }

    /// Adds another table without rows that wait.
    mutating func merge(_ other: Self) {
        for (key, theirs) in other.sorted {
            if parts[key] == nil {
                parts[key] = theirs
                if case .value(let value) = key { insert(value) }
            } else {
                parts[key]?.absorb(theirs)
            }
        }
        while values.count > Self.limit { pushOut() }
    }

    /// Moves the rows that wait into the sums.
    mutating func flush() { for key in parts.keys { parts[key]?.flushSerially() } }

    private mutating func flushIfFull(_ key: Key) { if parts[key]?.pending.isFull ?? false { parts[key]?.flushSerially() } }

    /// The segment of a value; makes it where there is none.
    private mutating func place(of value: String?) -> Key {
        guard let value else {
            if parts[.missing] == nil { parts[.missing] = empty[0] }
            return .missing
        }
        if parts[.value(value)] != nil { return .value(value) }
        // Beyond the limit the value that is last in order goes to the others, be it the new one.
        if values.count == Self.limit {
            if parts[.other] == nil { parts[.other] = empty[0] }
            guard let last = values.last, value < last else { return .other }
            pushOut()
        }
        parts[.value(value)] = empty[0]
        insert(value)
        return .value(value)
    }

    private mutating func insert(_ value: String) {
        let place = values.firstIndex { value < $0 } ?? values.count
        values.insert(value, at: place)
    }

    /// Moves the last value's rows to the others.
    private mutating func pushOut() {
        guard let last = values.popLast(), var part = parts.removeValue(forKey: .value(last)) else { return }
        part.flushSerially()
        if parts[.other] == nil { parts[.other] = empty[0] }
        parts[.other]?.absorb(part)
    }
}

extension ContextValue {
    /// The value as the name of a segment: whole numbers without a fraction.
    package var segmentName: String {
        switch self {
        case .text(let text): text
        case .boolean(let flag): flag ? "true" : "false"
        case .events(let events): "\(events.count) events"
        case .number(let number): Int64(exactly: number).map { "\($0)" } ?? "\(number)"
        }
    }
}
