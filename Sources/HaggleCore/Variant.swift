/// A branch of the traffic: `policy`, `holdout`, `control`, or in an A/B experiment the arm's key.
///
/// An A/B arm may itself be called `control`; whether the split chose it or the unit was outside is told by the `Reason` beside it.
package struct Variant: Hashable, Sendable, LosslessStringConvertible {
    /// The word as it stands in JSON and SQL.
    package let description: String

    /// - Returns: nil for the empty string.
    package init?(_ description: String) {
        guard !description.isEmpty else { return nil }
        self.description = description
    }

    private init(named name: String) { description = name }

    /// The policy chose.
    package static let policy = Variant(named: "policy")
    /// The unit belongs to the holdout and is never given the policy.
    package static let holdout = Variant(named: "holdout")
    /// Control because not in traffic, not targeted, paused, ended or fallen back.
    package static let control = Variant(named: "control")
    /// In an A/B experiment: the arm's key.
    package static func arm(_ key: ArmKey) -> Variant { Variant(named: key.rawValue) }
}
