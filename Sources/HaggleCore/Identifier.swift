/// A string that names one kind of thing, so that a unit's id cannot stand where an arm's key belongs.
///
/// `Tag` is never instantiated. Identifiers compare as their UTF-8 bytes do.
package struct Identifier<Tag>: RawRepresentable, Hashable, Sendable, Comparable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The identifier as it stands in files, JSON and SQL.
    package let rawValue: String

    package init(rawValue: String) { self.rawValue = rawValue }
    package init(_ rawValue: String) { self.rawValue = rawValue }
    package init(stringLiteral value: String) { self.rawValue = value }

    package var description: String { rawValue }

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

extension Identifier: Codable {
    package init(from decoder: any Decoder) throws { rawValue = try decoder.singleValueContainer().decode(String.self) }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}

/// Tags of the identifiers below; they hold nothing.
package enum IdentifierTag {
    package enum Experiment {}
    package enum Arm {}
    package enum Unit {}
    package enum Conversion {}
}

/// An experiment's key: lower-case letters, digits and `-`.
package typealias ExperimentKey = Identifier<IdentifierTag.Experiment>
/// An arm's key, unique within its experiment.
package typealias ArmKey = Identifier<IdentifierTag.Arm>
/// Who is randomised, normally a customer.
package typealias UnitID = Identifier<IdentifierTag.Unit>
/// The id a client chose for a conversion; sending it again changes nothing.
package typealias ConversionID = Identifier<IdentifierTag.Conversion>
