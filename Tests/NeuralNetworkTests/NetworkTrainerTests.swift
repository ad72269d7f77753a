import Foundation
import HaggleMath
import Testing

@testable import NeuralNetwork

@Suite struct NetworkTrainerTests {
    struct Rows {
        var inputs: [Float] = []
        var head: [Int32] = []
        var targets: [Float] = []
        var count: Int { head.count }

        /// y = sin(2 x0) for head 0 and x1 x2 for head 1, with noise of the given standard deviation.
        init(count: Int, noise: Double, seed: UInt64) {
            var generator = SeededGenerator(seed: seed)
            for row in 0..<count {
                let x = (0..<3).map { _ in 2 * generator.uniform() - 1 }
                inputs += x.map(Float.init)
                head.append(Int32(row % 2))
                targets.append(Float((row % 2 == 0 ? sin(2 * x[0]) : x[1] * x[2]) + noise * generator.normal()))
            }
        }
    }

    private func train(
        _ rows: Rows, activation: Activation = .tanh, _ configuration: NetworkTrainer.Configuration
    ) throws -> (network: MultilayerPerceptron, report: TrainingReport) {
        try NetworkTrainer.train(
            MultilayerPerceptron(inputWidth: 3, hidden: [24, 12], outputWidth: 2, activation: activation, seed: 5), inputs: rows.inputs,
            rowCount: rows.count, head: rows.head, targets: rows.targets, configuration: configuration)
    }

    /// The noise has variance .01, so no model can do better; the best constant per head scores about .25. Twice the noise shows that the
    /// functions were learned.
    @Test(arguments: Activation.allCases) func learnsAKnownFunction(_ activation: Activation) throws {
        let rows = Rows(count: 6000, noise: 0.1, seed: 1)
        let (_, report) = try train(
            rows, activation: activation, .init(learningRate: 0.005, batch: 64, epochs: 40, patience: 8, validationShare: 0.2, seed: 3))
        #expect(report.bestLoss < 0.02)
        #expect(report.trainingCount == 4800)
    }

    @Test func equalSeedsGiveEqualBits() throws {
        let rows = Rows(count: 500, noise: 0.1, seed: 2)
        let configuration = NetworkTrainer.Configuration(epochs: 3, seed: 7)
        let first = try train(rows, configuration)
        let second = try train(rows, configuration)
        #expect(first.network == second.network)
        #expect(first.report == second.report)
        #expect(try train(rows, .init(epochs: 3, seed: 8)).network != first.network)
    }

    /// Pure noise: the newest slice soon stops improving, and the network of the best pass is what comes back.
    @Test func stopsWhenTheNewestSliceStopsImproving() throws {
        var rows = Rows(count: 400, noise: 0, seed: 3)
        var generator = SeededGenerator(seed: 4)
        rows.targets = rows.targets.map { _ in Float(generator.normal()) }
        let (network, report) = try train(rows, .init(learningRate: 0.01, batch: 32, epochs: 200, patience: 3, seed: 1))
        #expect(report.epochs.count < 200)
        #expect(report.epochs.count == report.bestEpoch + 3)
        let start = 320
        var sum = 0.0
        for row in start..<400 {
            var output: [Float] = [0, 0]
            network.predict(Array(rows.inputs[row * 3..<row * 3 + 3]), into: &output)
            sum += pow(Double(output[Int(rows.head[row])] - rows.targets[row]), 2)
        }
        #expect(abs(sum / 80 - report.bestLoss) < 1e-4)
    }

    /// Rows that carry no weight teach nothing: half of the rows contradict the function and weigh 0.
    @Test func weightsDecideWhatIsLearned() throws {
        let rows = Rows(count: 2000, noise: 0, seed: 6)
        var targets = rows.targets
        var weights = [Float](repeating: 1, count: rows.count)
        for row in stride(from: 0, to: rows.count, by: 4) {
            for contradicted in [row, row + 1] { (targets[contradicted], weights[contradicted]) = (50, 0) }
        }
        let (network, _) = try NetworkTrainer.train(
            MultilayerPerceptron(inputWidth: 3, hidden: [24], outputWidth: 2, activation: .tanh, seed: 5), inputs: rows.inputs,
            rowCount: rows.count, head: rows.head, targets: targets, weights: weights,
            configuration: .init(learningRate: 0.01, batch: 64, epochs: 30, patience: 30, seed: 3))
        var output: [Float] = []
        network.predict([0.5, 0, 0], into: &output)
        // sin(1) = .84 against a contradiction of 50; a fifth leaves room for what 30 passes do not learn.
        #expect(abs(Double(output[0]) - sin(1)) < 0.2)
    }

