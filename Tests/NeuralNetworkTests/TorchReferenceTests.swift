import Foundation
import HaggleMath
import Testing

@testable import NeuralNetwork

/// Forward pass, loss, gradient and one AdamW step against PyTorch (Fixtures/torch_reference.py).
struct TorchReferenceTests {
    struct Case: Decodable, CustomTestStringConvertible {
        var name, kind, lossName: String
        var plain, length, numbers, buckets, units, kernel, heads, count: Int
        var hidden, head: [Int]
        var norm, residual: Bool
        var clip: Double?
        var rate, decay, loss: Double
        var parameters, inputs, targets, weights, outputs, gradient, after: [Float]
        var hits: [Bool]
        var testDescription: String { name }

        var network: MultilayerPerceptron {
            let encoders =
                SequenceEncoder.Kind(rawValue: kind).map {
                    [
                        SequenceEncoder(
                            kind: $0, length: length, numberCount: numbers, categories: [buckets], units: units, kernel: kernel,
                            activation: .tanh)
                    ]
                } ?? []
            return MultilayerPerceptron(
                inputWidth: inputs.count / count, hidden: hidden, outputWidth: heads * trainingLoss.outputsPerHead, activation: .tanh,
                encoders: encoders, layerNorm: norm, residual: residual, parameters: parameters)
        }
        var trainingLoss: TrainingLoss { TrainingLoss(rawValue: lossName) ?? .squared }
    }

    private struct File: Decodable { var cases: [Case] }

    static let cases: [Case] = {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures/torch-reference.json")
        guard let data = try? Data(contentsOf: file), let read = try? JSONDecoder().decode(File.self, from: data) else { return [] }
        return read.cases
    }()

    @Test func everyKindAndLossIsThere() {
        #expect(Set(Self.cases.map(\.kind)) == ["mlp", "cnn", "gru"])
        #expect(Set(Self.cases.map(\.lossName)) == Set(TrainingLoss.allCases.map(\.rawValue)))
    }

    /// Both compute in single precision over sums of at most some dozens of terms of size 1: a few parts in 1e7 each, 2e-6 in all.
    @Test(arguments: cases) func outputsAndLossAreTorchs(_ example: Case) {
        let network = example.network
        var outputs = [Float](repeating: 0, count: example.outputs.count)
        var span = outputs.mutableSpan
        network.predict(example.inputs.span, rowCount: example.count, into: &span)
        for (ours, theirs) in zip(outputs, example.outputs) { #expect(abs(ours - theirs) < 2e-6) }
        var passes = Backpropagation(for: network, capacity: example.count, loss: example.trainingLoss)
        let sum = run(example, network, &passes)
        #expect(abs(sum / Double(example.count) - example.loss) < 2e-6)
    }

    @Test(arguments: cases) func gradientAndOneStepAreTorchs(_ example: Case) {
        var network = example.network
        var passes = Backpropagation(for: network, capacity: example.count, loss: example.trainingLoss)
        _ = run(example, network, &passes)
        for (ours, theirs) in zip(passes.gradient, example.gradient) { #expect(abs(ours - theirs) < 3e-6) }
        var adam = Adam(
            learningRate: example.rate, weightDecay: example.decay, decayed: passes.decayed, parameterCount: network.parameterCount,
            clip: example.clip)
        adam.update(&network.parameters, gradient: passes.gradient)
        // The first step is rate * sign(gradient) whatever its size, so that a gradient of 1e-9 may point either way: those are left out.
        for index in network.parameters.indices where abs(example.gradient[index]) > 1e-5 || example.gradient[index] == 0 {
            #expect(abs(network.parameters[index] - example.after[index]) < 2e-5, "parameter \(index)")
        }
    }

    private func run(_ example: Case, _ network: MultilayerPerceptron, _ passes: inout Backpropagation) -> Double {
        passes.run(
            network, rows: Array(0..<example.count)[...], inputs: example.inputs, head: example.head.map { Int32($0) },
            targets: example.targets, hits: example.trainingLoss == .twoPart ? example.hits : nil, weights: example.weights, backward: true)
    }
}
