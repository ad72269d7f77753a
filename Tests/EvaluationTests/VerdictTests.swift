import HaggleCore
import HaggleMath
import Testing

@testable import Evaluation

struct VerdictTests {
    /// A policy of arm `ten` alone on a log that shows it in 1 % of 4 000 rows: 40 effective rows.
    private func evaluation(options: EvaluationOptions = EvaluationOptions()) async throws -> PolicyEvaluation {
        var options = options
        options.armNames = ["none", "ten"]
        var evaluator = try Evaluator(policies: [EvaluatedPolicy(name: "p", target: .given)], armCount: 2, options: options)
        for row in 0..<4000 {
            let arm = row % 100 == 0 ? 1 : 0
            try await evaluator.add(
                EvaluationRow(
                    arm: arm, propensity: arm == 1 ? 0.01 : 0.99, reward: Double(row / 100 % 2), targets: [[0, 1]],
                    propensities: [0.99, 0.01]))
        }
        return try await evaluator.report().policies[0]
    }

    /// 50 effective rows need 5 000 rows, so 1 000 more; or a floor f with 40 f / 0.01 = 50; or a mixture m whose weights 1 - m on 3 960
    /// rows and 1 + 99 m on 40 give (4000)^2 / (3960 (1 - m)^2 + 40 (1 + 99 m)^2) = 50, which is m = sqrt((320000 - 4000) / 396000).
    @Test func reasonsNameTheArmAndWhatWouldHelp() async throws {
        let evaluation = try await evaluation()
        #expect(evaluation.verdict == .unsupported)
        let reason = try #require(evaluation.reasons.first)
        #expect(reason.contains("it lacks rows of arm ten (100.0 % of the policy, 1.0 % of the log)"))
        #expect(reason.contains("log about 1000 more rows"))
        #expect(reason.contains("log with a floor of about 0.013 for each arm"))
        #expect(reason.contains("follows this one in at most 89.3 % of the cases"))
    }

    @Test func impossibleArmsAreNamed() async throws {
        var evaluator = try Evaluator(
            policies: [EvaluatedPolicy(name: "p", target: .given)], armCount: 3,
            options: EvaluationOptions(armNames: ["none", "five", "ten"]))
        for row in 0..<400 {
            try await evaluator.add(
                EvaluationRow(
                    arm: 0, propensity: 1, reward: Double(row % 2), targets: [[0.9, 0.02, 0.08]], propensities: [1, 0, 0]))
        }
        let evaluation = try await evaluator.report().policies[0]
        #expect(evaluation.reasons.contains { $0.contains("10.0 % of its probability") && $0.contains("ten 8.0 %, five 2.0 %") })
    }

