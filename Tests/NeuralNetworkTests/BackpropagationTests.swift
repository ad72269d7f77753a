import Foundation
import HaggleMath
import Testing

@testable import NeuralNetwork

@Suite struct BackpropagationTests {
    /// The same loss in double precision, written as the formula says, with nothing shared with the code under test but the layout of the
    /// parameters.
    static func loss(
        widths: [Int], activation: Activation, parameters: [Double], inputs: [[Double]], head: [Int], targets: [Double], weights: [Double]
    ) -> Double {
        var total = 0.0
        for (row, input) in inputs.enumerated() {
            var current = input
            var start = 0
            for layer in 1..<widths.count {
                let (from, to) = (widths[layer - 1], widths[layer])
                var next = (0..<to).map { parameters[start + from * to + $0] }
                for i in 0..<from { for j in 0..<to { next[j] += current[i] * parameters[start + i * to + j] } }
                start += (from + 1) * to
                if layer < widths.count - 1 {
                    next = next.map { z in
                        switch activation {
                        case .relu: max(0, z)
                        case .gelu: z * 0.5 * erfc(-z / 2.0.squareRoot())
                        case .tanh: tanh(z)
                        }
                    }
                }
                current = next
            }
            let error = current[head[row]] - targets[row]
            total += weights[row] * error * error
        }
        return total / Double(inputs.count)
    }

    /// Every parameter against a central difference with step 1e-5 in double precision (error about 1e-9). The gradient itself is computed
    /// in single precision over sums of at most a few dozen terms of size 1: 2e-4 of the largest component leaves an order of magnitude.
    @Test(arguments: Activation.allCases) func everyGradientMatchesTheDifferenceQuotient(_ activation: Activation) {
        let widths = [3, 5, 4, 2]
        var generator = SeededGenerator(seed: 3)
        var network = MultilayerPerceptron(inputWidth: 3, hidden: [5, 4], outputWidth: 2, activation: activation, seed: 9)
        network.parameters = network.parameters.map { _ in Float(generator.normal()) * 0.6 }
        let rows = 7
        let inputs = (0..<rows).map { _ in (0..<3).map { _ in Double(Float(generator.normal())) } }
        let head = (0..<rows).map { $0 % 2 }
        let targets = (0..<rows).map { _ in Double(Float(generator.normal())) }
        let weights = (0..<rows).map { _ in Double(Float(0.5 + generator.uniform())) }
        var passes = Backpropagation(for: network, capacity: rows)
        let sum = passes.run(
            network, rows: Array(0..<rows)[...], inputs: inputs.flatMap { $0.map(Float.init) }, head: head.map(Int32.init),
            targets: targets.map(Float.init), weights: weights.map(Float.init), backward: true)
        let parameters = network.parameters.map(Double.init)
        func value(_ parameters: [Double]) -> Double {
            Self.loss(
                widths: widths, activation: activation, parameters: parameters, inputs: inputs, head: head, targets: targets,
                weights: weights)
        }
        #expect(abs(sum / Double(rows) - value(parameters)) < 1e-5)
        let largest = passes.gradient.map { abs(Double($0)) }.max() ?? 0
        #expect(largest > 0.01)
        for index in parameters.indices {
            var up = parameters
            var down = parameters
            up[index] += 1e-5
            down[index] -= 1e-5
            let expected = (value(up) - value(down)) / 2e-5
            #expect(abs(Double(passes.gradient[index]) - expected) < 2e-4 * largest, "parameter \(index)")
        }
    }
}
