package import HaggleCore
import Tabular

/// Logs in files, whatever their format.
package enum LogFile {
    /// What a file holds.
    package enum Format: String, Hashable, Sendable, CaseIterable {
        case csv, ndjson, dsjson
        case openBandit = "open-bandit"

        /// By the name's end, with or without `.gz`: `.csv`, `.ndjson` or `.jsonl`, `.dsjson`; a directory is one of the Open Bandit Dataset.
        /// - Throws: `EventLogError.unknownFormat` for any other name.
        package init(path: String) throws {
            let name = path.hasSuffix(".gz") ? path.dropLast(3) : path[...]
            if OpenBanditFiles.list(path) != nil {
                self = .openBandit
            } else if name.hasSuffix(".csv") {
                self = .csv
            } else if name.hasSuffix(".ndjson") || name.hasSuffix(".jsonl") {
                self = .ndjson
            } else if name.hasSuffix(".dsjson") {
                self = .dsjson
            } else {
                throw EventLogError.unknownFormat(path: path)
            }
        }
    }

    /// Opens a log and looks through the whole of it.
    /// - Parameters:
    ///   - format: by default what the name says.
    ///   - columns: of a CSV file; the other formats name their fields.
    ///   - arms: the arms and their order; by default those of the file in the order of their names.
    ///   - schema: how context columns of CSV are read; its time features come from the rows' times where a row lacks them.
    /// - Throws: `TabularError`, `EventLogError`: the first thing that is wrong with the file, with its place.
    package static func open(
        path: String, format: Format? = nil, columns: CSVInteractionSource.Columns = .init(), arms: [Arm]? = nil,
        schema: FeatureSchema = FeatureSchema()
    ) throws -> any InteractionSource {
        switch try format ?? Format(path: path) {
        case .csv: try CSVInteractionSource(path: path, columns: columns, arms: arms, schema: schema)
        case .ndjson: try NDJSONInteractionSource(path: path, arms: arms, schema: schema)
        case .dsjson: try DSJSONInteractionSource(path: path, arms: arms, schema: schema)
        case .openBandit: try OpenBanditInteractionSource(path: path, arms: arms, schema: schema)
        }
    }

    /// Opens a log of the past to learn from. Of a CSV file are read `arm` and `reward`, `propensity`, `unit` and `time` where it has them, and the
    /// columns named like features of the schema.
    /// - Throws: as `open`.
    package static func history(path: String, schema: FeatureSchema) throws -> any InteractionSource {
        guard try Format(path: path) == .csv else { return try open(path: path, schema: schema) }
        let header = Set(try CSVReader(path: path).columns)
        func column(_ name: String) -> String? { header.contains(name) ? name : nil }
        let columns = CSVInteractionSource.Columns(
            propensity: column("propensity"), unit: column("unit"), time: column("time"),
            context: schema.features.map(\.name).filter(header.contains))
        return try open(path: path, format: .csv, columns: columns, schema: schema)
    }
}
