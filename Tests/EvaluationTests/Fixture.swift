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

    /// Rows for the policies `uniform` and `target`, each unit having `rowsPerUnit` neighbouring rows (0: no units). What only some estimators
    /// read is filled by the rules of `Fixtures/estimates.py`.
    func rows(rowsPerUnit: Int = 0) -> [EvaluationRow] {
        let uniform = [Double](repeating: 1 / Double(armCount), count: armCount)
        return arms.indices.map { row in
            let p = propensities[row]
            var everyPropensity = [Double](repeating: (1 - p) / Double(armCount - 1), count: armCount)
            everyPropensity[arms[row]] = p
            let second = estimates[row].enumerated().map { $1 / 2 + Double($0) / 10 }
            let variance = Double(1 + row / 50)
            return EvaluationRow(
                arm: arms[row], propensity: p, reward: rewards[row],
                unit: rowsPerUnit > 0 ? UnitID("unit-\(row / rowsPerUnit)") : nil, targets: [uniform, targets[row]],
                estimates: estimates[row], propensities: everyPropensity, robustEstimates: [second, second],
                balancedPropensity: p / 2 + 0.05, pastEstimates: second, snapshotVariances: [variance, variance])
        }
    }

    /// Options with what some estimators need of them.
    func options(
        _ estimators: [any Estimator], intervals: [Interval.Method] = [.normal], resamples: Int = 1000,
        clustering: EvaluationOptions.Clustering = .unit, weightBound: Double? = nil
    ) -> EvaluationOptions {
        EvaluationOptions(
            estimators: estimators, intervals: intervals, resamples: resamples, clustering: clustering, weightBound: weightBound,
            discounts: (0..<armCount).map { 0.05 * Double($0) }, armCategories: (0..<armCount).map { $0 % 3 })
    }

    /// The same rows as columns; what columns cannot hold is left out.
    func columns(of rows: [EvaluationRow]) -> EvaluationColumns {
        func flattened(_ numbers: (EvaluationRow) -> [Double]?) -> [Double]? {
            let all = rows.compactMap(numbers)
            return all.count == rows.count ? all.flatMap(\.self) : nil
        }
        let units = rows.compactMap(\.unit)
        return EvaluationColumns(
            arms: rows.map(\.arm), propensities: rows.compactMap(\.propensity), rewards: rows.map(\.reward),
            units: units.count == rows.count ? units : nil, targets: [0, 1].map { policy in rows.flatMap { $0.targets[policy] } },
            estimates: flattened(\.estimates),
            robustEstimates: [0, 1].map { policy in rows.flatMap { $0.robustEstimates?[policy] ?? [] } },
            balancedPropensities: rows.compactMap(\.balancedPropensity), pastEstimates: flattened(\.pastEstimates),
            snapshotVariances: [0, 1].map { policy in rows.compactMap { $0.snapshotVariances?[policy] } }, armCount: armCount)
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
let everyEstimator: [any Estimator] =
    [
        InversePropensityScore(), ClippedInversePropensityScore(limit: 1), ClippedInversePropensityScore(limit: 2),
        SelfNormalisedInversePropensityScore(), SubgaussianInversePropensityScore(lambda: 0.1), MaximumLikelihood(), CressieRead(),
        Replay(bound: 20), BalancedInversePropensityScore(), MarginalisedInversePropensityScore(),
        KernelInversePropensityScore(bandwidth: 0.12), DirectMethod(), DoublyRobust(), ClippedDoublyRobust(limit: 1),
        SelfNormalisedDoublyRobust(), SwitchDoublyRobust(limit: 1), ShrunkDoublyRobust(lambda: 2), SubgaussianDoublyRobust(lambda: 0.5),
        MoreRobustDoublyRobust(), AdaptivelyWeightedDoublyRobust(), AdaptivelyWeightedDoublyRobust(weighting: .stableVariance),
        AdaptivelyWeightedDoublyRobust(weighting: .minimumVariance),
    ] + everyTunedEstimator

/// Every family by every rule.
let everyTunedEstimator: [any Estimator] = TunedEstimator.Family.allCases.flatMap { family in
    TunedEstimator.Rule.allCases.map { TunedEstimator(family, by: $0) }
}

/// The estimator's name with its hyper-parameter, as the golden files spell it.
func goldenName(_ estimator: String, _ parameters: [String: Double]) -> String {
    guard let value = parameters.values.first else { return estimator }
    return value.rounded() == value ? "\(estimator)(\(Int(value)))" : "\(estimator)(\(value))"
}
