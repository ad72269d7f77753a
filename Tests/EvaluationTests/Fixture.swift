import Evaluation
import Foundation
import HaggleCore
import Testing

/// Files in `Fixtures`, found beside this source.
enum Fixture {
    static func data(_ name: String) throws -> Data {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Fixtures")
        return try Data(contentsOf: folder.appendingPathComponent(name))
    }

    static func json<Value: Decodable>(_ name: String, as type: Value.Type) throws -> Value {
        try JSONDecoder().decode(type, from: data(name))
    }

    /// A comma-separated file without quotes: its header and its rows.
    static func table(_ name: String) throws -> (header: [String], rows: [[String]]) {
        let lines = String(decoding: try data(name), as: UTF8.self).split(separator: "\n")
        let fields = lines.map { $0.split(separator: ",").map(String.init) }
        return (try #require(fields.first), Array(fields.dropFirst()))
    }
}

/// The synthetic log of `Fixtures`: 300 rows, 10 arms.
struct SyntheticLog {
    var arms: [Int] = []
    var propensities: [Double] = []
    var rewards: [Double] = []
    var targets: [[Double]] = []
    var estimates: [[Double]] = []
    let armCount: Int

    init() throws {
        let log = try Fixture.table("synthetic_log.csv").rows
        let target = try Fixture.table("synthetic_target.csv")
        let estimates = try Fixture.table("synthetic_qhat.csv").rows
        armCount = target.header.count
        for (index, row) in log.enumerated() {
            arms.append(try #require(target.header.firstIndex(of: row[0])))
            propensities.append(try #require(Double(row[1])))
            rewards.append(try #require(Double(row[2])))
            targets.append(target.rows[index].compactMap(Double.init))
            self.estimates.append(estimates[index].compactMap(Double.init))
        }
    }

    var rowCount: Int { arms.count }

    /// Rows for the policies `uniform` and `target`, each unit having `rowsPerUnit` neighbouring rows (0: no units).
    func rows(rowsPerUnit: Int = 0) -> [EvaluationRow] {
        let uniform = [Double](repeating: 1 / Double(armCount), count: armCount)
        return arms.indices.map { row in
            EvaluationRow(
                arm: arms[row], propensity: propensities[row], reward: rewards[row],
                unit: rowsPerUnit > 0 ? UnitID("unit-\(row / rowsPerUnit)") : nil, targets: [uniform, targets[row]],
                estimates: estimates[row])
        }
    }

    static let policies = [EvaluatedPolicy(name: "uniform", target: .given), EvaluatedPolicy(name: "target", target: .given)]

    /// An evaluator of the two policies that has read some rows.
    func evaluator(
        of rows: some Sequence<EvaluationRow>, options: EvaluationOptions = EvaluationOptions(), firstRow: Int = 0
    ) async throws -> Evaluator {
        var evaluator = try Evaluator(
            policies: Self.policies, armCount: armCount, options: options, rewardModel: "file", firstRow: firstRow)
        for row in rows { try await evaluator.add(row) }
        return evaluator
    }
}

/// Whether two numbers agree to a relative error.
func agree(_ a: Double, _ b: Double, within relative: Double) -> Bool { abs(a - b) <= relative * max(abs(a), abs(b)) }

/// Every estimator there is, with hyper-parameters that matter on the synthetic log.
let everyEstimator: [any Estimator] = [
    InversePropensityScore(), ClippedInversePropensityScore(limit: 1), ClippedInversePropensityScore(limit: 2),
    SelfNormalisedInversePropensityScore(), DirectMethod(), DoublyRobust(),
]

/// The estimator's name with its hyper-parameter, as the golden files spell it.
func goldenName(_ estimator: String, _ parameters: [String: Double]) -> String {
    guard let limit = parameters["lambda"] else { return estimator }
    return "\(estimator)(\(Int(limit)))"
}
