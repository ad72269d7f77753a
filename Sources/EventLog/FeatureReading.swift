import HaggleCore
import Tabular

/// How a column of text becomes values of a context.
enum FeatureReading: Hashable, Sendable {
    case number, boolean, text
    /// A JSON array of flat objects in one field.
    case events

    init(_ kind: Feature.Kind) {
        switch kind {
        case .number, .cycle: self = .number
        case .boolean: self = .boolean
        case .category, .hashedCategory: self = .text
        case .sequence: self = .events
        }
    }

    /// The field's value; nil where it is empty, which is missing.
    func value(at column: Int, in row: CSVRow, of reader: borrowing CSVReader) throws -> ContextValue? {
        if row.isEmpty(at: column) { return nil }
        switch self {
        case .number: return .number(try reader.number(at: column, in: row))
        case .text: return .text(row.string(at: column))
        case .events:
            var json = JSONScanner(Array(row.string(at: column).utf8), place: reader.place(of: column, in: row))
            let events = try Context.events(&json)
            try json.finish()
            return .events(events)
        case .boolean:
            guard let flag = Self.flag(row.string(at: column)) else {
                throw TabularError.badValue(
                    reader.place(of: column, in: row), expected: "true or false", found: row.string(at: column))
            }
            return .boolean(flag)
        }
    }

    static func flag(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "true", "t", "yes", "1": true
        case "false", "f", "no", "0": false
        default: nil
        }
    }
}

/// Finds out what a column of text holds, a value at a time.
struct ColumnProfile: Sendable {
    /// Different texts that are remembered; a column with more is no list of categories.
    private static let valueLimit = 64

    private var areNumbers = true
    private var areFlags = true
    private var hasMissing = false
    private var values: Set<String> = []
    private var isLong = false

    mutating func see(_ column: Int, of row: CSVRow) {
        guard !row.isEmpty(at: column) else { return hasMissing = true }
        if areNumbers, row.double(at: column)?.isFinite != true { areNumbers = false }
        if !isLong || areFlags {
            let text = row.string(at: column)
            if areFlags, text.lowercased() != "true", text.lowercased() != "false" { areFlags = false }
            if !isLong { values.insert(text) }
            if values.count > Self.valueLimit { isLong = true }
        }
    }

    /// A column without any value is read as text.
    var reading: FeatureReading {
        if values.isEmpty { return .text }
        return areNumbers ? .number : areFlags ? .boolean : .text
    }

    /// - Parameter isCategory: whether numbers are names here.
    func kind(isCategory: Bool = false) -> Feature.Kind {
        if !isCategory, reading == .number { return .number(missing: .median, clip: .none, transform: .identity, scale: .standard) }
        if !isCategory, reading == .boolean { return .boolean(missing: hasMissing ? nil : false) }
        if isLong || values.isEmpty { return .hashedCategory(buckets: 64, missing: nil) }
        let sorted = areNumbers ? values.sorted { (Double($0) ?? 0, $0) < (Double($1) ?? 0, $1) } : values.sorted()
        return .category(values: sorted, missing: nil)
    }
}
