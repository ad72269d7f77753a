/// A statement whose interpolated values are bound as parameters: `"SELECT * FROM impressions WHERE unit = \(unit)"`.
///
/// A value never becomes part of the text. What must, needs a label: `\(identifier: table)` is quoted, `\(raw: text)` is trusted as it is,
/// `\(fragment: condition)` puts in another statement with its parameters.
package struct SQL: Sendable, ExpressibleByStringInterpolation {
    /// The text between the parameters: one piece more than there are parameters.
    private(set) var pieces: [String]
    private(set) var bindings: [SQLBinding]

    package init(stringLiteral value: String) {
        pieces = [value]
        bindings = []
    }

    package init(stringInterpolation: StringInterpolation) { self = stringInterpolation.sql }

    /// Text that the program itself wrote: never anything that came from outside.
    package init(raw text: String) { self.init(stringLiteral: text) }

    /// The text with `$1`, `$2`, ... where the parameters stand.
    package var text: String {
        guard pieces.count > 1 else { return pieces[0] }
        var text = pieces[0]
        for index in 1..<pieces.count { text += "$\(index)" + pieces[index] }
        return text
    }

    package static func += (left: inout SQL, right: SQL) {
        left.pieces[left.pieces.count - 1] += right.pieces[0]
        left.pieces += right.pieces.dropFirst()
        left.bindings += right.bindings
    }

    package static func + (left: SQL, right: SQL) -> SQL {
        var sum = left
        sum += right
        return sum
    }
}

extension SQL: CustomStringConvertible, CustomDebugStringConvertible {
    /// The text alone, so that a logged statement never shows a customer's data.
    package var description: String { text }
    package var debugDescription: String { text }
}

extension SQL {
    package struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var sql = SQL(raw: "")

        package init(literalCapacity: Int, interpolationCount: Int) {}

        package mutating func appendLiteral(_ literal: String) { sql.pieces[sql.pieces.count - 1] += literal }

        package mutating func appendInterpolation(_ value: some SQLParameter) { bind(value.sqlBinding) }

        package mutating func appendInterpolation<Value: SQLParameter>(_ value: Value?) { bind(value?.sqlBinding ?? Value.sqlNull) }

        /// Identifiers and enumerations bind as their raw values.
        package mutating func appendInterpolation<Value: RawRepresentable>(_ value: Value) where Value.RawValue: SQLParameter {
            bind(value.rawValue.sqlBinding)
        }

        package mutating func appendInterpolation<Value: RawRepresentable>(_ value: Value?) where Value.RawValue: SQLParameter {
            bind(value?.rawValue.sqlBinding ?? Value.RawValue.sqlNull)
        }

        package mutating func appendInterpolation<Value: RawRepresentable>(_ values: [Value]) where Value.RawValue: SQLElement {
            bind(values.map(\.rawValue).sqlBinding)
        }

        package mutating func appendInterpolation<Value: RawRepresentable>(_ values: [Value?]) where Value.RawValue: SQLElement {
            bind(values.map { $0?.rawValue }.sqlBinding)
        }

        /// Microseconds since 1970 as a `timestamptz`.
        package mutating func appendInterpolation(microseconds value: Int64) { bind(Instant(microseconds: value).sqlBinding) }
        package mutating func appendInterpolation(microseconds value: Int64?) {
            bind(value.map { Instant(microseconds: $0).sqlBinding } ?? Instant.sqlNull)
        }

        /// JSON text as `jsonb`.
        package mutating func appendInterpolation(json text: String) { bind(JSONText(text).sqlBinding) }
        package mutating func appendInterpolation(json text: String?) { bind(text.map { JSONText($0).sqlBinding } ?? JSONText.sqlNull) }
        package mutating func appendInterpolation(json texts: [String]) { bind(texts.map { JSONText($0) }.sqlBinding) }
        package mutating func appendInterpolation(json texts: [String?]) { bind(texts.map { $0.map { JSONText($0) } }.sqlBinding) }

        /// Text that the program itself wrote: never anything that came from outside.
        package mutating func appendInterpolation(raw text: String) { appendLiteral(text) }

        /// Text as a quoted constant, for statements that take no parameters, such as COPY. Others take the value as it is.
        package mutating func appendInterpolation(literal text: String) {
            // The form with escapes means the same whatever `standard_conforming_strings` says. U+0000, which text cannot hold, is refused.
            var quoted = "E'"
            for scalar in text.unicodeScalars {
                switch scalar {
                case "'": quoted += "''"
                case "\\": quoted += "\\\\"
                case "\0": quoted += "\\000"
                default: quoted.unicodeScalars.append(scalar)
                }
            }
            appendLiteral(quoted + "'")
        }

        /// A name, quoted.
        package mutating func appendInterpolation(identifier name: String) {
            appendLiteral("\"" + name.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\"")
        }

        package mutating func appendInterpolation(fragment: SQL) { sql += fragment }

        private mutating func bind(_ binding: SQLBinding) {
            sql.bindings.append(binding)
            sql.pieces.append("")
        }
    }
}
