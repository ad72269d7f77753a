package import HaggleCore
import Tabular

/// One row of `haggle export`: an impression that was shown, with what followed.
///
/// As JSON an object with the fields in this order; as CSV the same columns, lists and the context as JSON. `propensities` is parallel to
/// `eligible_arms`; a log that knows only the chosen arm's has null for the others, one that knows none has null in place of the list.
package struct ExportedRow: Hashable, Sendable {
    package struct Event: Hashable, Sendable {
        package var id: ConversionID
        package var kind: String
        package var value: Double
        package var margin: Double?
        package var occurredAt: Timestamp

        package init(id: ConversionID, kind: String, value: Double, margin: Double? = nil, occurredAt: Timestamp) {
            self.id = id
            self.kind = kind
            self.value = value
            self.margin = margin
            self.occurredAt = occurredAt
        }
    }

    package static let fields = [
        "impression_id", "time", "unit", "experiment_version", "variant", "reason", "context", "eligible_arms", "arm", "propensities",
        "snapshot", "matured", "reward", "conversions",
    ]

    package var impressionID: ImpressionID
    package var time: Timestamp
    package var unit: UnitID?
    package var experimentVersion: ExperimentVersion
    package var variant: Variant
    package var reason: Reason
    package var context: Context
    package var eligibleArms: [ArmKey]
    package var arm: ArmKey
    /// One per eligible arm.
    package var propensities: [Double]?
    /// The chosen arm's.
    package var propensity: Double?
    package var snapshot: SnapshotVersion?
    package var matured: Bool
    package var reward: Double
    package var conversions: [Event]

    func write(to json: inout JSONWriter) throws {
        json.beginObject()
        json.field("impression_id", impressionID.description)
        json.field("time", time.description)
        json.field("unit", unit?.rawValue)
        json.key("experiment_version")
        json.number(experimentVersion.rawValue)
        json.field("variant", variant.description)
        json.field("reason", reason.rawValue)
        json.key("context")
        try context.write(to: &json)
        json.key("eligible_arms")
        writeEligible(to: &json)
        json.field("arm", arm.rawValue)
        json.key("propensities")
        writePropensities(to: &json)
        json.key("snapshot")
        if let snapshot { json.number(snapshot.rawValue) } else { json.null() }
        json.key("matured")
        json.boolean(matured)
        json.key("reward")
        json.number(reward)
        json.key("conversions")
        writeConversions(to: &json)
        json.endObject()
    }

    func write(to csv: inout CSVWriter) throws -> [UInt8] {
        func text(_ body: (inout JSONWriter) throws -> Void) rethrows -> String {
            var json = JSONWriter()
            try body(&json)
            return json.text
        }
        csv.field(impressionID.description)
        csv.field(time.description)
        csv.field(unit?.rawValue ?? "")
        csv.field(experimentVersion.rawValue)
        csv.field(variant.description)
        csv.field(reason.rawValue)
        csv.field(try text { try context.write(to: &$0) })
        csv.field(text { writeEligible(to: &$0) })
        csv.field(arm.rawValue)
        if propensity == nil && propensities == nil { csv.emptyField() } else { csv.field(text { writePropensities(to: &$0) }) }
        if let snapshot { csv.field(snapshot.rawValue) } else { csv.emptyField() }
        csv.field(matured ? "true" : "false")
        csv.field(reward)
        csv.field(text { writeConversions(to: &$0) })
        return csv.endRow()
    }

    private func writeEligible(to json: inout JSONWriter) {
        json.beginArray()
        for arm in eligibleArms { json.string(arm.rawValue) }
        json.endArray()
    }

    private func writePropensities(to json: inout JSONWriter) {
        guard propensities != nil || propensity != nil else { return json.null() }
        json.beginArray()
        for (index, eligible) in eligibleArms.enumerated() {
            if let propensities {
                json.number(propensities[index])
            } else if eligible == arm, let propensity {
                json.number(propensity)
            } else {
                json.null()
            }
        }
        json.endArray()
    }

    private func writeConversions(to json: inout JSONWriter) {
        json.beginArray()
        for event in conversions {
            json.beginObject()
            json.field("conversion_id", event.id.rawValue)
            json.field("kind", event.kind)
            json.field("value", event.value)
            if let margin = event.margin { json.field("margin", margin) }
            json.field("occurred_at", event.occurredAt.description)
            json.endObject()
        }
        json.endArray()
    }
}
