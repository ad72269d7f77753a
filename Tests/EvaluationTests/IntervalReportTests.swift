import Evaluation
import HaggleCore
import HaggleMath
import Testing

/// Intervals as they come out of an evaluation.
struct IntervalReportTests {
    /// Rewards of 0 and 1 on two arms that were drawn evenly; the policy always takes arm 0, so weights are 2 or 0.
    private func rows(_ count: Int, rowsPerUnit: Int = 0) -> [EvaluationRow] {
        var generator = SeededGenerator(seed: 8)
        return (0..<count).map { index in
            let arm = generator.uniform() < 0.5 ? 0 : 1
            let reward = generator.uniform() < [0.3, 0.6][arm] ? 1.0 : 0
            return EvaluationRow(
                arm: arm, propensity: 0.5, reward: reward, unit: rowsPerUnit > 0 ? UnitID("u\(index / rowsPerUnit)") : nil,
                targets: [[1, 0], [0, 1], []], estimates: [0.25, 0.5], propensities: [0.5, 0.5])
        }
    }

    private static let policies = [
        EvaluatedPolicy(name: "first", target: .given), EvaluatedPolicy(name: "second", target: .given), EvaluatedPolicy.logged,
    ]

    private func report(_ rows: [EvaluationRow], _ options: EvaluationOptions) async throws -> EvaluationReport {
        var evaluator = try Evaluator(policies: Self.policies, armCount: 2, options: options, rewardModel: "table")
        for row in rows { try await evaluator.add(row) }
        return try await evaluator.report()
    }

    private func interval(_ estimate: Estimate?, _ method: Interval.Method) throws -> Interval {
        try #require(estimate?.intervals.first { $0.method == method })
    }

    @Test func studentUsesOneDegreeLessThanThereAreClusters() async throws {
        let options = EvaluationOptions(intervals: [.studentT], isForced: true)
        for (rowsPerUnit, degrees) in [(0, 99.0), (5, 19.0)] {
            let estimate = try #require(try await report(rows(100, rowsPerUnit: rowsPerUnit), options).policies[0].estimate("SNIPS"))
            let (value, error) = (try #require(estimate.value), try #require(estimate.standardError))
            let found = try interval(estimate, .studentT)
            #expect(agree((found.upper - value) / error, StudentT.quantile(0.975, degreesOfFreedom: degrees), within: 1e-10))
            #expect(found.assumptions.contains("\(Int(degrees)) degrees of freedom"))
        }
    }

    /// IPS scores lie in 0...2; DR's in -2...3, because weights reach 2 and estimates lie in the range. Cut to the range of rewards.
    @Test func boundsOfScoresFollowFromTheDeclaredOnes() async throws {
        let options = EvaluationOptions(
            intervals: [.hoeffding, .empiricalBernstein], isForced: true, rewardRange: 0...1, weightBound: 2)
        let report = try await report(rows(5000), options)
        let half = (ElementaryFunctions.log(40) / 10_000).squareRoot()
        for (name, width) in [("IPS", 2.0), ("DR", 5.0)] {
            let estimate = try #require(report.policies[0].estimate(name))
            let value = try #require(estimate.value)
            let found = try interval(estimate, .hoeffding)
            #expect(agree(found.upper - value, width * half, within: 1e-10))
            #expect(agree(value - found.lower, width * half, within: 1e-10))
            let error = try #require(estimate.standardError)
            let log = ElementaryFunctions.log(80)
            let bernstein = (2 * log).squareRoot() * error + 7 * width * log / (3 * 4999)
            #expect(agree(try interval(estimate, .empiricalBernstein).upper - value, bernstein, within: 1e-9))
        }
        // Only means of scores have such bounds.
        let ratio = try #require(report.policies[0].estimate("SNIPS"))
        #expect(ratio.intervals.isEmpty && ratio.remarks.count == 2 && ratio.remarks[0].hasPrefix("no hoeffding interval"))
        // The logging policy weighs every row by 1: scores are the rewards.
        let logged = try #require(report.policies[2].estimate("IPS"))
        #expect(agree(try interval(logged, .hoeffding).upper - (try #require(logged.value)), half, within: 1e-10))
        // Of a difference, scores lie in -2...2.
        let difference = try #require(report.differences.first { $0.estimator == "IPS" && $0.policy == "second" })
        let found = try #require(difference.intervals.first)
        #expect(agree(found.upper - (try #require(difference.value)), 4 * half, within: 1e-10))
    }

    @Test func boundsThatNeedIndependentRowsAreRefusedWhereUnitsRecur() async throws {
        let options = EvaluationOptions(
            intervals: [.normal, .hoeffding, .empiricalBernstein, .clopperPearson, .cressieRead], isForced: true, rewardRange: 0...1,
            weightBound: 2)
        let report = try await report(rows(400, rowsPerUnit: 4), options)
        for estimate in report.policies[0].estimates {
            #expect(estimate.intervals.map(\.method) == [.normal])
            #expect(estimate.remarks.count >= 4 && estimate.remarks.allSatisfy { !$0.isEmpty })
        }
    }

    /// A model that leaves the range makes DR's scores leave their bounds too.
    @Test func estimatesOutsideOfTheRangeRefuseTheBoundsOfDR() async throws {
        var rows = rows(200)
        rows[77].estimates = [0.2, 1.5]
        let options = EvaluationOptions(intervals: [.hoeffding], isForced: true, rewardRange: 0...1, weightBound: 2)
        let report = try await report(rows, options)
        #expect(report.policies[0].estimate("DR")?.intervals.isEmpty == true)
        #expect(report.policies[0].estimate("IPS")?.intervals.count == 1)
    }

    /// With even logging and a policy that takes one arm, SNIPS is the share of conversions among the rows that match.
    @Test func exactIntervalsOfSharesCountTheRowsThatMatch() async throws {
        let rows = rows(500)
        let options = EvaluationOptions(intervals: [.clopperPearson], isForced: true)
        let report = try await report(rows, options)
        let matching = rows.filter { $0.arm == 0 }
        let expected = try #require(
            ClopperPearson.interval(successes: matching.filter { $0.reward == 1 }.count, trials: matching.count, level: 0.95))
        let found = try interval(report.policies[0].estimate("SNIPS"), .clopperPearson)
        #expect(found.lower == expected.lower && found.upper == expected.upper)
        #expect(report.policies[0].estimate("IPS")?.intervals.isEmpty == true)
        let all = try #require(
            ClopperPearson.interval(successes: rows.filter { $0.reward == 1 }.count, trials: 500, level: 0.95))
        for name in ["IPS", "SNIPS"] { #expect(try interval(report.policies[2].estimate(name), .clopperPearson).upper == all.upper) }
        var money = rows
        money[3].reward = 0.5
        let refused = try await self.report(money, options)
        #expect(refused.policies[2].estimate("IPS")?.intervals.isEmpty == true)
    }

