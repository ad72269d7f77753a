/// One event that follows a visit.
package struct SimulatedConversion: Hashable, Sendable {
    package enum Kind: String, Hashable, Sendable, CaseIterable { case purchase, refund }

    package var kind: Kind
    /// Amount paid, in whole cents; negative for a refund.
    package var value: Double
    /// Days of the shop's calendar from the impression to the event.
    package var delayDays: Double

    package init(kind: Kind, value: Double, delayDays: Double) {
        self.kind = kind
        self.value = value
        self.delayDays = delayDays
    }
}
