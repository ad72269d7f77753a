import HaggleMath
import Testing

@testable import NeuralNetwork

struct SequenceNetworkTests {
    private static func network(_ kind: SequenceEncoder.Kind, norm: Bool = true, residual: Bool = true, seed: UInt64 = 3)
        -> MultilayerPerceptron
    {
        let encoder = SequenceEncoder(kind: kind, length: 5, numberCount: 2, categories: [7, 3], units: 4, kernel: 3, activation: .tanh)
        return MultilayerPerceptron(
            inputWidth: 2 + encoder.inputWidth, hidden: [6, 6], outputWidth: 4, activation: .tanh, encoders: [encoder], layerNorm: norm,
            residual: residual, seed: seed)
    }

    private static func rows(_ count: Int, seed: UInt64) -> [Float] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).flatMap { row -> [Float] in
            let plain = (0..<2).map { _ in Float(generator.normal()) }
            let events = (0..<5).flatMap { _ in
                [
                    Float(generator.normal()), Float(generator.normal()), Float(Int(7 * generator.uniform())),
                    Float(Int(3 * generator.uniform())),
                ]
            }
            return plain + [Float(row % 6)] + events
        }
    }

    /// Central differences of the loss in single precision with step 2e-3: their rounding error is about 1e-7 / 2e-3 = 5e-5 of a loss of size
    /// 1, their truncation error of the order of 4e-6; 2e-3 of the largest slope leaves room for both and for no wrong term.
    @Test(arguments: SequenceEncoder.Kind.allCases, TrainingLoss.allCases)
    func everyGradientMatchesTheDifferenceQuotient(_ kind: SequenceEncoder.Kind, _ loss: TrainingLoss) {
        var network = Self.network(kind)
        let count = 6
        let inputs = Self.rows(count, seed: 8)
        let head = (0..<count).map { Int32($0 % 2) }
        let targets: [Float] = loss == .bernoulli ? [0, 1, 1, 0, 1, 0] : [0.5, -1, 2.5, 0.1, -0.3, 1]
        let hits = loss == .twoPart ? [true, false, true, true, false, true] : nil
        var passes = Backpropagation(for: network, capacity: count, loss: loss)
        func value(_ network: MultilayerPerceptron, _ passes: inout Backpropagation, backward: Bool = false) -> Double {
            passes.run(
                network, rows: Array(0..<count)[...], inputs: inputs, head: head, targets: targets, hits: hits, weights: nil,
                backward: backward) / Double(count)
        }
        _ = value(network, &passes, backward: true)
        let gradient = passes.gradient
        let largest = gradient.reduce(0) { max($0, abs($1)) }
        #expect(largest > 0.05)
        let start = network.parameters
        for index in start.indices {
            network.parameters[index] = start[index] + 2e-3
            let up = value(network, &passes)
            network.parameters[index] = start[index] - 2e-3
            let down = value(network, &passes)
            network.parameters[index] = start[index]
            #expect(abs((up - down) / 4e-3 - Double(gradient[index])) < 2e-3 * Double(max(largest, 1)), "parameter \(index)")
        }
    }

    @Test(arguments: SequenceEncoder.Kind.allCases) func aRowHasTheSameBitsAloneAndInABatch(_ kind: SequenceEncoder.Kind) {
        let network = Self.network(kind)
        let inputs = Self.rows(9, seed: 2)
        var batch = [Float](repeating: 0, count: 9 * 4)
        var span = batch.mutableSpan
        network.predict(inputs.span, rowCount: 9, into: &span)
        for row in 0..<9 {
            var alone: [Float] = []
            network.predict(Array(inputs[row * network.inputWidth..<(row + 1) * network.inputWidth]), into: &alone)
            #expect(alone.map(\.bitPattern) == batch[row * 4..<(row + 1) * 4].map(\.bitPattern))
        }
    }

    /// What lies behind the last event is not looked at, and the order of the events is.
    @Test(arguments: SequenceEncoder.Kind.allCases) func onlyTheEventsCountAndTheirOrder(_ kind: SequenceEncoder.Kind) {
        let network = Self.network(kind)
        var row = Array(Self.rows(4, seed: 5).suffix(network.inputWidth))
        row[2] = 3
        func output(_ row: [Float]) -> [Float] {
            var output: [Float] = []
            network.predict(row, into: &output)
            return output
        }
        let before = output(row)
        var changed = row
        changed[3 + 3 * 4] += 1
        #expect(output(changed) == before)
        changed = row
        changed.replaceSubrange(3..<7, with: row[7..<11])
        changed.replaceSubrange(7..<11, with: row[3..<7])
        #expect(output(changed) != before)
    }

    @Test func aNetworkIsReadBackWithItsEncoders() throws {
        let network = Self.network(.gru)
        let decoder = PlainJSON()
        #expect(try decoder.roundTrip(network) == network)
    }

    /// The reward hangs on the newest event's category alone, which the others hide from an average. Both encoders must explain most of it.
    @Test(arguments: SequenceEncoder.Kind.allCases) func theNewestEventIsLearned(_ kind: SequenceEncoder.Kind) throws {
        let encoder = SequenceEncoder(kind: kind, length: 6, numberCount: 0, categories: [4], units: 8, kernel: 2)
        let network = MultilayerPerceptron(
            inputWidth: encoder.inputWidth, hidden: [16], outputWidth: 1, activation: .relu, encoders: [encoder], seed: 4)
        var generator = SeededGenerator(seed: 6)
        var inputs: [Float] = []
        var targets: [Float] = []
        for _ in 0..<2500 {
            let events = (0..<6).map { _ in Float(Int(4 * generator.uniform())) }
            inputs += [6] + events
            targets.append([-1.5, -0.5, 0.5, 1.5][Int(events[5])] + Float(0.3 * generator.normal()))
        }
        let (_, report) = try NetworkTrainer.train(
            network, inputs: inputs, rowCount: 2500, head: [Int32](repeating: 0, count: 2500), targets: targets,
            configuration: .init(learningRate: 0.01, batch: 64, epochs: 12, patience: 12, seed: 1))
        // The noise alone is .09 and the variance 1.34; an order-free average of six events explains a sixth of it.
        #expect(report.bestLoss < 0.2, "\(report.bestLoss)")
    }

    @Test func droppingOutChangesTrainingAndNotServing() throws {
        let network = Self.network(.cnn)
        let inputs = Self.rows(6, seed: 8)
        func gradient(_ dropout: Double, seed: UInt64) -> [Float] {
            var passes = Backpropagation(for: network, capacity: 6, dropout: dropout, seed: seed)
            _ = passes.run(
                network, rows: Array(0..<6)[...], inputs: inputs, head: [Int32](repeating: 1, count: 6),
                targets: [Float](repeating: 1, count: 6), weights: nil, backward: true)
            return passes.gradient
        }
        #expect(gradient(0.5, seed: 1) != gradient(0, seed: 1))
        #expect(gradient(0.5, seed: 1) == gradient(0.5, seed: 1))
        #expect(gradient(0.5, seed: 1) != gradient(0.5, seed: 2))
    }

    @Test func schedulesFollowTheirFormula() {
        let cosine = LearningSchedule(kind: .cosine, steps: 100)
        #expect(cosine.factor(step: 0) == 1)
        #expect(abs(cosine.factor(step: 50) - 0.5) < 1e-12)
        #expect(abs(cosine.factor(step: 25) - (1 + 0.5.squareRoot()) / 2) < 1e-12)
        #expect(abs(cosine.factor(step: 100)) < 1e-12)
        let warmup = LearningSchedule(kind: .warmup, steps: 100)
        #expect(abs(warmup.factor(step: 0) - 0.1) < 1e-12)
        #expect(warmup.factor(step: 9) == 1)
        #expect(abs(warmup.factor(step: 55) - 0.5) < 1e-12)
        #expect(LearningSchedule(kind: .constant, steps: 3).factor(step: 99) == 1)
    }
}
