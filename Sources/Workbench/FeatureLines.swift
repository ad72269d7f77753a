import Features
import HaggleCore
import Tabular

/// Writes customers' features as lines of CSV (the history as JSON in one field, a missing number as an empty one) or NDJSON (missing numbers
/// left out).
struct FeatureLines {
    let columns: [String]
    let header: [UInt8]?
    private let format: FeatureBuild.Format
    private var csv: CSVWriter
    private var json = JSONWriter()

    init(_ features: PurchaseFeatures, format: FeatureBuild.Format) {
        columns = ["customer"] + features.columns.map(\.name) + (features.eventCount > 0 ? [PurchaseFeatures.historyName] : [])
        self.format = format
        csv = CSVWriter(columns: columns)
        header = format == .csv ? csv.header() : nil
    }

    mutating func line(customer: String, _ history: PurchaseHistory, _ features: PurchaseFeatures) throws -> [UInt8] {
        let values = features.values(of: history)
        json.removeAll()
        switch format {
        case .csv:
            csv.field(customer)
            for value in values { if let value { csv.field(value) } else { csv.emptyField() } }
            if features.eventCount > 0 {
                write(features.recentEvents(of: history))
                csv.field(json.text)
            }
            return csv.endRow()
        case .ndjson:
            json.beginObject()
            json.key("customer")
            json.string(customer)
            for (column, value) in zip(features.columns, values) {
                guard let value else { continue }
                json.key(column.name)
                json.number(value)
            }
            if features.eventCount > 0 {
                json.key(PurchaseFeatures.historyName)
                write(features.recentEvents(of: history))
            }
            json.endObject()
            json.endLine()
            return json.bytes
        }
    }

    private mutating func write(_ events: [[String: ContextValue]]) {
        json.beginArray()
        for event in events {
            json.beginObject()
            for name in ["days_ago", "amount", "category", "discount"] {
                switch event[name] {
                case .number(let value)?:
                    json.key(name)
                    json.number(value)
                case .text(let text)?:
                    json.key(name)
                    json.string(text)
                default: break
                }
            }
            json.endObject()
        }
        json.endArray()
    }
}
