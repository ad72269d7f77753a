package import HaggleCore

/// A policy to evaluate, with the name that the report gives it.
package struct EvaluatedPolicy: Sendable {
    /// Where the target distribution of a row comes from.
    package enum Target: Sendable {
        /// Every row brings it (`EvaluationRow.targets`).
        case given
        /// The policy is asked for the row's context and eligible arms.
        case computed(any Policy)
        /// A table beside the log is asked for the row.
        case table(any TargetTable)
        /// The policy that made the log: all weights are 1.
        case logged
    }

    package let name: String
    package let target: Target

    package init(name: String, target: Target) {
        self.name = name
        self.target = target
    }

    /// A policy that is asked row by row.
    package init(_ name: String, _ policy: any Policy) { self.init(name: name, target: .computed(policy)) }

    /// The policy that made the log.
    package static let logged = EvaluatedPolicy(name: "logged", target: .logged)

    var isLogged: Bool { if case .logged = target { true } else { false } }
}
