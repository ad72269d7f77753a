import Foundation
import HaggleMath
import NeuralNetwork
import Testing

@Suite struct MultilayerPerceptronTests {
    /// Two inputs, two hidden units, one head, worked by hand.
    @Test func theForwardPassIsTheFormula() {
        var network = MultilayerPerceptron(inputWidth: 2, hidden: [2], outputWidth: 1, activation: .relu, seed: 1)
        network.parameters = [1, -1, 2, 0.5, 0.25, -3, 2, 10, -1]
        var hidden: [Float] = [0, 0]
        network.represent([1, 2], into: &hidden)
        #expect(hidden == [5.25, 0])
        var output: [Float] = [0]
        network.predict([1, 2], into: &output)
        #expect(output == [9.5])
    }

    @Test(arguments: Activation.allCases) func aRowGivesTheSameBitsWhereverItStands(_ activation: Activation) throws {
        let network = MultilayerPerceptron(inputWidth: 20, hidden: [64, 32], outputWidth: 6, activation: activation, seed: 4)
        let copy = try JSONDecoder().decode(MultilayerPerceptron.self, from: JSONEncoder().encode(network))
        #expect(copy == network)
        var generator = SeededGenerator(seed: 8)
        let rows = (0..<50).map { _ in (0..<20).map { _ in Float(generator.normal()) } }
        func bits(_ network: MultilayerPerceptron, _ row: [Float]) -> [UInt32] {
            var output = [Float](repeating: .nan, count: 40)
            network.represent(row, into: &output)
            return output.prefix(32).map(\.bitPattern)
        }
        let forwards = rows.map { bits(network, $0) }
        let backwards = rows.reversed().map { bits(copy, $0) }
        #expect(forwards == backwards.reversed())
    }

    /// The forward pass of serving and the one of training are different code: they agree to single precision.
    @Test func servingAgreesWithTraining() {
        let network = MultilayerPerceptron(inputWidth: 6, hidden: [16, 8], outputWidth: 3, activation: .gelu, seed: 2)
        var generator = SeededGenerator(seed: 21)
        let inputs = (0..<60).map { _ in Float(generator.normal()) }
        var passes = Backpropagation(for: network, capacity: 10)
        for row in 0..<10 {
            var output = [Float](repeating: 0, count: 3)
            network.predict(Array(inputs[row * 6..<row * 6 + 6]), into: &output)
            let squared = passes.run(
                network, rows: [row], inputs: inputs, head: [Int32](repeating: 1, count: 10), targets: [Float](repeating: 0, count: 10),
                weights: nil, backward: false)
            #expect(abs(squared.squareRoot() - Double(abs(output[1]))) < 1e-5)
        }
    }

    @Test func damagedParametersAreRefused() throws {
        let network = MultilayerPerceptron(inputWidth: 1, hidden: [1], outputWidth: 1, activation: .tanh, seed: 1)
        let text = String(decoding: try JSONEncoder().encode(network), as: UTF8.self)
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(MultilayerPerceptron.self, from: Data(text.replacing("\"hidden\":[1]", with: "\"hidden\":[2]").utf8))
        }
    }
}
