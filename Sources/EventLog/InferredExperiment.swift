package import HaggleCore
import Tabular

/// What a log from elsewhere tells about the experiment it came from: enough to write an experiment file.
package struct InferredExperiment: Hashable, Sendable {
    package var key: ExperimentKey
    /// In natural order; exactly one is the control arm.
    package var arms: [Arm]
    package var features: FeatureSchema
    /// `value`: the imported reward as it is.
    package var metric: RewardConfiguration.Metric
    package var windowSeconds: Double
    /// Rows of the file.
    package var rowCount: Int

    /// Reads a CSV file as `map` says.
    package static func csv(path: String, map: ColumnMap, key: ExperimentKey, control: ArmKey? = nil) throws -> InferredExperiment {
        let reader = try CSVReader(path: path)
        let context = try map.contextColumns(of: reader.columns, schema: nil)
        return try infer(path: path, map: map, context: context, categories: [], key: key, control: control)
    }

    /// Reads a log of the Open Bandit Dataset.
    package static func openBandit(path: String, key: ExperimentKey, control: ArmKey? = nil) throws -> InferredExperiment {
        let map = try OpenBanditImport.map(try CSVReader(path: path))
        return try infer(
            path: path, map: map, context: map.context ?? [], categories: OpenBanditImport.categories, key: key, control: control)
    }

    /// Reads a log in Haggle's own format.
    package static func ndjson(path: String, key: ExperimentKey, control: ArmKey? = nil) async throws -> InferredExperiment {
        try await infer(NDJSONImport(path: path), key: key, control: control)
    }

    /// Reads a log in Vowpal Wabbit's dsjson.
    package static func dsjson(path: String, key: ExperimentKey, control: ArmKey? = nil) async throws -> InferredExperiment {
        try await infer(DSJSONImport(path: path), key: key, control: control)
    }

    private static func infer(_ source: some ImportSource, key: ExperimentKey, control: ArmKey?) async throws -> InferredExperiment {
        var arms: Set<String> = []
        var inference = SchemaInference()
        var rowCount = 0
        try await source.forEachRow { row in
            rowCount += 1
            arms.insert(row.arm.rawValue)
            for arm in row.eligibleArms ?? [] { arms.insert(arm.rawValue) }
            inference.see(row.context)
        }
        return InferredExperiment(
            key: key, arms: try list(arms, control: control), features: inference.schema, metric: .value,
            windowSeconds: 7 * 86_400, rowCount: rowCount)
    }

    private static func infer(
        path: String, map: ColumnMap, context: [String], categories: Set<String>, key: ExperimentKey, control: ArmKey?
    ) throws -> InferredExperiment {
        var reader = try CSVReader(path: path)
        let places = try CSVImport.Places(map, context: context, schema: FeatureSchema(), in: reader)
        var arms: Set<String> = []
        var profiles = [ColumnProfile](repeating: ColumnProfile(), count: context.count)
        var rowCount = 0
        while let row = try reader.next() {
            rowCount += 1
            switch places.arm {
            case .column(let column): arms.insert(row.string(at: column))
            case .constant(let arm): arms.insert(arm)
            }
            if let column = places.eligible { for arm in row.string(at: column).split(separator: "|") { arms.insert(String(arm)) } }
            for index in context.indices { profiles[index].see(places.context[index].column, of: row) }
        }
        let features = zip(context, profiles).map { Feature(name: $0, kind: $1.kind(isCategory: categories.contains($0))) }
        return InferredExperiment(
            key: key, arms: try list(arms, control: control), features: FeatureSchema(features: features), metric: .value,
            windowSeconds: 7 * 86_400, rowCount: rowCount)
    }

    /// The arms in natural order. Without a given control arm it is the one whose name says so, else the first.
    private static func list(_ arms: Set<String>, control: ArmKey?) throws -> [Arm] {
        let sorted = sorted(arms)
        if let control, !arms.contains(control.rawValue) {
            throw EventLogError.badMapValue(field: "control", value: control.rawValue, columns: sorted)
        }
        let telling = sorted.first { name in
            let words = name.lowercased().split { !$0.isLetter && !$0.isNumber }
            return words.contains { ["control", "none", "no", "nothing", "baseline"].contains($0) }
        }
        let chosen = control?.rawValue ?? telling ?? sorted.first
        return sorted.map { Arm(key: ArmKey($0), isControl: $0 == chosen) }
    }

    /// Numbers by value (`a2` before `a10`), other text by its bytes.
    static func sorted(_ names: Set<String>) -> [String] {
        func number(_ name: String) -> (String, Double)? {
            let digits = name.reversed().prefix { $0.isASCII && $0.isNumber }
            guard !digits.isEmpty, let value = Double(String(digits.reversed())) else { return nil }
            return (String(name.dropLast(digits.count)), value)
        }
        return names.sorted { left, right in
            if let a = number(left), let b = number(right), a.0 == b.0, a.1 != b.1 { return a.1 < b.1 }
            return left < right
        }
    }
}
