import HaggleCore
import HaggleMath
import Testing

@testable import Evaluation

struct ReportPartsTests {
    /// Four rows by hand: shares, propensities and effective sizes of each arm.
    @Test func overlapIsCountedByArm() async throws {
        var evaluator = try Evaluator(
            policies: [EvaluatedPolicy(name: "p", target: .given), .logged], armCount: 2,
            options: EvaluationOptions(isForced: true, armNames: ["none", "ten"]))
        let rows: [(arm: Int, p: [Double], target: [Double])] = [
            (0, [0.5, 0.5], [0.2, 0.8]), (1, [0.5, 0.5], [0.2, 0.8]), (1, [0.75, 0.25], [0.5, 0.5]), (1, [0, 1], [0.1, 0.9]),
        ]
        for row in rows {
            try await evaluator.add(
                EvaluationRow(arm: row.arm, propensity: row.p[row.arm], reward: 1, targets: [row.target, []], propensities: row.p))
        }
        let report = try await evaluator.report()
        let overlap = report.policies[0].overlap
        #expect(overlap.map(\.arm) == ["none", "ten"])
        #expect(overlap.map(\.loggedShare) == [0.25, 0.75])
        #expect(overlap.map(\.meanPropensity) == [0.4375, 0.5625])
        #expect(overlap.map(\.smallestPropensity) == [0.5, 0.25])
        #expect(agree(try #require(overlap[0].targetShare), 0.25, within: 1e-15))
        // Arm ten weighs 1.6, 2 and 0.9.
        #expect(agree(overlap[1].effectiveSampleSize, 4.5 * 4.5 / (1.6 * 1.6 + 4 + 0.81), within: 1e-14))
        #expect(report.policies[1].overlap.map(\.targetShare) == [0.4375, 0.5625])
    }

    /// The survival curve of weights 1, ..., 1000: a share of (1001 - w) / 1000 rows at w carries the sum of w ... 1000.
    @Test func theWeightTailIsExactWhereItHasPoints() {
        var sketch = WeightSketch()
        for weight in (1...1000).shuffled() { sketch.add(Double(weight)) }
        let tail = sketch.tail()
        #expect(tail.count > 8 && tail.count <= 32)
        #expect(tail.first == WeightTailPoint(weight: 1, shareOfRows: 1, shareOfWeight: 1))
        for point in tail {
            let above = point.weight...1000
            #expect(agree(point.shareOfRows, (1001 - point.weight) / 1000, within: 1e-12))
            #expect(agree(point.shareOfWeight, (above.lowerBound + 1000) / 2 * (1001 - above.lowerBound) / 500_500, within: 1e-12))
        }
        #expect(zip(tail, tail.dropFirst()).allSatisfy { $0.weight < $1.weight })
        #expect(WeightSketch().tail().isEmpty)
        // The largest 1 % of the weights: 991 ... 1000, of which bins are at most 0.4 % wide.
        #expect(agree(sketch.sumOfLargest(10), 9955, within: 0.004))
    }