    /// The co-moments of rows give the same sums as the rows themselves.
    @Test func theEmpiricalLikelihoodReadsTheRows() async throws {
        let rows = rows(300)
        let options = EvaluationOptions(intervals: [.cressieRead], isForced: true, rewardRange: 0...1, weightBound: 4)
        var sums = CressieReadInterval.Sums()
        for row in rows { sums.add(weight: row.arm == 0 ? 2 : 0, reward: row.reward) }
        let expected = try #require(CressieReadInterval(rewards: 0...1, largestWeight: 4).bounds(sums, level: 0.95))
        let found = try interval(try await report(rows, options).policies[0].estimate("SNIPS"), .cressieRead)
        #expect(abs(found.lower - expected.lower) < 1e-10 && abs(found.upper - expected.upper) < 1e-10)
    }

    @Test func undeclaredRangesAreRefusedWithWhatToDeclare() throws {
        for method in [Interval.Method.hoeffding, .empiricalBernstein, .cressieRead, .anytime] {
            let error = #expect(throws: EvaluationError.self) {
                try Evaluator(policies: Self.policies, armCount: 2, options: EvaluationOptions(intervals: [method]))
            }
            #expect("\(try #require(error))".contains("--reward-range"))
        }
        #expect(throws: EvaluationError.self) {
            try Evaluator(
                policies: Self.policies, armCount: 2, options: EvaluationOptions(intervals: [.hoeffding], rewardRange: 0...1))
        }
        #expect(throws: EvaluationError.self) {
            try Evaluator(policies: Self.policies, armCount: 2, options: EvaluationOptions(intervals: [.normal, .normal]))
        }
        #expect(throws: EvaluationError.self) {
            try Evaluator(policies: Self.policies, armCount: 2, options: EvaluationOptions(weightBound: 0.5))
        }
    }

    @Test func aRewardOutsideOfTheDeclaredRangeIsAnErrorThatNamesTheRow() async throws {
        var rows = rows(10)
        rows[6].reward = 1.2
        await #expect(throws: EvaluationError.rewardOutsideRange(row: 7, found: 1.2, lower: 0, upper: 1)) {
            try await report(rows, EvaluationOptions(rewardRange: 0...1))
        }
    }

    /// d / SE = 1 needs 1.96^2 = 3.84 times the rows, 2.84 n more; d / SE = 2 is decided.
    @Test func rowsToDecideFollowTheSquareRootLaw() async throws {
        let report = try await report(rows(4000), EvaluationOptions(isForced: true))
        for difference in report.differences {
            let (value, error) = (try #require(difference.value), try #require(difference.standardError))
            guard error > 0, value != 0 else {
                #expect(difference.rowsToDecide == nil)
                continue
            }
            let ratio = 1.959963984540054 * error / abs(value)
            let expected = max(0, 4000 * (ratio * ratio - 1))
            #expect(Double(try #require(difference.rowsToDecide)) - expected < 1 + 1e-6 * expected)
            #expect(Double(try #require(difference.rowsToDecide)) >= expected * (1 - 1e-9))
            let normal = try #require(difference.intervals.first)
            #expect((difference.rowsToDecide == 0) == (normal.lower > 0 || normal.upper < 0))
        }
        #expect(report.differences.contains { $0.rowsToDecide == 0 })
    }

    /// A sequence needs 1 000 observations and 40 effective conversions on each side.
    @Test(arguments: [(999, false), (1000, true)])
    func asymptoticSequencesWaitForRows(count: Int, exists: Bool) async throws {
        let report = try await report(rows(count), EvaluationOptions(intervals: [.asymptoticAnytime], isForced: true))
        let estimate = try #require(report.policies[0].estimate("SNIPS"))
        #expect(estimate.intervals.isEmpty != exists)
        guard exists else { return }
        let factor = AsymptoticSequence.factor(observationCount: count, level: 0.95)
        let found = try #require(estimate.intervals.first)
        #expect(agree(found.upper - (try #require(estimate.value)), factor * (try #require(estimate.standardError)), within: 1e-10))
    }

    @Test func asymptoticSequencesWaitForConversions() async throws {
        let rare = rows(3000).enumerated().map { index, row in
            var row = row
            row.reward = index.isMultiple(of: 60) ? 1 : 0
            return row
        }
        let report = try await report(rare, EvaluationOptions(intervals: [.asymptoticAnytime], isForced: true))
        #expect(report.policies[0].estimate("SNIPS")?.intervals.isEmpty == true)
        #expect(report.policies[2].estimate("SNIPS")?.intervals.isEmpty == false)
    }

    /// The anytime interval holds the truth here, lies in the range of rewards, belongs to IPS, and DR has one only with a past model.
    @Test func anytimeIntervalsBelongToIPSAndPastModels() async throws {
        for fitting in EvaluationOptions.Fitting.allCases {
            let options = EvaluationOptions(intervals: [.anytime], isForced: true, fitting: fitting, rewardRange: 0...1)
            let report = try await report(rows(3000), options)
            let found = try interval(report.policies[0].estimate("IPS"), .anytime)
            #expect(found.contains(0.3) && found.lower > 0.1 && found.upper < 0.5, "\(found)")
            #expect(report.policies[0].estimate("SNIPS")?.intervals.isEmpty == true)
            let robust = try #require(report.policies[0].estimate("DR"))
            #expect(robust.intervals.isEmpty == (fitting == .crossFitted))
            if let model = robust.intervals.first { #expect(model.contains(0.3) && model.upper - model.lower < 0.4) }
            let difference = try #require(report.differences.first { $0.estimator == "IPS" && $0.policy == "second" })
            let bounds = try #require(difference.intervals.first)
            #expect(bounds.contains(0.3) && bounds.lower > -0.1, "\(bounds)")
        }
    }

    @Test func anytimeIntervalsCannotBeMerged() async throws {
        let options = EvaluationOptions(intervals: [.anytime], rewardRange: 0...1)
        var one = try Evaluator(policies: Self.policies, armCount: 2, options: options)
        let other = one
        await #expect(throws: EvaluationError.self) { try await one.merge(other) }
    }

    /// Money between -20 and 180: bounds are those of scaled rewards, scaled back.
    @Test func sequencesScaleWithTheDeclaredRange() async throws {
        let options = EvaluationOptions(intervals: [.anytime], isForced: true, rewardRange: 0...1)
        let scaled = EvaluationOptions(intervals: [.anytime], isForced: true, rewardRange: -20...180)
        let plain = try await report(rows(500), options)
        let money = try await report(
            rows(500).map {
                var row = $0
                row.reward = -20 + 200 * row.reward
                return row
            }, scaled)
        for policy in 0..<3 {
            let one = try interval(plain.policies[policy].estimate("IPS"), .anytime)
            let other = try interval(money.policies[policy].estimate("IPS"), .anytime)
            #expect(abs(-20 + 200 * one.lower - other.lower) < 1e-8 && abs(-20 + 200 * one.upper - other.upper) < 1e-8)
        }
    }
}
