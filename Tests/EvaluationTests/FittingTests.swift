import Evaluation
import HaggleCore
import HaggleMath
import Synchronization
import Testing

/// Remembers what it was fitted on.
private final class Witness: RewardModelTrainer {
    struct Model: RewardModel {
        var rows: [Double]
        func estimate(in context: Context, into estimates: inout [Double]) {
            for arm in estimates.indices { estimates[arm] = Double(rows.count) }
        }
    }

    let fits = Mutex<[[Double]]>([])
    let weights = Mutex<[[Double]]>([])
    var name: String { "witness" }

    func train(on interactions: [Interaction], armCount: Int) throws -> any RewardModel {
        fits.withLock { $0.append(interactions.map(\.reward)) }
        return Model(rows: interactions.map(\.reward))
    }

    func train(on interactions: [Interaction], weights: [Double], armCount: Int) throws -> any RewardModel {
        self.weights.withLock { $0.append(weights) }
        return try train(on: interactions, armCount: armCount)
    }
}

/// Always the same probabilities.
private struct Shares: Policy {
    var shares: [Double]
    var armCount: Int { shares.count }
    func distribution(over eligible: [Int], in context: Context) -> ArmDistribution {
        ArmDistribution(weights: shares, floor: 0, eligible: eligible)
    }
}

private func log(_ count: Int, rowsPerUnit: Int = 0) -> [Interaction] {
    (0..<count).map { index in
        Interaction(
            unit: rowsPerUnit > 0 ? UnitID("u\(index / rowsPerUnit)") : nil, arm: index % 2, propensity: 0.5, propensities: [0.5, 0.5],
            reward: Double(index))
    }
}

struct FittingTests {
    /// Rewards are row numbers here: every fit saw earlier rows only, and each about half as many rows more than the one before.
    @Test func pastOnlyFitsSeeEarlierRowsOnly() throws {
        let witness = Witness()
        var fitting = PastOnlyFitting(witness, armCount: 2, sampleCapacity: 100_000, seed: 1)
        var fitted = 0
        for (index, row) in log(5000).enumerated() {
            let estimates = try fitting.score(row)
            let fits = witness.fits.withLock { $0 }
            if fits.count > fitted {
                fitted = fits.count
                #expect(fits[fitted - 1] == (0..<index).map(Double.init))
            }
            // Before the first fit: the mean of the rows so far, shrunken by one row of 0.
            if fitted == 0 { #expect(agree(estimates[0], Double(index * (index - 1)) / 2 / Double(index + 1), within: 1e-12)) }
            if fitted > 0 { #expect(estimates == [Double](repeating: Double(fits[fitted - 1].count), count: 2)) }
        }
        // 200, 300, 450, 675, 1012, 1518, 2277, 3415: then 5 122.
        #expect(fitting.fitCount == 8 && fitting.rowCount == 5000)
    }

    @Test func withoutATrainerThePastMeanIsTheModel() throws {
        var fitting = PastOnlyFitting(nil, armCount: 3, sampleCapacity: 10, seed: 1)
        for row in log(300) { _ = try fitting.score(row) }
        let estimates = try fitting.score(log(1)[0])
        #expect(agree(estimates[2], Double(300 * 299) / 2 / 301, within: 1e-12) && fitting.fitCount == 0)
    }

    /// A sample keeps whole units, in order, between half its capacity and its capacity, the same share of early and of late rows.
    @Test(arguments: [1, 4])
    func samplesAreBoundedAndKeepUnitsWhole(rowsPerUnit: Int) {
        var sample = FittingSample(capacity: 1000, seed: 3)
        for (index, row) in log(20_000, rowsPerUnit: rowsPerUnit).enumerated() { sample.offer(row, row: index) }
        #expect((450...1000).contains(sample.entries.count), "\(sample.entries.count)")
        let rows = sample.entries.map(\.row)
        #expect(rows == rows.sorted())
        var counts: [UnitID: Int] = [:]
        for entry in sample.entries { counts[entry.interaction.unit ?? UnitID(""), default: 0] += 1 }
        #expect(counts.values.allSatisfy { $0 == rowsPerUnit })
        // Binomial with at least 450 / rowsPerUnit units: 5 standard deviations.
        let early = rows.filter { $0 < 10_000 }.count
        #expect(abs(Double(early) / Double(rows.count) - 0.5) < 2.5 / (450 / Double(rowsPerUnit)).squareRoot())
    }

    @Test func oneCrowdingUnitKeepsItsFirstRows() {
        var sample = FittingSample(capacity: 50, seed: 3)
        for (index, row) in log(500, rowsPerUnit: 500).enumerated() { sample.offer(row, row: index) }
        #expect(sample.entries.map(\.row) == Array(0..<50))
    }

    @Test func shortLogsAreKeptWhole() {
        var sample = FittingSample(capacity: 500, seed: 3)
        for (index, row) in log(500).enumerated() { sample.offer(row, row: index) }
        #expect(sample.entries.count == 500)
    }

    /// Every fold's model misses the fold's units, also those beyond the sample.
    @Test func crossFittingOnASampleLeavesOutTheFold() throws {
        let rows = log(6000, rowsPerUnit: 3)
        var sample = FittingSample(capacity: 900, seed: 5)
        for (index, row) in rows.enumerated() { sample.offer(row, row: index) }
        let witness = Witness()
        let folds = CrossFitting(foldCount: 4, seed: 5)
        let model = try folds.fit(witness, on: sample, armCount: 2)
        let fits = witness.fits.withLock { $0 }
        #expect(fits.count == 4 && model.models.count == 4)
        for (fold, fit) in fits.enumerated() {
            #expect(fit.allSatisfy { folds.fold(unit: rows[Int($0)].unit, row: Int($0)) != fold })
            #expect(!fit.isEmpty)
        }
        for (index, row) in rows.enumerated() {
            let estimates = model.estimates(context: row.context, unit: row.unit, row: index)
            #expect(estimates[0] == Double(fits[folds.fold(unit: row.unit, row: index)].count))
        }
    }

    /// The driver hands past estimates to DR, and weights of pi (1 - p) / p^2 to the trainer of MRDR.
    @Test func theDriverFitsAsItIsTold() async throws {
        let source = InteractionList(arms: [Arm(key: "a"), Arm(key: "b")], rows: log(600))
        let policy = EvaluatedPolicy("mostly a", Shares(shares: [0.8, 0.2]))
        let past = Witness()
        _ = try await evaluate(
            source: source, policies: [policy], options: EvaluationOptions(isForced: true, fitting: .pastOnly), rewardModel: past)
        #expect(past.fits.withLock { $0.map(\.count) } == [200, 300, 450])
        let robust = Witness()
        let report = try await evaluate(
            source: source, policies: [policy, .logged],
            options: EvaluationOptions(estimators: [try EstimatorPanel.parse("MRDR")], isForced: true, folds: 2), rewardModel: robust)
        #expect(report.policies[0].estimates[0].value != nil)
        let weights = robust.weights.withLock { $0 }
        #expect(weights.count == 2)
        // pi .8 or .2, p .5: 1.6 or .4.
        #expect(weights.allSatisfy { $0.allSatisfy { abs($0 - 1.6) < 1e-12 || abs($0 - 0.4) < 1e-12 } })
    }
}