    /// Each part of the course is an evaluation of its rows alone; with less than 128 units per part groups are nearly the units.
    @Test(arguments: [true, false])
    func theCourseIsTheEstimateOfEachPart(hasTimes: Bool) async throws {
        let log = SimulatedLog(seed: 31, rowCount: 4000, hasTimes: hasTimes)
        var evaluator = try await log.evaluator()
        let course = try await evaluator.report().policies[0].course
        #expect((12...24).contains(course.count) && course.reduce(0) { $0 + $1.rowCount } == 4000)
        var start = 0
        for point in course {
            let rows = start..<start + point.rowCount
            start = rows.upperBound
            var part = try await log.evaluator(EvaluationOptions(isForced: true), of: rows)
            let estimate = try #require(try await part.report().policies[0].estimate("DR"))
            #expect(point.estimator == "DR")
            let (found, expected) = (try #require(point.value), try #require(estimate.value))
            #expect(agree(found, expected, within: 1e-12))
            #expect(point.from == (hasTimes ? log.rows[rows.lowerBound].time?.description : nil))
            #expect(point.to == (hasTimes ? log.rows[rows.upperBound - 1].time?.description : nil))
            // 128 groups know an error to 1 / sqrt(256) = 6 %; four of those.
            if point.rowCount > 100, let upper = point.upper, let value = point.value, let error = estimate.standardError {
                #expect(agree(upper - value, 1.98 * error, within: 0.25))
            }
        }
        // Parts of 2^k rows where there are no times.
        if !hasTimes { #expect(course.dropLast().allSatisfy { $0.rowCount == 256 }) }
    }

    @Test func logsWithAndWithoutTimesHaveNoCourse() async throws {
        var log = SimulatedLog(seed: 31, rowCount: 400)
        log.rows[7].time = nil
        var evaluator = try await log.evaluator()
        #expect(try await evaluator.report().policies.allSatisfy { $0.course.isEmpty })
    }

    /// Without a model the course is SNIPS.
    @Test func withoutAModelTheCourseIsSelfNormalised() async throws {
        let log = SimulatedLog(seed: 32, rowCount: 24, hasTimes: false)
        var evaluator = try Evaluator(policies: SimulatedLog.policies, armCount: 3, options: EvaluationOptions(isForced: true))
        for row in log.rows { try await evaluator.add(row) }
        let course = try await evaluator.report().policies[0].course
        #expect(course.count == 24)
        for (row, point) in zip(log.rows, course) {
            #expect(
                point.estimator == "SNIPS" && point.value.map { agree($0, row.reward, within: 1e-12) } == true && point.lower == nil,
                "\(point) \(row.reward)")
        }
    }

    /// The line through 4 000 points as numpy fits it, errors as its sandwich (HC0) gives them. 256 groups know an error to 4.4 %; four of
    /// those.
    @Test func theCalibrationLineIsTheLeastSquaresLine() throws {
        var calibration = RewardCalibration()
        for i in 0..<4000 {
            let estimate = Double(i * 37 % 101) / 100
            let reward = 0.1 + 0.6 * estimate + (Double(i * 53 % 89) / 89 - 0.5)
            calibration.add(estimate: estimate, reward: reward, key: PoissonWeights.key(seed: 1, row: i))
        }
        let line = try #require(calibration.line())
        #expect(agree(line.slope, 0.603_301_811_988_07, within: 1e-10) && agree(line.intercept, 0.092_832_074_982_781_3, within: 1e-10))
        #expect(agree(line.slopeError, 0.015_649_16, within: 0.18))
        #expect(agree(line.interceptError, 0.009_048_99, within: 0.18))
        #expect(agree(line.offsetError, 0.004_917_486_758_5, within: 0.18))
        #expect(line.isSlopeOff && line.isLevelOff)
        let bins = calibration.reportBins()
        #expect((9...11).contains(bins.count) && bins.reduce(0) { $0 + $1.rowCount } == 4000)
        #expect(bins.allSatisfy { (300...500).contains($0.rowCount) && $0.lower ?? 1 < $0.meanReward && $0.meanReward < $0.upper ?? 0 })
        #expect(zip(bins, bins.dropFirst()).allSatisfy { $0.meanPrediction < $1.meanPrediction })
        for bin in bins { #expect(abs(bin.meanReward - (0.1 + 0.6 * bin.meanPrediction)) < 0.06) }
    }

    @Test func binsOfNegativeEstimatesAreInOrder() {
        var calibration = RewardCalibration()
        for estimate in [-3.0, 2, -0.5, 0, -0.0, 1e-9, -700, 45] { calibration.add(estimate: estimate, reward: estimate, key: 0) }
        #expect(calibration.reportBins().map(\.meanPrediction) == [-700, -3, -0.5, 0, 1e-9, 2, 45])
        #expect(calibration.reportBins().map(\.rowCount) == [1, 1, 1, 2, 1, 1, 1])
    }

    @Test func aModelThatIsOffIsWarnedOf() async throws {
        var log = SimulatedLog(seed: 33, rowCount: 3000)
        var fine = try await log.evaluator(EvaluationOptions(rewardRange: 0...1))
        #expect(try await fine.report().warnings.isEmpty)
        for index in log.rows.indices { log.rows[index].estimates = [0.1, 0.9, 1.7] }
        var off = try await log.evaluator(EvaluationOptions(rewardRange: 0...1))
        let report = try await off.report()
        #expect(report.warnings.contains { $0.contains("spread more than the rewards do") })
        #expect(report.warnings.contains { $0.contains("the reward model expects") })
        #expect(report.warnings.contains { $0.hasPrefix("33.33 % of the reward model's estimates lie outside of the declared range") })
        #expect(agree(try #require(report.policies[0].diagnostics.estimatesOutsideRange), 1 / 3, within: 1e-12))
        // The least-squares line of rewards with means 0.2, 0.3, 0.4 on those estimates has slope 0.1 / 0.8.
        let line = try #require(report.policies[0].diagnostics.calibration)
        #expect(abs(line.slope - 0.125) < 4 * line.slopeError)
    }

    /// A segment is an evaluation of its rows alone.
    @Test func segmentsAreEvaluationsOfTheirRows() async throws {
        let log = SimulatedLog(seed: 34, rowCount: 3000, unitCount: 700)
        let options = EvaluationOptions(intervals: [.normal, .bootstrap], resamples: 40, segmentBy: "channel")
        var evaluator = try await log.evaluator(options)
        let report = try await evaluator.report()
        #expect(report.segments.map(\.value) == ["s0", "s1", "s2", "(missing)"] && report.segments.allSatisfy { $0.by == "channel" })
        #expect(report.segments.reduce(0) { $0 + $1.rowCount } == 3000)
        for segment in report.segments {
            var alone = try SimulatedLog.evaluator(EvaluationOptions(intervals: [.normal, .bootstrap], resamples: 40))
            for row in log.rows where (row.segment ?? "(missing)") == segment.value { try await alone.add(row) }
            let expected = try await alone.report()
            #expect(segment.rowCount == expected.rowCount && segment.differences == expected.differences)
            #expect(segment.policies == expected.policies)
        }
        // The whole is what it would be without segments.
        var plain = try await log.evaluator(EvaluationOptions(intervals: [.normal, .bootstrap], resamples: 40))
        #expect(try await plain.report().policies == report.policies)
    }

    /// 45 values: the first 30 in order are told apart, whatever the order of rows and shards.
    @Test func furtherValuesShareASegment() async throws {
        let log = SimulatedLog(seed: 35, rowCount: 2000, segmentCount: 45)
        let options = EvaluationOptions(estimators: [InversePropensityScore()], segmentBy: "postcode")
        var evaluator = try await log.evaluator(options)
        let report = try await evaluator.report()
        let names = (0..<45).map { "s\($0)" }.sorted()
        #expect(report.segments.map(\.value) == names.prefix(30) + ["(other)", "(missing)"])
        for segment in report.segments.prefix(30) {
            #expect(segment.rowCount == log.rows.count { $0.segment == segment.value })
        }
        #expect(report.warnings.contains { $0.contains("postcode has more than 30 values") })
        var late = try await log.evaluator(options, of: 1200..<2000)
        try await late.merge(try await log.evaluator(options, of: 0..<1200))
        try expectEqual(try await late.report(), report)
    }

    /// Columns are read in blocks on several threads; rows one by one. The same numbers, and the same bits for any number of threads.
    @Test func columnsGiveWhatRowsGive() async throws {
        let log = SimulatedLog(seed: 36, rowCount: 70_000, unitCount: 20_000)
        let columns = EvaluationColumns(
            arms: log.rows.map(\.arm), propensities: log.rows.map { $0.propensity ?? 0 }, rewards: log.rows.map(\.reward),
            units: log.rows.compactMap(\.unit), targets: [log.rows.flatMap { $0.targets[0] }, []],
            estimates: log.rows.flatMap { $0.estimates ?? [] }, times: log.rows.compactMap(\.time), segments: log.rows.map(\.segment),
            armCount: 3)
        var reports: [EvaluationReport] = []
        for threadCount in [1, 2, 5] {
            var evaluator = try SimulatedLog.evaluator(
                EvaluationOptions(intervals: [.bootstrap], resamples: 8, threadCount: threadCount, segmentBy: "s"), firstRow: 17)
            try await evaluator.add(columns)
            #expect(evaluator.rowRanges == [17..<70_017])
            reports.append(try await evaluator.report())
        }
        #expect(reports[0] == reports[1] && reports[0] == reports[2])
        var rows = try SimulatedLog.evaluator(EvaluationOptions(intervals: [.bootstrap], resamples: 8, segmentBy: "s"), firstRow: 17)
        for var row in log.rows {
            row.propensities = nil
            row.snapshot = nil
            try await rows.add(row)
        }
        try expectEqual(try await rows.report(), reports[0])
        // A bad row in the second block and another in the first: the first one is named, counted from 1.
        var bad = columns
        bad.rewards[66_000] = .nan
        var evaluator = try SimulatedLog.evaluator(EvaluationOptions(), firstRow: 17)
        try await evaluator.add(columns)
        await #expect(throws: EvaluationError.rewardNotFinite(row: 136_001)) { try await evaluator.add(bad) }
        bad.arms[40_000] = 3
        var another = try SimulatedLog.evaluator(EvaluationOptions())
        await #expect(throws: EvaluationError.unknownArm(row: 40_001, arm: 3, armCount: 3)) { try await another.add(bad) }
    }
}
