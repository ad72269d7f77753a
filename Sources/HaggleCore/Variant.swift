/// A branch of the traffic.
package enum Variant: Hashable, Sendable {
    /// The policy chose.
    case policy
    /// The unit belongs to the holdout and is never given the policy.
    case holdout
    /// Control because not in traffic, not targeted, paused, ended or fallen back.
    case control
    /// In an A/B experiment: the arm's key.
    case arm(ArmKey)
}

extension Variant: LosslessStringConvertible {
    package var description: String {
        switch self {
        case .policy: "policy"
        case .holdout: "holdout"
        case .control: "control"
        case .arm(let key): "arm:\(key)"
        }
    }

    package init?(_ description: String) {
        switch description {
        case "policy": self = .policy
        case "holdout": self = .holdout
        case "control": self = .control
        default:
            guard description.hasPrefix("arm:") else { return nil }
            self = .arm(ArmKey(String(description.dropFirst(4))))
        }
    }
}
