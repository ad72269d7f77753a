import Evaluation
import Foundation
import HaggleCore
import HaggleMath
import Testing

/// How many worlds a coverage test simulates; its description names the form that ran.
struct CoverageForm: Sendable, CustomTestStringConvertible {
    var worldCount: Int
    var resamples: Int

    static let current = isSoak ? CoverageForm(worldCount: 5000, resamples: 500) : CoverageForm(worldCount: 300, resamples: 200)
    static let isSoak = ProcessInfo.processInfo.environment["HAGGLE_SOAK"] == "1"

    var testDescription: String {
        CoverageForm.isSoak
            ? "full form: \(worldCount) worlds" : "reduced form: \(worldCount) worlds (HAGGLE_SOAK=1 runs the full form)"
    }

    /// 3.3 binomial standard deviations of a share of 95 %: one test in a thousand fails by chance.
    private var spread: Double { 3.3 * (0.95 * 0.05 / Double(worldCount)).squareRoot() }

    /// The covered shares that a 95 % interval may give: 93 to 97 % in the full form (1 point of chance, 1 for what an approximation loses at a
    /// few hundred rows), wider by chance in the reduced one.
    var accepted: ClosedRange<Double> { (0.94 - spread)...min(1, 0.96 + spread) }

    /// Of a method that promises at least 95 %.
    var acceptedAtLeast: Double { 0.95 - spread }

    /// The largest share of worlds in which a 95 % confidence sequence may ever miss: the promise, and chance.
    var acceptedMisses: Double { 0.05 + spread }

    /// Prints a figure in the full form, where the figures are what one wants to see.
    func report(_ name: String, _ count: Int) {
        if Self.isSoak { print("\(name): \(count) of \(worldCount) (\(100 * Double(count) / Double(worldCount)) %)") }
    }
}

/// A world with a known truth: three kinds of context, three arms, rewards around a table, and optionally a taste of each unit that its rows
/// share.
private struct World {
    var rowsPerUnit: Int
    var unitCount: Int
    /// Standard deviation of a unit's taste and of a row's noise.
    var taste: Double
    var noise: Double

    static let logging = [[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.25, 0.25, 0.5]]
    static let target = [[0.2, 0.5, 0.3], [0.5, 0.3, 0.2], [0.1, 0.3, 0.6]]
    static let means = [[1.0, 2.0, 0.5], [1.5, 1.0, 2.5], [0.0, 1.0, 3.0]]
    /// A reward model that is wrong, and was not fitted on the world's rows.
    static let model = [[1.2, 1.7, 0.9], [1.1, 1.3, 2.0], [0.4, 0.8, 2.6]]

    /// Contexts are equally likely.
    static var truth: Double {
        (0..<3).reduce(0) { total, context in total + (0..<3).reduce(0) { $0 + target[context][$1] * means[context][$1] } / 3 }
    }

    func columns(seed: UInt64) -> EvaluationColumns {
        var generator = SeededGenerator(seed: seed)
        var arms: [Int] = []
        var propensities: [Double] = []
        var rewards: [Double] = []
        var units: [UnitID] = []
        var targets: [Double] = []
        var estimates: [Double] = []
        for unit in 0..<unitCount {
            let context = Int(3 * generator.uniform())
            let taste = taste * generator.normal()
            for _ in 0..<rowsPerUnit {
                let u = generator.uniform()
                let p = Self.logging[context]
                let arm = u < p[0] ? 0 : u < p[0] + p[1] ? 1 : 2
                arms.append(arm)
                propensities.append(p[arm])
                rewards.append(Self.means[context][arm] + taste + noise * generator.normal())
                units.append(UnitID("u\(unit)"))
                targets.append(contentsOf: Self.target[context])
                estimates.append(contentsOf: Self.model[context])
            }
        }
        return EvaluationColumns(
            arms: arms, propensities: propensities, rewards: rewards, units: units, targets: [targets], estimates: estimates, armCount: 3)
    }

    /// For every estimator and interval, how many worlds it covered.
    func coverage(_ form: CoverageForm, clustering: EvaluationOptions.Clustering, intervals: [Interval.Method]) async throws -> [String:
        Int]
    {
        var covered: [String: Int] = [:]
        for world in 0..<form.worldCount {
            var evaluator = try Evaluator(
                policies: [EvaluatedPolicy(name: "target", target: .given)], armCount: 3,
                options: EvaluationOptions(
                    estimators: [InversePropensityScore(), SelfNormalisedInversePropensityScore(), DoublyRobust()], intervals: intervals,
                    resamples: form.resamples, seed: UInt64(world), clustering: clustering, isForced: true, threadCount: 1),
                rewardModel: "table")
            try await evaluator.add(columns(seed: UInt64(1000 + world)))
            for estimate in try await evaluator.report().policies[0].estimates {
                for interval in estimate.intervals where interval.contains(Self.truth) {
                    covered["\(estimate.estimator) \(interval.method.rawValue)", default: 0] += 1
                }
            }
        }
        return covered
    }
}

