import HaggleCore
import HaggleMath
import Testing

@testable import Policies

@Suite struct ShapleyValuesTests {
    static func names(_ count: Int) -> [String] { (0..<count).map { "f\($0)" } }

    static func context(_ row: [Double]) -> Context {
        Context(Dictionary(uniqueKeysWithValues: zip(names(row.count), row.map { ContextValue.number($0) })))
    }

    static func numbers(_ context: Context, _ count: Int) -> [Double] {
        names(count).map { name in
            if case .number(let value)? = context[name] { value } else { 0 }
        }
    }

    /// The functions of `explanations.py`.
    static let small = ContextFunction(outputCount: 2) { context in
        let x = numbers(context, 5)
        let t = ElementaryFunctions.exp(2 * (x[0] + 2 * x[1] - x[2]))
        return [x[0] * x[1] + x[2] * x[2] * x[3] + 0.5 * x[4], (t - 1) / (t + 1) + x[0] * x[3] * x[4]]
    }
    static let large = ContextFunction(outputCount: 1) { context in
        let x = numbers(context, 14)
        var result = x[0] * x[5] * x[9]
        for i in 0..<14 { result += (0.1 * Double(i) - 0.5) * x[i] }
        for i in 0..<13 { result += 0.3 * x[i] * x[i + 1] }
        return [result]
    }

    static func random(rows: Int, _ count: Int, seed: UInt64) -> [Context] {
        var generator = SeededGenerator(seed: seed)
        return (0..<rows).map { _ in context((0..<count).map { _ in generator.normal() }) }
    }

    @Test func exactValuesAgreeWithTheShapPackage() throws {
        let golden = try ExplanationFixture.load().small
        let values = ShapleyValues(
            of: Self.small, at: Self.context(golden.row), features: Self.names(5), background: golden.background.map(Self.context))
        #expect(values.method == .exact)
        for output in 0..<2 {
            for (found, expected) in zip(values.contributions[output], golden.contributions[output]) {
                #expect(abs(found - expected) < 1e-9)
            }
        }
    }

