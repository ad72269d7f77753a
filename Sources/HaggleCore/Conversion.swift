/// An event after an impression with a signed value: a purchase, a refund, a click.
package struct Conversion: Hashable, Sendable {
    /// What the event belongs to.
    package enum Subject: Hashable, Sendable {
        /// The impression itself.
        case impression(ImpressionID)
        /// The latest counted impression of that experiment for that unit, inside the attribution window.
        case unit(UnitID, ExperimentKey)
    }

    /// Chosen by the client; the same id again changes nothing.
    package var id: ConversionID
    package var subject: Subject
    /// What happened, in the shop's words: `purchase`, `refund`, ...
    package var kind: String
    /// For a purchase, the amount paid in the experiment's currency; negative for a refund. Finite.
    package var value: Double
    /// The margin of this event where the shop knows it; it wins over the one computed from `value`.
    package var margin: Double?
    package var occurredAt: Timestamp
    package var receivedAt: Timestamp

    package init(
        id: ConversionID, subject: Subject, kind: String, value: Double, margin: Double? = nil, occurredAt: Timestamp, receivedAt: Timestamp
    ) {
        self.id = id
        self.subject = subject
        self.kind = kind
        self.value = value
        self.margin = margin
        self.occurredAt = occurredAt
        self.receivedAt = receivedAt
    }
}
