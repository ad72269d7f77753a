import HaggleCore
import Tabular

/// Rows of Haggle's own export as NDJSON. `matured` and fields it does not know are read past; `reward` stands in where there are no
/// `conversions`. Needed are `arm` and one of those two.
package struct NDJSONImport: ImportSource {
    package let path: String

    package init(path: String) { self.path = path }

    package func forEachRow(_ body: (ImportedRow) async throws -> Void) async throws {
        var reader = try NDJSONReader(path: path)
        while var json = try reader.next() { try await body(try Self.row(&json, place: reader.place)) }
    }

    static func row(_ json: inout JSONScanner, place: FilePlace) throws -> ImportedRow {
        var row = ImportedRow(arm: "", result: .reward(0), place: place)
        var events: [ExportedRow.Event]?
        var propensities: [Double?]?
        var hasArm = false
        try json.beginObject()
        while let field = try json.nextKey() {
            // Null is the same as leaving a field out.
            if json.takeNull() { continue }
            switch field {
            case "impression_id":
                guard let id = ImpressionID(try json.string()) else { throw json.error("a UUID") }
                row.id = id
            case "time": row.time = try time(&json)
            case "unit": row.unit = UnitID(try json.string())
            case "experiment_version": row.experimentVersion = ExperimentVersion(try json.integer())
            case "variant":
                guard let variant = Variant(try json.string()) else { throw json.error("policy, holdout, control or arm:KEY") }
                row.variant = variant
            case "reason":
                guard let reason = Reason(rawValue: try json.string()) else { throw json.error("a reason such as POLICY") }
                row.reason = reason
            case "context": row.context = try Context(reading: &json)
            case "eligible_arms":
                var arms: [ArmKey] = []
                try json.beginArray()
                while try json.nextElement() { arms.append(ArmKey(try json.string())) }
                row.eligibleArms = arms
            case "arm":
                row.arm = ArmKey(try json.string())
                hasArm = true
            case "propensities":
                var values: [Double?] = []
                try json.beginArray()
                while try json.nextElement() { values.append(json.takeNull() ? nil : try json.number()) }
                propensities = values
            case "snapshot": row.snapshot = SnapshotVersion(try json.integer())
            case "reward": row.statedReward = try json.number()
            case "conversions":
                var list: [ExportedRow.Event] = []
                try json.beginArray()
                while try json.nextElement() { list.append(try event(&json)) }
                events = list
            default: try json.skip()
            }
        }
        try json.finish()
        guard hasArm else { throw json.error("a field `arm`") }
        if let events {
            row.result = .events(events)
        } else if let reward = row.statedReward {
            row.result = .reward(reward)
        } else {
            throw json.error("a field `conversions` or `reward`")
        }
        if let propensities { try row.take(propensities) }
        return row
    }

    private static func event(_ json: inout JSONScanner) throws -> ExportedRow.Event {
        var id: String?
        var kind = "conversion"
        var value: Double?
        var margin: Double?
        var occurredAt: Timestamp?
        try json.beginObject()
        while let field = try json.nextKey() {
            if json.takeNull() { continue }
            switch field {
            case "conversion_id": id = try json.string()
            case "kind": kind = try json.string()
            case "value": value = try json.number()
            case "margin": margin = try json.number()
            case "occurred_at": occurredAt = try time(&json)
            default: try json.skip()
            }
        }
        guard let id, !id.isEmpty, let value, let occurredAt else {
            throw json.error("a conversion with `conversion_id`, `value` and `occurred_at`")
        }
        return ExportedRow.Event(id: ConversionID(id), kind: kind, value: value, margin: margin, occurredAt: occurredAt)
    }

    private static func time(_ json: inout JSONScanner) throws -> Timestamp {
        guard let time = Timestamp(try json.string()) else { throw json.error("a time such as 2026-11-01T00:00:00Z") }
        return time
    }
}

extension ImportedRow {
    /// Takes the list of propensities: parallel to the eligible arms, with null where the log does not say.
    fileprivate mutating func take(_ list: [Double?]) throws {
        guard let eligibleArms else {
            throw EventLogError.wrongPropensityCount(place, expected: 0, found: list.count)
        }
        guard list.count == eligibleArms.count else {
            throw EventLogError.wrongPropensityCount(place, expected: eligibleArms.count, found: list.count)
        }
        let known = list.compactMap(\.self)
        if known.count == list.count { propensities = known }
        if let index = eligibleArms.firstIndex(of: arm), let value = list[index] { propensity = value }
        for value in known where value < 0 || value > 1 { throw EventLogError.propensityOutOfRange(place, found: value) }
    }
}
