import Evaluation
import Foundation
import HaggleCore
import NeuralNetwork
import Reporting
import Synchronization
import Testing

@testable import Training

@Suite struct ModelSearchTests {
    private typealias Model = PolicyConfiguration.Model

    private static let grid = ModelGrid(
        base: Model(hidden: [16], learningRate: 0.03, batch: 64, epochs: 40, patience: 10),
        axes: [GridAxis(name: "kind", values: [.kind(.linear), .kind(.mlp)])])

    private static func search(
        _ split: FoldPlan.Split = .unit, folds: Int = 3, workers: Int? = nil, schema: FeatureSchema = TrainingWorld.schema()
    ) -> ModelSearch {
        ModelSearch(
            schema: schema, arms: TrainingWorld.arms, configuration: .init(folds: folds, split: split, seed: 5, workers: workers))
    }

    private static func temporaryPath() -> String {
        FileManager.default.temporaryDirectory.appending(path: "haggle-search-\(UUID().uuidString)").path
    }

    /// The world's reward is a product of signs: no line predicts it, a small network does. Best possible loss: noise over variance, 0.27;
    /// a constant scores 1. The best policy earns 1.
    @Test(arguments: FoldPlan.Split.allCases)
    func theNetworkWinsWhereNoLineCan(split: FoldPlan.Split) async throws {
        let report = try await Self.search(split).run(Self.grid, on: TrainingWorld.log(count: 3000), title: "world")
        #expect(report.configurations.map(\.name) == ["kind: mlp", "kind: linear"])
        let (mlp, linear) = (report.configurations[0], report.configurations[1])
        let loss = try #require(mlp.loss)
        // Estimation costs a little on top of the floor; 0.5 is halfway to a constant.
        #expect(loss > 0.25 * 0.9 / TrainingWorld.variance)
        // In time the first fold trains on 750 rows instead of 2 000.
        #expect(loss < (split == .unit ? 0.5 : 0.6))
        #expect((0.95...1.05).contains(linear.loss ?? 0))
        #expect((linear.behind ?? 0) > 3 * (linear.behindError ?? 1))
        #expect(mlp.behind == nil && mlp.foldLosses.count == 3 && mlp.bestEpochs.count == 3 && linear.bestEpochs.isEmpty)
        let value = try #require(mlp.value)
        #expect(value.verdict == .supported)
        let robust = try #require(value.estimates.first { $0.estimator == "DR" })
        let interval = try #require(robust.intervals.first)
        // The learned policy is nearly the best one, and its interval knows how nearly.
        #expect((robust.value ?? 0) > 0.75 && interval.lower < 1 && interval.upper - interval.lower < 0.2)
        // A line's greedy policy is as good as chance: 0 on average.
        #expect(abs(linear.value?.estimates.first?.value ?? 9) < 0.25)
        #expect(mlp.passes.count > 2 && mlp.passes[0].trainingLoss > (mlp.passes.last?.trainingLoss ?? 9))
        #expect(abs((mlp.slope ?? 0) - 1) < 0.2)
        #expect(mlp.calibration.reduce(0) { $0 + $1.rowCount } == (split == .unit ? 3000 : 2250))
        #expect(report.warnings.isEmpty && report.resumedCount == 0)
    }

    @Test func theResultDoesNotDependOnTheNumberOfWorkers() async throws {
        let rows = TrainingWorld.log(count: 400)
        func stripped(_ workers: Int) async throws -> ModelSearchReport {
            var report = try await Self.search(workers: workers).run(Self.grid, on: rows, title: "")
            for index in report.configurations.indices { report.configurations[index].seconds = 0 }
            return report
        }
        #expect(try await stripped(1) == (try await stripped(4)))
    }

