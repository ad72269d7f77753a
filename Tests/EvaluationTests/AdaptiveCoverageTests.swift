import Evaluation
import HaggleCore
import HaggleMath
import Testing

/// A world whose logging policy learns while it logs: two kinds of context, equally likely, two arms, conversions. Every 100 rows a snapshot is
/// published that gives each context's better arm so far all but the floor of .05.
struct LearningWorld: Sendable {
    /// P(conversion) by kind and arm.
    var means = [[0.3, 0.5], [0.6, 0.45]]
    /// What is evaluated, by kind; it wants what learning gives up.
    var target = [[0.7, 0.3], [0.2, 0.8]]
    var other = [[0.1, 0.9], [0.9, 0.1]]
    var rowCount: Int
    var rowsPerSnapshot = 100
    var floor = 0.05

    func value(of policy: [[Double]]) -> Double {
        (0..<2).reduce(0) { total, kind in total + (0..<2).reduce(0) { $0 + policy[kind][$1] * means[kind][$1] } / 2 }
    }

    /// One row with everything that was known before it.
    struct Row {
        var kind: Int
        var arm: Int
        var propensities: [Double]
        var reward: Double
        var snapshot: Int
        /// The mean reward of each arm in this kind of context over earlier rows, shrunken to 1/2.
        var past: [Double]
        /// V of the target and of the other policy: each kind's sum of pi^2 / p under the snapshot, by the shares of kinds before it.
        var variances: [Double]
    }

    func log(seed: UInt64, _ body: (Row) throws -> Void) rethrows {
        var generator = SeededGenerator(seed: seed)
        var counts = [[1.0, 1.0], [1.0, 1.0]]
        var sums = [[0.5, 0.5], [0.5, 0.5]]
        var kinds = [0.5, 0.5]
        var logging = [[0.5, 0.5], [0.5, 0.5]]
        var variances = [0.0, 0.0]
        for index in 0..<rowCount {
            if index.isMultiple(of: rowsPerSnapshot) {
                if index > 0 {
                    for kind in 0..<2 {
                        let best = sums[kind][0] / counts[kind][0] >= sums[kind][1] / counts[kind][1] ? 0 : 1
                        logging[kind] = best == 0 ? [1 - floor, floor] : [floor, 1 - floor]
                    }
                }
                variances = [target, other].map { policy in
                    var total = 0.0
                    for kind in 0..<2 {
                        for arm in 0..<2 { total += kinds[kind] * policy[kind][arm] * policy[kind][arm] / logging[kind][arm] }
                    }
                    return total / (kinds[0] + kinds[1])
                }
            }
            let kind = generator.uniform() < 0.5 ? 0 : 1
            let arm = generator.uniform() < logging[kind][0] ? 0 : 1
            let reward = generator.uniform() < means[kind][arm] ? 1.0 : 0
            let past = [sums[kind][0] / counts[kind][0], sums[kind][1] / counts[kind][1]]
            try body(
                Row(
                    kind: kind, arm: arm, propensities: logging[kind], reward: reward, snapshot: index / rowsPerSnapshot, past: past,
                    variances: variances))
            counts[kind][arm] += 1
            sums[kind][arm] += reward
            kinds[kind] += 1
        }
    }

    /// Rows as columns with past estimates and snapshot variances, for the target and the other policy.
    func columns(seed: UInt64) -> EvaluationColumns {
        var rows: [Row] = []
        rows.reserveCapacity(rowCount)
        log(seed: seed) { rows.append($0) }
        let past = rows.flatMap(\.past)
        return EvaluationColumns(
            arms: rows.map(\.arm), propensities: rows.map { $0.propensities[$0.arm] }, rewards: rows.map(\.reward),
            targets: [rows.flatMap { target[$0.kind] }, rows.flatMap { other[$0.kind] }], estimates: past, pastEstimates: past,
            snapshotVariances: [rows.map { $0.variances[0] }, rows.map { $0.variances[1] }], armCount: 2)
    }
}

