package import HaggleCore
import Tabular

/// Where the fields of an imported row come from: `arm=segment,reward=spend,unit=customer,propensity=1/3`.
///
/// A value is the name of a column, or a constant where the file has no such column: an arm's key, a number, a fraction. `context=a|b|c`
/// names the context columns; without it, every feature of the experiment that is a column is read (with `--create`: every column that
/// nothing else uses). `ignore=a|b` leaves columns out of that.
package struct ColumnMap: Hashable, Sendable {
    package static let fieldNames = ["arm", "reward", "unit", "time", "propensity", "eligible", "context", "ignore"]

    package var arm: String
    package var reward: String
    package var unit: String?
    package var time: String?
    package var propensity: String?
    package var eligible: String?
    package var context: [String]?
    package var ignored: [String]

    package init(
        arm: String = "arm", reward: String = "reward", unit: String? = nil, time: String? = nil, propensity: String? = nil,
        eligible: String? = nil, context: [String]? = nil, ignored: [String] = []
    ) {
        self.arm = arm
        self.reward = reward
        self.unit = unit
        self.time = time
        self.propensity = propensity
        self.eligible = eligible
        self.context = context
        self.ignored = ignored
    }

    /// Reads the argument of `--map`.
    package init(parsing text: String) throws {
        var fields: [String: String] = [:]
        for entry in text.split(separator: ",", omittingEmptySubsequences: false) {
            let parts = entry.split(separator: "=", maxSplits: 1).map { Self.trim($0) }
            guard parts.count == 2, !parts[1].isEmpty else {
                throw EventLogError.badMap(entry: String(entry), expected: "FIELD=COLUMN entries separated by commas")
            }
            guard Self.fieldNames.contains(parts[0]) else {
                throw EventLogError.badMap(entry: String(entry), expected: "one of the fields \(Self.fieldNames.joined(separator: ", "))")
            }
            guard fields.updateValue(parts[1], forKey: parts[0]) == nil else {
                throw EventLogError.badMap(entry: String(entry), expected: "each field once")
            }
        }
        guard let arm = fields["arm"] else { throw EventLogError.unmapped(field: "arm") }
        guard let reward = fields["reward"] else { throw EventLogError.unmapped(field: "reward") }
        func list(_ field: String) -> [String]? { fields[field].map { $0.split(separator: "|").map { Self.trim($0) } } }
        self.init(
            arm: arm, reward: reward, unit: fields["unit"], time: fields["time"], propensity: fields["propensity"],
            eligible: fields["eligible"], context: list("context"), ignored: list("ignore") ?? [])
    }

    /// The context columns of a file.
    /// - Parameter schema: the experiment's features; nil takes every column that nothing else uses.
    package func contextColumns(of columns: [String], schema: FeatureSchema?) throws -> [String] {
        if let context { return context }
        if let schema { return schema.features.map(\.name).filter { columns.contains($0) && !ignored.contains($0) } }
        let used = Set([arm, reward, unit, time, propensity, eligible].compactMap(\.self) + ignored)
        return columns.filter { !used.contains($0) && !$0.isEmpty }
    }

    /// A number, or a fraction such as `1/3`.
    static func number(_ text: String) -> Double? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        if parts.count == 2, let upper = Double(parts[0]), let lower = Double(parts[1]), lower != 0 { return upper / lower }
        return Double(text)
    }

    private static func trim(_ text: some StringProtocol) -> String {
        let kept = text.drop { $0 == " " }
        return String(kept.reversed().drop { $0 == " " }.reversed())
    }
}
