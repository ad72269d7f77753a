/// One option of an experiment: a discount level, or any other treatment when the metric is not `margin`.
package struct Arm: Hashable, Sendable, Codable {
    /// Unique within the experiment.
    package var key: ArmKey
    /// Share of the list price taken off, in 0...1 (`0.10` is 10 % off); nil for an arm that is not a discount.
    package var discount: Double?
    /// Whether this is the arm to fall back to. Exactly one arm of an experiment is.
    package var isControl: Bool
    /// Passed through to the client unread.
    package var payload: JSONValue?
    /// Share of the units in an A/B experiment; shares sum to 1. Nil in a bandit experiment.
    package var weight: Double?

    package init(key: ArmKey, discount: Double? = nil, isControl: Bool = false, payload: JSONValue? = nil, weight: Double? = nil) {
        self.key = key
        self.discount = discount
        self.isControl = isControl
        self.payload = payload
        self.weight = weight
    }
}
