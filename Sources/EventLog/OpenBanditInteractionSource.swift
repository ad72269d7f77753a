package import HaggleCore
import Tabular

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Interactions from a log of the Open Bandit Dataset (Saito, Aihara, Matsutani & Narita 2021), without a database.
///
/// A row is one place on the page: the arm is `item_id`, the reward `click`, and the propensity is that of the item at this place. So each place
/// is a decision of its own, with the place (`position`) as a feature of its context, and a policy to be evaluated may depend on it. To evaluate
/// one place by itself, as the dataset's authors do, name it in `position`.
package struct OpenBanditInteractionSource: InteractionSource {
    private let csv: CSVInteractionSource

    /// The log's file.
    package var path: String { csv.path }
    package var arms: [Arm] { csv.arms }
    /// Interactions of a pass.
    package var rowCount: Int { csv.rowCount }
    /// Rows of other positions, as `OTHER_POSITION`.
    package let excluded: [String: Int]

    /// - Parameters:
    ///   - path: a log, or a directory that holds one and perhaps the items (`item_context.csv`), whose ids are then arms although they may
    ///     never have been shown.
    ///   - position: only rows of this place on the page; by default all.
    ///   - arms: the arms and their order; by default the items in the order of their numbers.
    ///   - schema: how context columns are read; those that it does not name are texts, but for the affinities, which are numbers.
    /// - Throws: `TabularError`, `EventLogError`: the first thing that is wrong, with its place; `.noSingleLog` for a directory without a log or
    ///   with several.
    package init(path: String, position: Int? = nil, arms: [Arm]? = nil, schema: FeatureSchema = FeatureSchema()) throws {
        let files = try OpenBanditFiles(path: path)
        let reader = try CSVReader(path: files.log)
        let map = try OpenBanditImport.map(reader)
        let context = map.context ?? []
        let columns = CSVInteractionSource.Columns(
            arm: map.arm, propensity: map.propensity, reward: map.reward, time: map.time, context: context)
        var features = schema.features
        for name in context where schema[name] == nil && !name.contains("affinity") {
            features.append(Feature(name: name, kind: .hashedCategory(buckets: 64, missing: nil)))
        }
        csv = try CSVInteractionSource(
            path: files.log, columns: columns, arms: try arms ?? files.items()?.map { Arm(key: ArmKey($0)) },
            schema: FeatureSchema(features: features), only: position.map { ("position", String($0)) })
        excluded = csv.skippedCount > 0 ? ["OTHER_POSITION": csv.skippedCount] : [:]
    }

    package func interactions() -> CSVInteractionSource.Interactions { csv.interactions() }
}

/// The files of one log of the Open Bandit Dataset.
struct OpenBanditFiles {
    let log: String
    /// The table of items, if there is one.
    let itemTable: String?

    init(path: String) throws {
        guard let names = Self.list(path) else {
            log = path
            itemTable = nil
            return
        }
        let tables = names.filter { $0.hasSuffix(".csv") || $0.hasSuffix(".csv.gz") }.sorted().map { path + "/" + $0 }
        var logs: [String] = []
        var items: [String] = []
        for table in tables {
            let columns = Set(try CSVReader(path: table).columns)
            if columns.isSuperset(of: OpenBanditImport.needed) {
                logs.append(table)
            } else if columns.contains("item_id") {
                items.append(table)
            }
        }
        guard logs.count == 1 else { throw EventLogError.noSingleLog(directory: path, found: logs) }
        log = logs[0]
        itemTable = items.count == 1 ? items[0] : nil
    }

    /// The items' ids in the order of their numbers; nil without a table of items.
    func items() throws -> [String]? {
        guard let itemTable else { return nil }
        var reader = try CSVReader(path: itemTable)
        let column = try reader.index(of: "item_id")
        var ids: Set<String> = []
        while let row = try reader.next() { ids.insert(row.string(at: column)) }
        return InferredExperiment.sorted(ids)
    }

    /// The names of a directory's entries; nil for anything else.
    static func list(_ path: String) -> [String]? {
        guard let directory = unsafe opendir(path) else { return nil }
        // Open until the end of this function; an entry is copied before the next is asked for.
        defer { unsafe closedir(directory) }
        var names: [String] = []
        while let entry = unsafe readdir(directory) {
            names.append(
                unsafe withUnsafePointer(to: &entry.pointee.d_name) { name in
                    unsafe name.withMemoryRebound(to: CChar.self, capacity: 1) { unsafe String(cString: $0) }
                })
        }
        return names
    }
}
