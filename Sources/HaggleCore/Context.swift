/// What is known about the unit at the moment of choice: feature name to value.
///
/// A null or absent feature is missing; encoders impute it. Names beyond the experiment's schema are kept in the log and ignored by the
/// encoder.
package struct Context: Hashable, Sendable, ExpressibleByDictionaryLiteral {
    /// The values by feature name.
    package var values: [String: ContextValue]

    package init(_ values: [String: ContextValue] = [:]) { self.values = values }
    package init(dictionaryLiteral elements: (String, ContextValue)...) {
        values = Dictionary(elements) { _, last in last }
    }

    /// The value of one feature, or nil where it is missing.
    package subscript(name: String) -> ContextValue? {
        get { values[name] }
        set { values[name] = newValue }
    }
}

extension Context: Codable {
    package init(from decoder: any Decoder) throws {
        let read = try decoder.singleValueContainer().decode([String: ContextValue?].self)
        values = read.compactMapValues { $0 }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(values)
    }
}
