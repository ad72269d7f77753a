package import HaggleCore
import Tabular

/// A log of the Open Bandit Dataset (Saito, Aihara, Matsutani & Narita 2021): one recommended item a row, `click` its reward.
///
/// The arm is `item_id`. The position on the page and the user's hashed features are categories; affinities of user and item are numbers.
package struct OpenBanditImport: ImportSource {
    package let path: String
    private let csv: CSVImport

    package init(path: String, schema: FeatureSchema) throws {
        self.path = path
        let reader = try CSVReader(path: path)
        csv = try CSVImport(path: path, map: try Self.map(reader), schema: schema)
    }

    package func forEachRow(_ body: (ImportedRow) async throws -> Void) async throws { try await csv.forEachRow(body) }

    /// The map for a file of this format.
    /// - Throws: `TabularError.missingColumn` for anything else.
    static func map(_ reader: borrowing CSVReader) throws -> ColumnMap {
        for name in needed { _ = try reader.index(of: name) }
        let features = reader.columns.filter {
            $0.hasPrefix("user_feature_") || $0.hasPrefix("user-item_affinity_") || $0.hasPrefix("user_item_affinity_")
        }
        return ColumnMap(
            arm: "item_id", reward: "click", time: "timestamp", propensity: "propensity_score", context: ["position"] + features)
    }

    /// Columns by which such a log is known.
    static let needed = ["timestamp", "item_id", "position", "click", "propensity_score"]

    /// Numbers that are names.
    static let categories: Set<String> = ["position"]
}
