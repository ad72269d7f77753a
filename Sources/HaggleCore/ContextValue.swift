/// One thing known about a unit at the moment of choice, as it was sent. A value that is missing is absent from the `Context`.
package enum ContextValue: Hashable, Sendable {
    /// Finite; the edges refuse NaN and infinities.
    case number(Double)
    case boolean(Bool)
    case text(String)
    /// Past events, oldest first: the value of a `sequence` feature. An event holds numbers and texts by field name.
    case events([[String: ContextValue]])
}

extension ContextValue: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let value = try? container.decode(Bool.self) {
            self = .boolean(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .text(value)
        } else {
            self = .events(try container.decode([[String: ContextValue]].self))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .number(let value):
            if let whole = Int64(exactly: value), abs(value) < 9e15 { try container.encode(whole) } else { try container.encode(value) }
        case .boolean(let value): try container.encode(value)
        case .text(let value): try container.encode(value)
        case .events(let value): try container.encode(value)
        }
    }
}

extension ContextValue: ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral, ExpressibleByStringLiteral {
    package init(floatLiteral value: Double) { self = .number(value) }
    package init(integerLiteral value: Int) { self = .number(Double(value)) }
    package init(booleanLiteral value: Bool) { self = .boolean(value) }
    package init(stringLiteral value: String) { self = .text(value) }
}
