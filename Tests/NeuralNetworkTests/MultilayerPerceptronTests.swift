import Foundation
import HaggleMath
import Testing

@testable import NeuralNetwork

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

    /// 1 row, 50 rows in one call, and rows in another order: the same bits, of the representation and of every head.
    @Test(arguments: Activation.allCases) func aRowGivesTheSameBitsAloneAndInABatch(_ activation: Activation) {
        // Widths that are no multiples of any vector length, so that remainders are met too.
        let network = MultilayerPerceptron(inputWidth: 21, hidden: [67, 33], outputWidth: 7, activation: activation, seed: 4)
        var generator = SeededGenerator(seed: 8)
        let rows = (0..<50).map { _ in (0..<21).map { _ in generator.uniform() < 0.3 ? 0 : Float(generator.normal()) } }
        var representations = [Float](repeating: .nan, count: 50 * 33)
        var predictions = [Float](repeating: .nan, count: 50 * 7)
        let inputs = rows.flatMap { $0 }
        var span = representations.mutableSpan
        network.represent(inputs.span, rowCount: 50, into: &span)
        var heads = predictions.mutableSpan
        network.predict(inputs.span, rowCount: 50, into: &heads)
        for index in rows.indices.reversed() {
            var representation: [Float] = []
            var prediction: [Float] = []
            var heads: [Float] = []
            network.represent(rows[index], into: &representation)
            network.predict(rows[index], into: &prediction)
            network.heads(of: representation, into: &heads)
            #expect(representation.map(\.bitPattern) == representations[index * 33..<index * 33 + 33].map(\.bitPattern))
            #expect(prediction.map(\.bitPattern) == predictions[index * 7..<index * 7 + 7].map(\.bitPattern))
            #expect(heads == prediction)
        }
        #expect(Set(representations).count > 100)
    }

    /// The documented order of summation, written as plain loops: the same bits, so no compiler fuses or reorders anything.
    @Test func theOrderOfSummationIsTheDocumentedOne() {
        let network = MultilayerPerceptron(inputWidth: 22, hidden: [], outputWidth: 19, activation: .relu, seed: 12)
        var generator = SeededGenerator(seed: 13)
        let row = (0..<22).map { _ in Float(generator.normal()) }
        var expected = Array(network.parameters[(22 * 19)...])
        for input in 0..<22 {
            for output in 0..<19 {
                let product = row[input] * network.parameters[input * 19 + output]
                expected[output] = expected[output] + product
            }
        }
        var prediction: [Float] = []
        network.predict(row, into: &prediction)
        #expect(prediction.map(\.bitPattern) == expected.map(\.bitPattern))
    }

    /// Values of z Phi(z) from double precision, far into the tail where 1 + erf would have no digit left. The rounding of z/sqrt(2) counts
    /// z^2 times (the condition of erfc), four more ulps are for the products and erfc itself.
    @Test(arguments: [(1.0, 0.8413447460685429), (-1, -0.15865525393145707), (-6, -5.919525870226207e-09), (0, 0), (3, 2.99595030590511)])
    func geluIsExactInBothTails(_ z: Double, _ expected: Double) {
        #expect(abs(Double(Activation.gelu(Float(z))) - expected) <= (4 + z * z) * Double(Float.ulpOfOne) * abs(expected))
    }

    /// He: variance 2/inputs before ReLU; heads a tenth of 1/sqrt(inputs). 20 000 draws: 5 % is ten standard errors of a variance.
    @Test func startingWeightsHaveTheStatedVariance() {
        let network = MultilayerPerceptron(inputWidth: 100, hidden: [200], outputWidth: 100, activation: .relu, seed: 6)
        func variance(_ values: ArraySlice<Float>) -> Double { values.reduce(0) { $0 + Double($1) * Double($1) } / Double(values.count) }
        #expect(abs(variance(network.parameters[..<20_000]) / 0.02 - 1) < 0.05)
        #expect(network.parameters[20_000..<20_200].allSatisfy { $0 == 0 })
        #expect(abs(variance(network.parameters[20_200..<40_200]) / (0.01 / 200) - 1) < 0.05)
        #expect(MultilayerPerceptron(inputWidth: 100, hidden: [200], outputWidth: 100, activation: .relu, seed: 7) != network)
    }

    @Test func aNetworkWithoutHiddenLayersIsLinear() {
        var network = MultilayerPerceptron(inputWidth: 2, hidden: [], outputWidth: 1, activation: .gelu, seed: 1)
        network.parameters = [2, -3, 0.5]
        #expect(network.representationWidth == 2)
        var output: [Float] = []
        network.represent([4, 1], into: &output)
        #expect(output == [4, 1])
        network.predict([4, 1], into: &output)
        #expect(output[0] == 5.5)
    }

    /// An experiment without context has no inputs; its heads are their biases.
    @Test func aNetworkWithoutInputsPredictsItsBiases() {
        var network = MultilayerPerceptron(inputWidth: 0, hidden: [2], outputWidth: 1, activation: .relu, seed: 1)
        network.parameters = [1, -1, 3, 5, 0.5]
        var output: [Float] = []
        network.predict([], into: &output)
        #expect(output == [3.5])
    }

    @Test func storedAndReadBackIsTheSameNetwork() throws {
        var network = MultilayerPerceptron(inputWidth: 3, hidden: [5, 4], outputWidth: 2, activation: .gelu, seed: 3)
        network.parameters[0] = .leastNonzeroMagnitude
        network.parameters[1] = -0.0
        network.parameters[2] = .greatestFiniteMagnitude
        let copy = try JSONDecoder().decode(MultilayerPerceptron.self, from: JSONEncoder().encode(network))
        #expect(copy.parameters.map(\.bitPattern) == network.parameters.map(\.bitPattern))
        #expect(copy == network)
        // Little-endian bytes whatever the machine: 1, -2.
        network = MultilayerPerceptron(inputWidth: 1, hidden: [], outputWidth: 1, activation: .relu, parameters: [1, -2])
        #expect(String(decoding: try JSONEncoder().encode(network), as: UTF8.self).replacing("\\/", with: "/").contains("AACAPwAAAMA="))
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

    @Test(arguments: [
        ("[1]", "[2]"), ("[1]", "[0]"), ("[1]", "[-1]"), ("[1]", "[9000000000000000000]"), ("\"tanh\"", "\"sine\""), ("AAAAAA", "AADAfw"),
        ("AAAAAA", "*"),
    ])
    func aDamagedNetworkIsRefused(_ original: String, _ damaged: String) throws {
        let network = MultilayerPerceptron(inputWidth: 1, hidden: [1], outputWidth: 1, activation: .tanh, parameters: [0, 0, 0, 0])
        let text = String(decoding: try JSONEncoder().encode(network), as: UTF8.self)
        let range = try #require(text.firstRange(of: original))
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(MultilayerPerceptron.self, from: Data(text.replacingCharacters(in: range, with: damaged).utf8))
        }
    }
}