struct CoverageTests {
    /// 95 % intervals cover the truth in 95 % of worlds with independent rows.
    @Test(arguments: [CoverageForm.current])
    func intervalsCoverWithIndependentRows(form: CoverageForm) async throws {
        let world = World(rowsPerUnit: 1, unitCount: 200, taste: 0, noise: 1)
        try await expectCoverage(world, form)
    }

    /// They cover where each unit has four rows and a taste of its own, because errors and resampling go by unit.
    @Test(arguments: [CoverageForm.current])
    func intervalsCoverWithRecurringUnits(form: CoverageForm) async throws {
        let world = World(rowsPerUnit: 4, unitCount: 80, taste: 1.5, noise: 0.5)
        try await expectCoverage(world, form)
    }

    /// The same worlds, with rows taken for independent: the intervals miss far more often, so the clustering is what makes them right.
    @Test(arguments: [CoverageForm.current])
    func intervalsOfRowsMissWithRecurringUnits(form: CoverageForm) async throws {
        let world = World(rowsPerUnit: 4, unitCount: 80, taste: 1.5, noise: 0.5)
        let covered = try await world.coverage(form, clustering: .row, intervals: [.normal])
        for (name, count) in covered { #expect(Double(count) / Double(form.worldCount) < 0.88, "\(name): \(count)") }
        #expect(covered.count == 3)
    }

    /// 0/1 rewards, even logging and a policy that takes one arm: exact and finite-sample intervals cover at least 95 %, the others about.
    @Test(arguments: [CoverageForm.current])
    func intervalsForBoundedRewardsCover(form: CoverageForm) async throws {
        let methods: [Interval.Method] = [.normal, .studentT, .hoeffding, .empiricalBernstein, .clopperPearson, .cressieRead]
        var covered: [String: Int] = [:]
        for world in 0..<form.worldCount {
            var generator = SeededGenerator(seed: UInt64(30_000 + world))
            let arms = (0..<400).map { _ in generator.uniform() < 0.5 ? 0 : 1 }
            let rewards = arms.map { generator.uniform() < [0.2, 0.4][$0] ? 1.0 : 0 }
            var evaluator = try Evaluator(
                policies: [EvaluatedPolicy(name: "first", target: .given)], armCount: 2,
                options: EvaluationOptions(
                    estimators: [InversePropensityScore(), SelfNormalisedInversePropensityScore()], intervals: methods, isForced: true,
                    threadCount: 1, rewardRange: 0...1, weightBound: 2))
            try await evaluator.add(
                EvaluationColumns(
                    arms: arms, propensities: [Double](repeating: 0.5, count: 400), rewards: rewards,
                    targets: [(0..<400).flatMap { _ in [1.0, 0] }], armCount: 2))
            for estimate in try await evaluator.report().policies[0].estimates {
                for interval in estimate.intervals where interval.contains(0.2) {
                    covered["\(estimate.estimator) \(interval.method.rawValue)", default: 0] += 1
                }
            }
        }
        #expect(covered.count == 8)
        for (name, count) in covered.sorted(by: { $0.key < $1.key }) {
            let share = Double(count) / Double(form.worldCount)
            if name.hasSuffix("normal") || name.hasSuffix("student-t") {
                #expect(form.accepted.contains(share), "\(name): \(count) of \(form.worldCount)")
            } else {
                #expect(share >= form.acceptedAtLeast, "\(name): \(count) of \(form.worldCount)")
            }
            form.report(name, count)
        }
    }

    private func expectCoverage(_ world: World, _ form: CoverageForm) async throws {
        let covered = try await world.coverage(form, clustering: .unit, intervals: [.normal, .studentT, .bootstrap])
        #expect(covered.count == 9)
        for (name, count) in covered.sorted(by: { $0.key < $1.key }) {
            #expect(form.accepted.contains(Double(count) / Double(form.worldCount)), "\(name): \(count) of \(form.worldCount)")
            form.report("\(world.rowsPerUnit) rows a unit, \(name)", count)
        }
    }
}
