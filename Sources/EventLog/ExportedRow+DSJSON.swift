import HaggleCore
import Tabular

extension ExportedRow {
    /// Appends the row as an event of Vowpal Wabbit's dsjson, which `vw --dsjson --cb_adf` reads. The article FileFormats has the table.
    /// - Parameter discounts: of arms that have one; a feature of the action.
    /// - Throws: `EventLogError.notExpressible` for a row without propensity and for a context that has a feature `_multi` or `_slots`;
    ///   `.notFinite`.
    func writeDSJSON(to json: inout JSONWriter, discounts: [ArmKey: Double]) throws {
        guard let propensity, let chosen = eligibleArms.firstIndex(of: arm) else {
            throw EventLogError.notExpressible(format: "dsjson", id: impressionID, reason: "it has no propensity")
        }
        for name in ["_multi", "_slots"] where context[name] != nil {
            throw EventLogError.notExpressible(format: "dsjson", id: impressionID, reason: "its context has a feature `\(name)`")
        }
        // The chosen action first, as the format wants it.
        let order = [chosen] + eligibleArms.indices.filter { $0 != chosen }
        json.beginObject()
        json.field("_label_cost", reward == 0 ? 0 : -reward)
        json.field("_label_probability", propensity)
        json.key("_label_Action")
        json.number(chosen + 1)
        json.key("_labelIndex")
        json.number(chosen)
        if reason != .policy {
            json.key("_skipLearn")
            json.boolean(true)
        }
        json.key("o")
        json.beginArray()
        for event in conversions {
            json.beginObject()
            json.field("v", event.value)
            json.field("EventId", event.id.rawValue)
            json.key("ActionTaken")
            json.boolean(false)
            json.endObject()
        }
        json.endArray()
        json.field("Timestamp", time.description)
        json.field("Version", "1")
        json.field("EventId", impressionID.description)
        json.key("a")
        json.beginArray()
        for index in order { json.number(index + 1) }
        json.endArray()
        json.key("c")
        try writeContext(to: &json, discounts: discounts)
        if let propensities {
            json.key("p")
            json.beginArray()
            for index in order { json.number(propensities[index]) }
            json.endArray()
        }
        json.key("VWState")
        json.beginObject()
        json.field("m", snapshot.map { "haggle/\($0.rawValue)" } ?? "N/A")
        json.endObject()
        json.endObject()
    }

    private func writeContext(to json: inout JSONWriter, discounts: [ArmKey: Double]) throws {
        json.beginObject()
        try context.writeFields(to: &json)
        json.key("_multi")
        json.beginArray()
        for arm in eligibleArms {
            json.beginObject()
            json.field("_tag", arm.rawValue)
            json.key("i")
            json.beginObject()
            json.field("id", arm.rawValue)
            if let discount = discounts[arm] { json.field("discount", discount) }
            json.endObject()
            json.endObject()
        }
        json.endArray()
        json.endObject()
    }
}