    /// A head without rows keeps its weights but for decay, which is off here.
    @Test func onlyTheChosenHeadIsTrained() throws {
        var rows = Rows(count: 300, noise: 0, seed: 7)
        rows.head = rows.head.map { _ in 0 }
        let start = MultilayerPerceptron(inputWidth: 3, hidden: [], outputWidth: 2, activation: .relu, seed: 5)
        let (network, _) = try NetworkTrainer.train(
            start, inputs: rows.inputs, rowCount: rows.count, head: rows.head, targets: rows.targets,
            configuration: .init(weightDecay: 0, epochs: 2, seed: 1))
        for parameter in start.parameters.indices {
            #expect((network.parameters[parameter] == start.parameters[parameter]) == (parameter % 2 == 1), "parameter \(parameter)")
        }
    }

    /// One step of the algorithm by hand: the first step of Adam has the size of the learning rate against the gradient's sign, after the
    /// weight (not the bias) has shrunk by rate * decay. 1e-6: single precision.
    @Test func theFirstStepIsTheFormulas() throws {
        let start = MultilayerPerceptron(inputWidth: 1, hidden: [], outputWidth: 1, activation: .relu, parameters: [2, 1])
        let (network, report) = try NetworkTrainer.train(
            start, inputs: [1, 1], rowCount: 2, head: [0, 0], targets: [10, 10],
            configuration: .init(learningRate: 0.1, weightDecay: 0.5, batch: 2, epochs: 1, validationShare: 0, seed: 1))
        #expect(abs(network.parameters[0] - (2 * 0.95 + 0.1)) < 1e-6)
        #expect(abs(network.parameters[1] - 1.1) < 1e-6)
        #expect(report.epochs == [EpochReport(epoch: 1, trainingLoss: 49, validationLoss: nil)])
    }

    /// The newest fifth contradicts the rest: whoever validates on any other rows would see no reason to stop.
    @Test func theNewestRowsJudge() throws {
        var rows = Rows(count: 500, noise: 0, seed: 8)
        for row in 400..<500 { rows.targets[row] = -5 * rows.targets[row] }
        let (_, report) = try train(rows, .init(learningRate: 0.01, batch: 32, epochs: 100, patience: 2, seed: 1))
        #expect(report.validationCount == 100)
        #expect(report.epochs.count < 100)
        let first = try #require(report.epochs.first)
        let last = try #require(report.epochs.last)
        #expect(last.trainingLoss < first.trainingLoss)
    }

    @Test func progressIsReportedPassByPass() throws {
        var seen: [EpochReport] = []
        let rows = Rows(count: 100, noise: 0.1, seed: 2)
        let (_, report) = try NetworkTrainer.train(
            MultilayerPerceptron(inputWidth: 3, hidden: [4], outputWidth: 2, activation: .relu, seed: 5), inputs: rows.inputs,
            rowCount: rows.count, head: rows.head, targets: rows.targets, configuration: .init(epochs: 3, patience: 9)
        ) { seen.append($0) }
        #expect(seen.count == 3)
        #expect(seen == report.epochs)
    }

    @Test func aLossThatGrowsBeyondAllBoundsIsAnError() {
        let rows = Rows(count: 100, noise: 0.1, seed: 2)
        #expect(throws: NeuralNetworkError.diverged(epoch: 1)) { try train(rows, activation: .relu, .init(learningRate: 1e30, batch: 8)) }
    }

    @Test func aCancelledTaskStopsTraining() async {
        let rows = Rows(count: 100, noise: 0.1, seed: 2)
        await withTaskGroup(of: Void.self) { group in
            group.cancelAll()
            group.addTask { #expect(throws: NeuralNetworkError.cancelled) { try train(rows, .init()) } }
        }
    }

    @Test func badArraysAreRefused() {
        let network = MultilayerPerceptron(inputWidth: 1, hidden: [2], outputWidth: 1, activation: .relu, seed: 1)
        func train(_ inputs: [Float], _ head: [Int32], _ targets: [Float]) throws {
            _ = try NetworkTrainer.train(
                network, inputs: inputs, rowCount: head.count, head: head, targets: targets, configuration: .init(epochs: 1))
        }
        #expect(throws: NeuralNetworkError.noRows) { try train([], [], []) }
        #expect(throws: NeuralNetworkError.shapeMismatch(rowCount: 2, inputWidth: 1)) { try train([1], [0, 0], [1, 2]) }
        #expect(throws: NeuralNetworkError.unknownHead(outputWidth: 1)) { try train([1], [1], [1]) }
        #expect(throws: NeuralNetworkError.notFinite) { try train([.nan], [0], [1]) }
    }
}