    @Test func aFinishedFoldIsNeverComputedAgain() async throws {
        let rows = TrainingWorld.log(count: 400)
        let path = Self.temporaryPath()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let data = ModelSearch.digest(of: rows, arms: TrainingWorld.arms)
        struct Stop: Error {}
        // Stopped after two folds, as by a kill: what is in the state by then stays.
        await #expect(throws: Stop.self) {
            _ = try await Self.search(workers: 1).run(
                Self.grid, on: rows, title: "", state: try TrainingState(path: path, data: data)
            ) { if $0.completed == 2 { throw Stop() } }
        }
        let kept = try TrainingState(path: path, data: data).count
        #expect((2...3).contains(kept))
        let second = try await Self.search().run(Self.grid, on: rows, title: "", state: try TrainingState(path: path, data: data))
        #expect(second.resumedCount == kept)
        let bytes = try Data(contentsOf: URL(filePath: path))
        let third = try await Self.search().run(Self.grid, on: rows, title: "", state: try TrainingState(path: path, data: data))
        #expect(third.resumedCount == 6 && third.configurations == second.configurations)
        #expect(try Data(contentsOf: URL(filePath: path)) == bytes)
        // A larger grid uses what is there; another seed does not.
        let larger = ModelGrid(
            base: Self.grid.base, axes: Self.grid.axes + [GridAxis(name: "hidden", values: [.hidden([16]), .hidden([4])])])
        let fourth = try await Self.search().run(larger, on: rows, title: "", state: try TrainingState(path: path, data: data))
        #expect(fourth.resumedCount == 6 && fourth.configurations.count == 3)
        #expect(throws: TrainingError.self) {
            try TrainingState(path: path, data: ModelSearch.digest(of: Array(rows.dropLast()), arms: TrainingWorld.arms))
        }
    }

    @Test func aDivergingLearningRateIsReportedAndTheOthersGoOn() async throws {
        let grid = ModelGrid(
            base: Model(hidden: [16], epochs: 5),
            axes: [GridAxis(name: "learning_rate", values: [.learningRate(1e30), .learningRate(0.01)])])
        let report = try await Self.search().run(grid, on: TrainingWorld.log(count: 600), title: "")
        #expect(report.best?.name == "learning_rate: 0.01")
        let failed = try #require(report.configurations.last)
        #expect(failed.loss == nil && failed.value == nil && failed.behind == nil)
        #expect(failed.remarks.first == "fold 1: diverged in pass 1")
        #expect(report.text().contains("failed") && report.text().contains("diverged in pass 1"))
        #expect(try report.json().contains("\"loss\"") && !(try report.json()).contains("nan"))
    }

    @Test func equalLabelsGiveNumbersAndAWarning() async throws {
        var rows = TrainingWorld.log(count: 300)
        for index in rows.indices { rows[index].reward = 2.5 }
        let report = try await Self.search().run(Self.grid, on: rows, title: "")
        #expect(report.warnings.first?.hasPrefix("all 300 rewards are 2.5") == true)
        // In units of the reward squared, as there is no variance: a network's outputs are within a twentieth of 2.5.
        for one in report.configurations { #expect((one.loss ?? .nan) < 0.125 * 0.125) }
        #expect(report.text().contains("2.5"))
    }

    @Test func uselessFeaturesAreNamed() async throws {
        var rows = TrainingWorld.log(count: 300)
        for index in rows.indices {
            guard case .number(let x) = rows[index].context["x"], case .number(let z) = rows[index].context["z"] else { continue }
            rows[index].context["constant"] = 3
            rows[index].context["sum"] = .number(1000 + 0.001 * (x - 2 * z))
        }
        let schema = TrainingWorld.schema(["x", "z", "constant", "absent", "sum"])
        let report = try await Self.search(schema: schema).run(Self.grid, on: rows, title: "")
        #expect(report.warnings.count == 3)
        #expect(report.warnings.contains { $0.hasPrefix("feature constant has one value") })
        #expect(report.warnings.contains { $0.hasPrefix("feature absent is missing in every row") })
        #expect(report.warnings.contains { $0.hasPrefix("feature sum is a linear function of other features (most like z)") })
        for one in report.configurations { #expect(one.loss?.isFinite == true) }
    }

    @Test func aLogWithoutPropensitiesHasLossesAndNoValue() async throws {
        var rows = TrainingWorld.log(count: 200)
        for index in rows.indices { rows[index].propensity = nil }
        let report = try await Self.search().run(Self.grid, on: rows, title: "")
        #expect(report.configurations.allSatisfy { $0.value == nil && $0.loss != nil })
        #expect(report.warnings.contains { $0.hasPrefix("200 of 200 rows have no propensity") })
        #expect(!report.text().contains("DR value"))
    }

    @Test func tooFewRowsForANetworkAreSaid() async throws {
        let report = try await Self.search().run(Self.grid, on: TrainingWorld.log(count: 60, perUnit: 1), title: "")
        #expect(report.warnings.contains { $0.contains("a network needs 64") })
        #expect(report.configurations.first { $0.name == "kind: mlp" }?.remarks.first?.contains("too few rows for a network") == true)
        // 60 rows cannot judge a deterministic policy: worth about 20.
        #expect(report.configurations.allSatisfy { $0.value?.verdict == .unsupported && $0.value?.estimates.first?.value == nil })
        #expect(report.text().contains("withheld"))
    }

    @Test func gridsThatAreEmptyOrBeyondMeaningAreRefused() async {
        let rows = TrainingWorld.log(count: 60)
        await #expect(throws: TrainingError.gridSize(0)) {
            _ = try await Self.search().run(ModelGrid(base: Model(), axes: [GridAxis(name: "loss", values: [])]), on: rows, title: "")
        }
        let axis = GridAxis(name: "batch", values: (1...101).map { .batch($0) })
        await #expect(throws: TrainingError.gridSize(101 * 101)) {
            _ = try await Self.search().run(ModelGrid(base: Model(), axes: [axis, axis]), on: rows, title: "")
        }
    }

    /// DR is fitted without the rows that it judges, so its interval covers: 200 logs, the linear model's greedy policy, value known.
    @Test func theValueCoversTheTruth() async throws {
        let runs = ProcessInfo.processInfo.environment["HAGGLE_SOAK"] == "1" ? 400 : 40
        var covered = 0
        for seed in 0..<runs {
            let rows = TrainingWorld.log(count: 300, seed: UInt64(1000 + seed))
            // With x and z left out every model is constant, and so is its policy; the value of every constant policy is 0.
            let report = try await Self.search(folds: 2, schema: FeatureSchema()).run(
                ModelGrid(base: Model(kind: .linear)), on: rows, title: "")
            let interval = try #require(report.best?.value?.estimates.first?.intervals.first)
            if interval.contains(0) { covered += 1 }
        }
        // 95 % of 40 is 38 +- 1.4; four standard errors below is 32.
        #expect(Double(covered) >= 0.95 * Double(runs) - 4 * (0.0475 * Double(runs)).squareRoot())
    }

    /// 2 inputs, 16 hidden units, 3 arms; a pass after which training stops is still one.
    @Test func weightsAndGradientsOfEveryPassAreHistograms() async throws {
        let steps = Mutex<[ModelSearch.Step]>([])
        _ = try await Self.search().run(Self.grid, on: TrainingWorld.log(count: 400), title: "", recordsTensors: true) { step in
            steps.withLock { $0.append(step) }
        }
        for step in steps.withLock({ $0 }) {
            #expect(step.tensors.map(\.epoch) == step.outcome.epochs.map(\.epoch))
            #expect(step.model.kind == .mlp || step.tensors.isEmpty)
            for pass in step.tensors {
                #expect(pass.tensors.map(\.name) == ["dense0/weights", "dense0/bias", "heads/weights", "heads/bias"])
                #expect(pass.tensors.map(\.weights.count) == [32, 16, 48, 3] && pass.tensors.map(\.gradients.count) == [32, 16, 48, 3])
                #expect(pass.tensors[0].gradients.sumOfSquares > 0)
            }
        }
    }

    @Test func tensorBoardGetsAFolderAConfiguration() async throws {
        let path = Self.temporaryPath()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let folder = TensorBoardFolder(path: path)
        let report = try await Self.search().run(Self.grid, on: TrainingWorld.log(count: 400), title: "") {
            try folder.write($0, wallTime: 1_700_000_000)
        }
        try folder.write(report, wallTime: 1_700_000_001)
        let files = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String }.filter { $0.hasSuffix(".haggle") }.sorted()
        let events = "events.out.tfevents.1700000000.haggle"
        #expect(
            files == [
                "001/events.out.tfevents.1700000001.haggle", "001/fold-1/\(events)", "001/fold-2/\(events)", "001/fold-3/\(events)",
                "002/events.out.tfevents.1700000001.haggle", "002/fold-1/\(events)", "002/fold-2/\(events)", "002/fold-3/\(events)",
            ])
    }
}
