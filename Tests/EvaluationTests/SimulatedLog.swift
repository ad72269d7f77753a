import Evaluation
import HaggleCore
import HaggleMath

/// A made-up log of three arms whose propensities depend on a context of two values; every part of a row is filled.
struct SimulatedLog {
    var rows: [EvaluationRow] = []

    static let policies = [EvaluatedPolicy(name: "target", target: .given), .logged]
    static let armNames = ["none", "five", "ten"]

    /// - Parameters:
    ///   - unitCount: units share the rows evenly at random; 0: no units.
    ///   - hasTimes: whether rows carry times, about a minute apart.
    init(seed: UInt64, rowCount: Int, unitCount: Int = 0, hasTimes: Bool = true, segmentCount: Int = 3) {
        var generator = SeededGenerator(seed: seed)
        var time: Int64 = 1_760_000_000_000_000
        for _ in 0..<rowCount {
            let isHigh = generator.uniform() < 0.4
            let propensities = isHigh ? [0.5, 0.3, 0.2] : [0.2, 0.3, 0.5]
            let target = isHigh ? [0.2, 0.3, 0.5] : [0.1, 0.6, 0.3]
            let u = generator.uniform()
            let arm = u < propensities[0] ? 0 : u < propensities[0] + propensities[1] ? 1 : 2
            let unit = unitCount > 0 ? Int(generator.uniform() * Double(unitCount)) : 0
            let effect = unitCount > 0 ? Double(mix64(UInt64(unit)) >> 40) / Double(1 << 24) : 0
            let reward = generator.uniform() < [0.2, 0.3, 0.4][arm] ? 1 + effect : 0
            time += Int64(generator.exponential() * 60_000_000)
            let segment = Int(generator.uniform() * Double(segmentCount + 1))
            rows.append(
                EvaluationRow(
                    arm: arm, propensity: propensities[arm], reward: reward, unit: unitCount > 0 ? UnitID("u\(unit)") : nil,
                    targets: [target, []], estimates: [0.19 + 0.02 * generator.uniform(), 0.3, 0.4], propensities: propensities,
                    snapshot: SnapshotVersion(1 + rows.count / 500), time: hasTimes ? Timestamp(microseconds: time) : nil,
                    segment: segment == segmentCount ? nil : "s\(segment)"))
        }
    }

    /// An evaluator of some of the rows, without having read them.
    static func evaluator(_ options: EvaluationOptions, firstRow: Int = 0) throws -> Evaluator {
        var options = options
        options.armNames = Self.armNames
        return try Evaluator(policies: Self.policies, armCount: 3, options: options, rewardModel: "file", firstRow: firstRow)
    }

    /// An evaluator that has read a range of the rows, one by one.
    func evaluator(_ options: EvaluationOptions = EvaluationOptions(), of range: Range<Int>? = nil) async throws -> Evaluator {
        let range = range ?? 0..<rows.count
        var evaluator = try Self.evaluator(options, firstRow: range.lowerBound)
        for row in rows[range] { try await evaluator.add(row) }
        return evaluator
    }
}

/// Every number of a report by its place in the encoded JSON, and every text.
func leaves(_ value: Any, _ path: String = "", into result: inout [String: Any]) {
    if let object = value as? [String: Any] {
        for (key, child) in object { leaves(child, "\(path)/\(key)", into: &result) }
    } else if let list = value as? [Any] {
        for (index, child) in list.enumerated() { leaves(child, "\(path)/\(index)", into: &result) }
    } else {
        result[path] = value
    }
}