struct AdaptiveCoverageTests {
    /// Normal intervals of adaptively weighted DR cover on logs whose policy learned, for a value and for a difference.
    @Test(arguments: [CoverageForm.current])
    func adaptiveWeightsCoverOnLogsThatLearned(form: CoverageForm) async throws {
        let world = LearningWorld(rowCount: 2000)
        let truth = world.value(of: world.target)
        let gap = world.value(of: world.other) - truth
        var covered: [String: Int] = [:]
        for seed in 0..<form.worldCount {
            var evaluator = try Evaluator(
                policies: [EvaluatedPolicy(name: "target", target: .given), EvaluatedPolicy(name: "other", target: .given)], armCount: 2,
                options: EvaluationOptions(
                    estimators: AdaptiveWeighting.allCases.map { AdaptivelyWeightedDoublyRobust(weighting: $0) }, isForced: true,
                    threadCount: 1), rewardModel: "past")
            try await evaluator.add(world.columns(seed: UInt64(70_000 + seed)))
            let report = try await evaluator.report()
            for estimate in report.policies[0].estimates where try #require(estimate.intervals.first).contains(truth) {
                covered[estimate.estimator, default: 0] += 1
            }
            for difference in report.differences where try #require(difference.intervals.first).contains(gap) {
                covered["difference by \(difference.estimator)", default: 0] += 1
            }
        }
        #expect(covered.count == 6)
        for (name, count) in covered.sorted(by: { $0.key < $1.key }) {
            #expect(form.accepted.contains(Double(count) / Double(form.worldCount)), "\(name): \(count) of \(form.worldCount)")
            form.report(name, count)
        }
    }

    /// Anytime intervals miss in at most 5 % of worlds over *all* times: value and difference, with the mean and with the model of the past,
    /// with and without a declared bound on weights.
    @Test(arguments: [CoverageForm.current], [nil, 20.0])
    func anytimeIntervalsHoldAtAllTimesOnLogsThatLearn(form: CoverageForm, bound: Double?) throws {
        let world = LearningWorld(rowCount: 1000)
        let truth = world.value(of: world.target)
        let gap = world.value(of: world.other) - truth
        var missed = ["value": 0, "value with a model": 0, "difference": 0, "difference with a model": 0]
        var width = 0.0
        for seed in 0..<form.worldCount {
            var sequences = PolicySequences(rewardRange: 0...1, weightBound: bound, policyCount: 2, level: 0.95)
            var misses = [false, false, false, false]
            world.log(seed: UInt64(90_000 + seed)) { row in
                let p = row.propensities[row.arm]
                sequences.add(
                    [world.target, world.other].map { PolicySequences.Row(weight: $0[row.kind][row.arm] / p, target: $0[row.kind][...]) },
                    arm: row.arm, reward: row.reward, propensities: row.propensities[...], pastEstimates: row.past[...])
                for (index, isModel) in [false, true].enumerated() {
                    if let found = sequences.value(of: 0, withModel: isModel), truth < found.lower || truth > found.upper {
                        misses[index] = true
                    }
                    if let found = sequences.difference(1, minus: 0, withModel: isModel), gap < found.lower || gap > found.upper {
                        misses[2 + index] = true
                    }
                }
            }
            for (index, name) in ["value", "value with a model", "difference", "difference with a model"].enumerated() where misses[index] {
                missed[name, default: 0] += 1
            }
            if let last = sequences.value(of: 0, withModel: true) { width += last.upper - last.lower }
        }
        for (name, count) in missed.sorted(by: { $0.key < $1.key }) {
            #expect(Double(count) / Double(form.worldCount) <= form.acceptedMisses, "\(name): \(count) of \(form.worldCount)")
            form.report("anytime \(name), weight bound \(bound.map { "\($0)" } ?? "none"), worlds missed at any time", count)
        }
        // Not by being useless: after 1 000 rows, of which few show what the policy wants, the interval is still shorter than the range.
        #expect(width / Double(form.worldCount) < 0.75, "mean width \(width / Double(form.worldCount))")
    }

    /// The same interval looked at after every row: the normal one misses in far more than 5 % of worlds at some time, which is why a page
    /// that is watched shows a sequence; the asymptotic sequence from 1 000 rows on does not.
    @Test(arguments: [CoverageForm.current])
    func watchingANormalIntervalMissesAndAnAsymptoticSequenceDoesNot(form: CoverageForm) {
        var missed = (normal: 0, sequence: 0)
        for seed in 0..<form.worldCount {
            var generator = SeededGenerator(seed: UInt64(50_000 + seed))
            var moments = RunningMoments()
            var misses = (normal: false, sequence: false)
            for row in 1...4000 {
                // Logged evenly over two arms, the policy takes the first, which converts in 20 %: weights 2 and 0.
                moments.add(generator.uniform() < 0.5 && generator.uniform() < 0.2 ? 2 : 0)
                guard row >= 1000, let square = moments.squaredError else { continue }
                let distance = abs(moments.mean - 0.2) / square.squareRoot()
                if distance > 1.959963984540054 { misses.normal = true }
                if distance > AsymptoticSequence.factor(observationCount: row, level: 0.95) { misses.sequence = true }
            }
            missed.normal += misses.normal ? 1 : 0
            missed.sequence += misses.sequence ? 1 : 0
        }
        let worlds = Double(form.worldCount)
        #expect(Double(missed.normal) / worlds > 0.12, "\(missed.normal)")
        #expect(Double(missed.sequence) / worlds <= form.acceptedMisses, "\(missed.sequence)")
        form.report("normal interval watched from row 1000 to 4000, worlds missed at any time", missed.normal)
        form.report("asymptotic sequence over the same rows, worlds missed at any time", missed.sequence)
    }
}
