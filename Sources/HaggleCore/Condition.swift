/// A targeting condition over a unit's context: the tree that GrowthBook's condition syntax denotes. `Experiments` parses and evaluates it.
package indirect enum Condition: Hashable, Sendable, Codable {
    case all([Condition])
    case any([Condition])
    case not(Condition)
    /// A test of one feature's value.
    case feature(String, Test)

    /// A test of a value that may be missing. Comparisons of a missing value, or of one of another type, are false; `notEqual` and `noneOf`
    /// negate `equal` and `oneOf` and are true then.
    package enum Test: Hashable, Sendable, Codable {
        case equal(ContextValue)
        case notEqual(ContextValue)
        case less(ContextValue)
        case lessOrEqual(ContextValue)
        case greater(ContextValue)
        case greaterOrEqual(ContextValue)
        case oneOf([ContextValue])
        case noneOf([ContextValue])
        case exists(Bool)
        /// An ICU-free regular expression, checked when the file is read.
        case matches(String)
    }

    /// The features that it reads.
    package var featureNames: Set<String> {
        switch self {
        case .all(let parts), .any(let parts): parts.reduce(into: []) { $0.formUnion($1.featureNames) }
        case .not(let part): part.featureNames
        case .feature(let name, _): [name]
        }
    }
}