    /// The cubic function is not within what 2048 of 16 382 coalitions give exactly; .02 is 2 % of the largest contribution's size.
    @Test func kernelValuesAgreeWithTheShapPackage() throws {
        let golden = try ExplanationFixture.load().large
        let background = golden.background.map(Self.context)
        func values(_ options: ShapleyValues.Options) -> ShapleyValues {
            ShapleyValues(of: Self.large, at: Self.context(golden.row), features: Self.names(14), background: background, options: options)
        }
        let kernel = values(.init())
        #expect(kernel.method == .kernel)
        for (found, expected) in zip(kernel.contributions[0], golden.contributions[0]) { #expect(abs(found - expected) < 0.02) }
        #expect(kernel == values(.init()))
        let all = values(.init(exactLimit: 14))
        #expect(all.method == .exact)
        for (found, expected) in zip(all.contributions[0], golden.contributions[0]) { #expect(abs(found - expected) < 1e-9) }
        // With every coalition in its sample, kernel SHAP is exact.
        let every = values(.init(exactLimit: 0, coalitionCount: 1 << 14))
        for (found, expected) in zip(every.contributions[0], golden.contributions[0]) { #expect(abs(found - expected) < 1e-8) }
    }

    @Test(arguments: [0, 1, 3, 5])
    func contributionsSumToTheDifferenceTheyExplain(exactLimit: Int) {
        let background = Self.random(rows: 7, 5, seed: 1)
        for context in Self.random(rows: 5, 5, seed: 2) {
            let values = ShapleyValues(
                of: Self.small, at: context, features: Self.names(5), background: background,
                options: .init(exactLimit: exactLimit, coalitionCount: 20))
            for output in 0..<2 {
                #expect(abs(values.contributions[output].reduce(0, +) - (values.values[output] - values.base[output])) < 1e-9)
                let mean = background.reduce(0) { $0 + Self.small($1)[output] } / 7
                #expect(abs(values.base[output] - mean) < 1e-12)
            }
        }
    }

    /// phi_i = w_i (x_i - E x_i), by any method; and an unused feature gets nothing.
    @Test(arguments: [true, false], [0, 6])
    func linearFunctionsHaveTheClosedForm(isDeclaredAdditive: Bool, exactLimit: Int) {
        let weights = [1.5, -2, 0, 1e6, 1e-6, 3]
        let function = ContextFunction(outputCount: 1, isAdditive: isDeclaredAdditive) { context in
            [zip(weights, Self.numbers(context, 6)).reduce(4) { $0 + $1.0 * $1.1 }]
        }
        let background = Self.random(rows: 9, 6, seed: 3)
        let context = Self.random(rows: 1, 6, seed: 4)[0]
        let values = ShapleyValues(
            of: function, at: context, features: Self.names(6), background: background, options: .init(exactLimit: exactLimit))
        let x = Self.numbers(context, 6)
        for index in 0..<6 {
            let mean = background.reduce(0) { $0 + Self.numbers($1, 6)[index] } / 9
            // 1e6 is the size of the largest term.
            #expect(abs(values.contributions[0][index] - weights[index] * (x[index] - mean)) < 1e-8)
        }
        #expect(values.method == (isDeclaredAdditive ? .additive : exactLimit == 0 ? .kernel : .exact))
    }

    @Test func aFunctionThatOnlyClaimsToBeAdditiveIsNotBelieved() {
        let function = ContextFunction(outputCount: 1, isAdditive: true) { context in
            let x = Self.numbers(context, 2)
            return [x[0] * x[1]]
        }
        let values = ShapleyValues(
            of: function, at: Self.context([2, 3]), features: Self.names(2), background: [Self.context([0, 0])])
        #expect(values.method == .exact)
        #expect(values.contributions == [[3, 3]])
    }

    /// Symmetric features get the same, a dummy nothing, and the values of a sum are the sums of the values.
    @Test(arguments: [0, 12])
    func axioms(exactLimit: Int) {
        let features = Self.names(4)
        let first = ContextFunction(outputCount: 1) { context in
            let x = Self.numbers(context, 4)
            return [x[0] * x[1] + x[0] + x[1]]
        }
        let second = ContextFunction(outputCount: 1) { context in
            let x = Self.numbers(context, 4)
            return [x[0] * x[2] * x[1] - x[2]]
        }
        let sum = ContextFunction(outputCount: 1) { [first($0)[0] + second($0)[0]] }
        let background = [Self.context([0, 0, 1, 2]), Self.context([-1, -1, 0, 1])]
        func contributions(_ function: ContextFunction) -> [Double] {
            ShapleyValues(
                of: function, at: Self.context([2, 2, 3, 4]), features: features, background: background,
                options: .init(exactLimit: exactLimit)
            ).contributions[0]
        }
        let (one, two, both) = (contributions(first), contributions(second), contributions(sum))
        #expect(abs(one[0] - one[1]) < 1e-9)
        #expect(abs(one[2]) < 1e-9 && abs(one[3]) < 1e-9)
        for index in 0..<4 { #expect(abs(one[index] + two[index] - both[index]) < 1e-9) }
    }

    @Test func missingAndTextValuesAreValues() {
        let function = ContextFunction(outputCount: 1) { context in
            [(context["a"] == nil ? 1 : 0) + (context["b"] == "x" ? 10 : 0)]
        }
        let values = ShapleyValues(
            of: function, at: ["b": "x", "c": 1], features: ["a", "b", "c"], background: [["a": 1, "b": "y", "c": 1]])
        #expect(values.contributions == [[1, 10, 0]])
        let alone = ShapleyValues(of: function, at: ["b": "x"], features: ["a", "b", "c"], background: [["b": "x"]])
        #expect(alone.contributions == [[0, 0, 0]])
    }

    /// A linear function is its own surrogate: the weight is what keeping the value adds on average over the background.
    @Test func theLocalSurrogateOfALinearFunctionIsThatFunction() {
        let function = ContextFunction(outputCount: 1) { context in
            let x = Self.numbers(context, 3)
            return [1e3 + 2 * x[0] - x[1]]
        }
        let surrogate = LocalSurrogate(
            of: function, at: Self.context([1, 2, 3]), features: Self.names(3), background: [Self.context([0, 0, 0])])
        for (found, expected) in zip(surrogate.weights[0], [2.0, -2, 0]) { #expect(abs(found - expected) < 1e-5) }
        #expect(surrogate.fidelity[0] > 0.999_999)
        let product = ContextFunction(outputCount: 1) { context in
            let x = Self.numbers(context, 3)
            return [x[0] * x[1] * x[2]]
        }
        let rough = LocalSurrogate(
            of: product, at: Self.context([1, 2, 3]), features: Self.names(3), background: [Self.context([0, 0, 0])])
        #expect(rough.fidelity[0] < 0.95 && rough.fidelity[0] > 0)
    }
}
