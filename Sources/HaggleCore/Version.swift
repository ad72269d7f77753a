/// A counter that starts at 1 and names one state of one kind of thing.
package struct Version<Tag>: RawRepresentable, Hashable, Sendable, Comparable, ExpressibleByIntegerLiteral, CustomStringConvertible {
    package let rawValue: Int

    package init(rawValue: Int) { self.rawValue = rawValue }
    package init(_ rawValue: Int) { self.rawValue = rawValue }
    package init(integerLiteral value: Int) { self.rawValue = value }

    /// The version after this one.
    package var next: Self { Self(rawValue + 1) }
    package var description: String { String(rawValue) }

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

extension Version: Codable {
    package init(from decoder: any Decoder) throws { rawValue = try decoder.singleValueContainer().decode(Int.self) }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}

/// Tags of the versions below; they hold nothing.
package enum VersionTag {
    package enum Experiment {}
    package enum Snapshot {}
}

/// Counts the applied states of one experiment's file.
package typealias ExperimentVersion = Version<VersionTag.Experiment>
/// Counts the serving snapshots of one experiment; 1 is the even prior.
package typealias SnapshotVersion = Version<VersionTag.Snapshot>
