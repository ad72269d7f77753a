/// Why an assignment is what it is. Only `POLICY` enters learning and off-policy evaluation.
package enum Reason: String, Sendable, Hashable, CaseIterable, Codable {
    /// The policy (or the A/B split) chose.
    case policy = "POLICY"
    /// The unit belongs to the holdout.
    case holdout = "HOLDOUT"
    /// The unit is outside the experiment's share of traffic or its slot of a namespace.
    case notInTraffic = "NOT_IN_TRAFFIC"
    /// The targeting conditions exclude the unit.
    case notTargeted = "NOT_TARGETED"
    /// The experiment is paused, by its file or by the kill switch.
    case paused = "PAUSED"
    /// The experiment is a draft or its start lies ahead.
    case notStarted = "NOT_STARTED"
    /// The experiment is stopped or its end has passed.
    case ended = "ENDED"
    /// No serving snapshot could be loaded.
    case noSnapshot = "NO_SNAPSHOT"
    /// The policy failed; the unit got control (or the first eligible arm).
    case fallback = "FALLBACK"
    /// The unit keeps the arm it was promised.
    case held = "HELD"
    /// A price promise could not be looked up.
    case holdUnverified = "HOLD_UNVERIFIED"
}
