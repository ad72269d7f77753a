import HaggleCore
import Tabular

// Records as JSON, for `dead_letters`.

extension JSONWriter {
    mutating func field(_ name: String, _ text: String?) {
        key(name)
        if let text { string(text) } else { null() }
    }

    /// NaN and infinities, which JSON has not, become text, so that a refused record is kept as it was.
    mutating func field(_ name: String, _ value: Double?) {
        key(name)
        guard let value else { return null() }
        if value.isFinite { number(value) } else { string(value.description) }
    }
}

extension Impression {
    func deadLetter() -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.field("impression_id", id.description)
        json.field("experiment", experiment.rawValue)
        json.field("experiment_version", Double(experimentVersion.rawValue))
        json.field("unit", unit?.rawValue)
        json.field("variant", variant.description)
        json.field("reason", reason.rawValue)
        json.key("context")
        json.beginObject()
        json.fields(of: context)
        json.endObject()
        json.key("eligible_arms")
        json.beginArray()
        for arm in eligibleArms { json.string(arm.rawValue) }
        json.endArray()
        json.key("propensities")
        json.beginArray()
        for value in propensities ?? [] { if value.isFinite { json.number(value) } else { json.null() } }
        json.endArray()
        json.field("arm", arm.rawValue)
        json.field("propensity", propensity)
        json.field("snapshot", snapshot.map { Double($0.rawValue) })
        json.field("draw_key", drawKey)
        json.field("occurred_at", occurredAt.description)
        json.field("received_at", receivedAt.description)
        json.endObject()
        return json.bytes
    }
}

extension Conversion {
    func deadLetter() -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.field("conversion_id", id.rawValue)
        switch subject {
        case .impression(let id): json.field("impression_id", id.description)
        case .unit(let unit, let experiment):
            json.field("experiment", experiment.rawValue)
            json.field("unit", unit.rawValue)
        }
        json.field("kind", kind)
        json.field("value", value)
        json.field("margin", margin)
        json.field("occurred_at", occurredAt.description)
        json.field("received_at", receivedAt.description)
        json.endObject()
        return json.bytes
    }
}

extension JSONWriter {
    /// A context as it came: a number that is not finite becomes null.
    fileprivate mutating func fields(of context: Context) {
        for (name, value) in context.values.sorted(by: { $0.key < $1.key }) {
            switch value {
            case .number(let number): field(name, number)
            case .text(let text): field(name, text)
            case .boolean(let flag):
                key(name)
                boolean(flag)
            case .events(let events):
                key(name)
                beginArray()
                for event in events {
                    beginObject()
                    fields(of: Context(event))
                    endObject()
                }
                endArray()
            }
        }
    }
}
