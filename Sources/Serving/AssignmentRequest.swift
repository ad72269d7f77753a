package import HaggleCore

/// "Which arm for this unit now?", checked at the edge: eligible arms are positions that exist, ascending, not empty.
package struct AssignmentRequest: Hashable, Sendable {
    package var unit: UnitID
    package var context: Context
    /// Nil means all arms.
    package var eligible: [Int]?
    /// The client's id of this request: the draw key if given, so that servers on the same snapshot and context answer alike.
    package var requestID: String?

    package init(unit: UnitID, context: Context, eligible: [Int]? = nil, requestID: String? = nil) {
        self.unit = unit
        self.context = context
        self.eligible = eligible
        self.requestID = requestID
    }
}