    /// One row of weight 225 among 700 of weight 1: 24.3 % of all weight; 4 s / (1 - s) times its propensity of 0.004 would bring 20 %.
    @Test func theHeaviestRowIsNamed() async throws {
        var evaluator = try Evaluator(
            policies: [EvaluatedPolicy(name: "p", target: .given)], armCount: 2, options: EvaluationOptions(armNames: ["none", "ten"]))
        for row in 0...700 {
            try await evaluator.add(
                EvaluationRow(
                    arm: row == 700 ? 1 : 0, propensity: row == 700 ? 0.004 : 0.1, reward: Double(row % 2), targets: [[0.1, 0.9]]))
        }
        let evaluation = try await evaluator.report().policies[0]
        // 4 * 225 / 700 * 0.004.
        #expect(
            evaluation.reasons.contains {
                $0.contains("one row carries 24 % of all weight") && $0.contains("arm ten with propensity 0.0040")
                    && $0.contains("a floor of about 0.0051")
            }, "\(evaluation.reasons)")
    }

    @Test func estimatedPropensitiesAreSaidEverywhere() async throws {
        var evaluator = try await SimulatedLog(seed: 3, rowCount: 2000).evaluator(
            EvaluationOptions(propensities: .estimated, segmentBy: "channel"))
        let report = try await evaluator.report()
        #expect(report.propensities == .estimated && report.warnings.contains { $0.contains("estimated from the log") })
        for policy in report.policies + report.segments.flatMap(\.policies) {
            #expect(policy.reasons.contains { $0.contains("were estimated, not logged") })
        }
    }

    /// Twenty units of 1 000 come back within the hour, then a hundred.
    @Test(arguments: [(20, false), (100, true)])
    func overlappingWindowsAreWarnedOf(returning: Int, isWarned: Bool) async throws {
        var evaluator = try SimulatedLog.evaluator(EvaluationOptions(windowSeconds: 3600))
        func add(_ unit: Int, second: Int64) async throws {
            try await evaluator.add(
                EvaluationRow(
                    arm: unit % 3, propensity: 1 / 3, reward: Double(unit % 2), unit: UnitID("u\(unit)"), targets: [[0.3, 0.3, 0.4], []],
                    estimates: [0.5, 0.5, 0.5], time: Timestamp(microseconds: second * 1_000_000)))
        }
        for unit in 0..<1000 {
            try await add(unit, second: Int64(unit))
            try await add(unit, second: Int64(unit) + (unit < returning ? 3599 : 3600))
        }
        let report = try await evaluator.report()
        #expect(report.policies[0].diagnostics.overlappingWindowShare == Double(returning) / 1000)
        #expect(report.warnings.contains { $0.contains("attribution window") } == isWarned)
        var without = try await SimulatedLog(seed: 3, rowCount: 100, unitCount: 50, hasTimes: false).evaluator(
            EvaluationOptions(windowSeconds: 3600))
        #expect(try await without.report().policies[0].diagnostics.overlappingWindowShare == nil)
    }

    /// One day of ten shows arm 0 too often: flagged by day, though one snapshot made the whole log.
    @Test func armFrequenciesAreTestedPerDay() async throws {
        var generator = SeededGenerator(seed: 14)
        var evaluator = try Evaluator(policies: [.logged], armCount: 2)
        for row in 0..<10_000 {
            let arm = generator.uniform() < (row / 1000 == 6 ? 0.4 : 0.3) ? 0 : 1
            try await evaluator.add(
                EvaluationRow(
                    arm: arm, propensity: arm == 0 ? 0.3 : 0.7, reward: 1, targets: [[]], propensities: [0.3, 0.7], snapshot: 4,
                    time: (Timestamp("2026-11-01T12:00:00Z") ?? Timestamp(microseconds: 0)) + Double(row / 1000) * 86_400))
        }
        let report = try await evaluator.report()
        let check = try #require(report.policies[0].diagnostics.armFrequencies)
        // Two arms of one snapshot and of ten days.
        #expect(check.testCount == 22)
        #expect(check.flagged.count == 2 && check.flagged.allSatisfy { $0.day == "2026-11-07" && $0.snapshot == nil && $0.span == 1 })
        let deviation = try #require(check.flagged.first)
        #expect(
            agree(
                abs(deviation.z), abs(Double(check.flagged.first { $0.arm == 0 }?.observed ?? 0) - 300) / 210.0.squareRoot(), within: 1e-10)
        )
        #expect(report.warnings.contains { $0.contains("2 of 22 tests") })
    }

    /// More snapshots than are told apart: neighbours are put together, and a shift in all of them is still found.
    @Test func manySnapshotsArePooled() {
        var frequencies = ArmFrequencies(armCount: 2)
        for snapshot in 1...20_000 {
            for row in 0..<2 {
                frequencies.add(arm: row, propensities: [0.3, 0.7], snapshot: SnapshotVersion(snapshot), time: nil)
            }
        }
        #expect(frequencies.snapshots.keys.count <= 4096 && frequencies.snapshots.level == 3)
        let check = frequencies.check()
        // 8 snapshots of two rows have a variance of 16 * 0.21 = 3.4: too little to test.
        #expect(check?.testCount == 0)
    }

    /// Whatever the log, every number of a report is finite or missing, and a verdict says why.
    @Test(arguments: [
        "equal rewards", "zero rewards", "zero weights", "one arm", "one row", "huge rewards", "tiny propensities", "one unit",
        "flat model",
    ])
    func degenerateLogsGiveNoNaN(kind: String) async throws {
        let armCount = kind == "one arm" ? 1 : 2
        let policies = [EvaluatedPolicy(name: "a", target: .given), EvaluatedPolicy(name: "b", target: .given), .logged]
        let estimators = try EstimatorPanel.names.filter {
            !["Replay", "MRDR", "BalancedIPS", "MIPS", "KernelIPS", "AIPW", "StableVar", "MinVar"].contains($0)
        }
        .map { try EstimatorPanel.parse($0) }
        var evaluator = try Evaluator(
            policies: policies, armCount: armCount,
            options: EvaluationOptions(
                estimators: estimators, intervals: [.normal, .bootstrap, .studentT], resamples: 20, isForced: true, windowSeconds: 60,
                segmentBy: "s"),
            rewardModel: "file")
        for row in 0..<(kind == "one row" ? 1 : 120) {
            let arm = kind == "zero weights" || kind == "one arm" ? 0 : row % 2
            let propensity = kind == "one arm" ? 1 : kind == "tiny propensities" && row == 5 ? 1e-90 : 0.5
            let reward = kind == "equal rewards" ? 3 : kind == "zero rewards" ? 0 : kind == "huge rewards" ? 1e300 : Double(row % 3)
            let other = kind == "zero weights" ? [0.0, 1] : [0.25, 0.75]
            try await evaluator.add(
                EvaluationRow(
                    arm: arm, propensity: propensity, reward: reward, unit: kind == "one unit" ? "u" : UnitID("u\(row / 3)"),
                    targets: armCount == 1 ? [[1], [1], []] : [other, [0, 1], []],
                    estimates: (0..<armCount).map { kind == "flat model" ? 2 : Double($0 + row % 5) },
                    time: Timestamp(microseconds: Int64(row) * 1_000_000), segment: row % 2 == 0 ? "even" : nil))
        }
        let report = try await evaluator.report()
        // The encoder refuses NaN and infinities.
        try expectEqual(report, report)
        for policy in report.policies { #expect(policy.verdict == .supported || !policy.reasons.isEmpty) }
        var restored = try Evaluator(serialised: try evaluator.serialised())
        #expect(try await restored.report() == report)
    }

    @Test func noRowsAreAnErrorWithAdvice() async throws {
        var evaluator = try SimulatedLog.evaluator(EvaluationOptions(segmentBy: "channel"))
        await #expect(throws: EvaluationError.emptyLog) { try await evaluator.report() }
        var merge = ShardEvaluation()
        try await merge.add(try evaluator.serialised(), named: "empty")
        await #expect(throws: EvaluationError.emptyLog) { try await merge.report() }
        #expect(EvaluationError.emptyLog.description.contains("check the filters"))
    }
}
