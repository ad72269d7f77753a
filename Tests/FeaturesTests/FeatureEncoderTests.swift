import Features
import Foundation
import HaggleCore
import Testing

@Suite struct FeatureEncoderTests {
    static func number(
        _ name: String, missing: Feature.NumberImputation = .mean, clip: Feature.Clipping = .none, transform: Feature.Transform = .identity,
        scale: Feature.Scaling = .none
    ) -> Feature {
        Feature(name: name, kind: .number(missing: missing, clip: clip, transform: transform, scale: scale))
    }

    static func contexts(_ values: [Double?]) -> [Context] { values.map { Context($0.map { ["x": .number($0)] } ?? [:]) } }

    /// Values 1, 2, 3, 10 with mean 4, median 2.5 and population standard deviation sqrt(12.5).
    @Test(arguments: [(Feature.NumberImputation.mean, Float(4)), (.median, 2.5), (.value(-7), -7)])
    func aMissingNumberIsImputed(_ missing: Feature.NumberImputation, _ expected: Float) {
        let data = Self.contexts([1, nil, 2, 3, 10])
        let encoder = FeatureEncoder(schema: FeatureSchema(features: [Self.number("x", missing: missing)]), fittedTo: data)
        #expect(encoder.encode([:]) == [expected])
    }

    @Test func scalingSubtractsTheMeanAndDividesByTheDeviation() {
        let schema = FeatureSchema(features: [Self.number("x", scale: .standard)])
        let encoder = FeatureEncoder(schema: schema, fittedTo: Self.contexts([1, 2, 3, 10]))
        // Single precision: 1e-6.
        #expect(abs(encoder.encode(["x": 10])[0] - 6 / Float(12.5).squareRoot()) < 1e-6)
        #expect(encoder.encode([:]) == [0])
    }

    @Test func clippingComesBeforeTheTransform() {
        let schema = FeatureSchema(features: [Self.number("x", clip: .fixed(lower: 0, upper: 9), transform: .log1p)])
        let encoder = FeatureEncoder(schema: schema, fittedTo: Self.contexts([1, 2]))
        #expect(abs(encoder.encode(["x": 1000])[0] - log(10)) < 1e-6)
        #expect(encoder.encode(["x": -5]) == [0])
    }

    /// numpy.percentile(range(101), [10, 90]) = 10, 90.
    @Test func percentilesClipBothTails() {
        let schema = FeatureSchema(features: [Self.number("x", clip: .percentile(90))])
        let encoder = FeatureEncoder(schema: schema, fittedTo: Self.contexts((0...100).map { Double($0) }))
        #expect(encoder.encode(["x": 400]) == [90])
        #expect(encoder.encode(["x": -400]) == [10])
        #expect(encoder.encode(["x": 50]) == [50])
    }

    @Test func aConstantFeatureSaysNothing() {
        let schema = FeatureSchema(features: [Self.number("x", scale: .standard)])
        let encoder = FeatureEncoder(schema: schema, fittedTo: Self.contexts([0.1, 0.1, 0.1]))
        #expect(encoder.encode(["x": 0.1]) == [0])
        #expect(encoder.encode(["x": 5]) == [0])
    }

    @Test func booleansAndCategoriesBecomeIndicators() {
        let schema = FeatureSchema(features: [
            Feature(name: "member", kind: .boolean(missing: nil)), Feature(name: "vip", kind: .boolean(missing: true)),
            Feature(name: "channel", kind: .category(values: ["web", "app"], missing: "web")),
            Feature(name: "city", kind: .hashedCategory(buckets: 4, missing: nil)),
        ])
        let encoder = FeatureEncoder(unfitted: schema)
        #expect(encoder.columnNames.count == encoder.width)
        #expect(encoder.columnNames.prefix(6) == ["member", "member=?", "vip", "channel=web", "channel=app", "channel=?"])
        #expect(encoder.encode(["member": true, "vip": false, "channel": "app"]).prefix(6) == [1, 0, 0, 0, 1, 0])
        #expect(encoder.encode([:]) == [0, 1, 1, 1, 0, 0, 0, 0, 0, 0])
        #expect(encoder.encode(["channel": "fax"]).dropFirst(3).prefix(3) == [0, 0, 1])
        #expect(encoder.encode(["city": "10115"]).suffix(4) == [1, 0, 0, 0])
    }

    /// Short and long lists are looked up in different ways.
    @Test(arguments: [1, 8, 9, 40]) func everyListedValueHasItsColumn(_ count: Int) {
        let values = (0..<count).map { "value \($0)" }
        let encoder = FeatureEncoder(
            unfitted: FeatureSchema(features: [Feature(name: "c", kind: .category(values: values, missing: values[count - 1]))]))
        for (column, value) in (values + ["unlisted"]).enumerated() {
            #expect(encoder.encode(["c": .text(value)]) == (0...count).map { $0 == column ? 1 : 0 })
        }
        #expect(encoder.encode([:]).firstIndex(of: 1) == count - 1)
    }

    /// The buckets by a program of its own in another language: they must not change, for stored networks know them.
    @Test(arguments: [("", 203), ("Köln", 636), ("10115", 44), ("a", 736)]) func bucketsAreForEver(_ text: String, _ bucket: Int) {
        let schema = FeatureSchema(features: [Feature(name: "city", kind: .hashedCategory(buckets: 1000, missing: nil))])
        #expect(FeatureEncoder(unfitted: schema).encode(["city": .text(text)]).firstIndex(of: 1) == bucket)
    }

    @Test func aValueOfAnotherTypeIsMissing() {
        let schema = FeatureSchema(features: [
            Self.number("x", missing: .value(3)), Feature(name: "b", kind: .boolean(missing: nil)),
            Feature(name: "c", kind: .category(values: ["true", "1"], missing: "1")),
            Feature(name: "d", kind: .category(values: ["true"], missing: "not listed")),
            Feature(name: "h", kind: .hashedCategory(buckets: 3, missing: nil)),
        ])
        let encoder = FeatureEncoder(unfitted: schema)
        #expect(encoder.encode(["x": "many", "b": 1, "c": true, "d": 1, "h": 7]) == [3, 0, 1, 0, 1, 0, 0, 1, 0, 0, 0])
        #expect(encoder.encode(["x": .number(.nan), "b": "true", "c": 1, "d": true, "h": false]) == encoder.encode([:]))
    }

    /// Values 0, 1, 3, 7, 100 clipped to 0...10, then log(1 + x): mean 1.31136, standard deviation .880679, by numpy.
    @Test func clippedThenTransformedThenScaled() {
        let schema = FeatureSchema(features: [
            Self.number("x", missing: .mean, clip: .fixed(lower: 0, upper: 10), transform: .log1p, scale: .standard)
        ])
        let encoder = FeatureEncoder(schema: schema, fittedTo: Self.contexts([0, 1, nil, 3, 7, 100]))
        for (value, expected) in [(0.0, -1.4890283728971094), (3, 0.08509196850202354), (7, 0.8721521392015898), (500, 1.2337524673910394)]
        {
            // Single precision of numbers about 1.
            #expect(abs(Double(encoder.encode(["x": .number(value)])[0]) - expected) < 2e-7)
        }
        // The mean as sent is 22.2, and is then clipped like any value.
        #expect(encoder.encode([:]) == encoder.encode(["x": 100]))
    }

    /// sign(x) log(1 + |x|): odd, and defined for what a refund makes negative.
    @Test func theLogarithmKeepsTheSign() {
        let encoder = FeatureEncoder(unfitted: FeatureSchema(features: [Self.number("x", transform: .log1p)]))
        #expect(encoder.encode(["x": -9])[0] == -encoder.encode(["x": 9])[0])
        #expect(abs(encoder.encode(["x": -9])[0] + Float(log(10.0))) < 1e-6)
    }

    /// numpy.percentile([3, 1, 4, 1, 5, 9, 2, 6, 5, 35], [5, 95, 25, 75]) = 1, 23.3, 2.25, 5.75; p5 and p95 name the same bounds.
    @Test(arguments: [(95.0, 1.0, 23.3), (5, 1, 23.3), (75, 2.25, 5.75)])
    func percentilesInterpolate(_ percent: Double, _ lower: Float, _ upper: Float) {
        let schema = FeatureSchema(features: [Self.number("x", clip: .percentile(percent))])
        let encoder = FeatureEncoder(schema: schema, fittedTo: Self.contexts([3, 1, 4, 1, 5, 9, 2, 6, nil, 5, 35]))
        #expect(abs(encoder.encode(["x": -100])[0] - lower) < 1e-6)
        #expect(abs(encoder.encode(["x": 100])[0] - upper) < 1e-5)
    }

    /// 600 000 values that run from 0 to 1: beyond the bound a thinned sample stands for all, and its quantiles and mean are off by no
    /// more than its spacing, 1/131 072.
    @Test func aLongLogIsThinnedEvenly() {
        let schema = FeatureSchema(features: [Self.number("x", missing: .median), Self.number("x", clip: .percentile(99))])
        let count = 600_000
        let encoder = FeatureEncoder(
            schema: schema, fittedTo: (0..<count).lazy.map { ["x": .number(Double($0) / Double(count - 1))] as Context })
        #expect(abs(encoder.encode([:])[0] - 0.5) < 1e-5)
        #expect(abs(encoder.encode(["x": 7])[1] - 0.99) < 1e-5)
    }

    @Test(arguments: [1e300, -1e300, 1e39, 0, -0.0]) func outputIsAlwaysFinite(_ value: Double) {
        let schema = FeatureSchema(features: [Self.number("x"), Self.number("x", transform: .log1p, scale: .standard)])
        let encoder = FeatureEncoder(schema: schema, fittedTo: Self.contexts([1e300, -1e300, 3]))
        let encoded = encoder.encode(["x": .number(value)])
        #expect(encoded.allSatisfy { $0.isFinite })
    }

    /// Sums and squares of the largest doubles overflow if taken as they are.
    @Test func theLargestNumbersHaveAMeanAndADeviation() throws {
        let schema = FeatureSchema(features: [Self.number("x", missing: .mean, scale: .standard)])
        let encoder = FeatureEncoder(schema: schema, fittedTo: Self.contexts([1.5e308, 1.7e308, 1.6e308, 1.6e308]))
        #expect(abs(encoder.encode(["x": 1.7e308])[0] - Float(2).squareRoot()) < 1e-5)
        // JSON has no infinity.
        #expect(try JSONDecoder().decode(FeatureEncoder.self, from: JSONEncoder().encode(encoder)) == encoder)
    }

    /// Means of equal decimal fractions are off by an ulp, which must not pass for a deviation.
    @Test(arguments: [0.1, 1e-200, -7.3e15]) func aConstantOfAnySizeSaysNothing(_ value: Double) {
        let schema = FeatureSchema(features: [Self.number("x", transform: .log1p, scale: .standard)])
        let encoder = FeatureEncoder(schema: schema, fittedTo: Self.contexts([Double?](repeating: value, count: 999)))
        #expect(encoder.encode(["x": .number(value)]) == [0])
        #expect(encoder.encode(["x": 12]) == [0])
        #expect(encoder.encode([:]) == [0])
    }

    @Test func aTinyFeatureIsScaledLikeAnyOther() {
        let schema = FeatureSchema(features: [Self.number("x", scale: .standard)])
        let encoder = FeatureEncoder(schema: schema, fittedTo: Self.contexts([1e-20, 3e-20]))
        #expect(encoder.encode(["x": 3e-20]) == [1])
    }

    /// Encoded alone, into a longer row, and from a stored copy: the same bits at training and at serving.
    @Test func trainingAndServingGetTheSameBits() throws {
        let schema = FeatureSchema(features: [
            Self.number("x", clip: .percentile(99), transform: .log1p, scale: .standard), Self.number("y", missing: .median),
            Feature(name: "c", kind: .category(values: ["a", "b"], missing: nil)), Feature(name: "b", kind: .boolean(missing: nil)),
            Feature(name: "h", kind: .hashedCategory(buckets: 8, missing: "x")),
        ])
        let contexts: [Context] = (0..<500).map { row in
            var context: Context = ["x": .number(Double(row) * 0.37 - 20), "c": row % 3 == 0 ? "a" : "zzz", "h": .text("\(row % 11)")]
            if row % 2 == 0 { context["y"] = .number(Double(row).squareRoot()) }
            if row % 5 == 0 { context["b"] = .boolean(row % 10 == 0) }
            return context
        }
        let encoder = FeatureEncoder(schema: schema, fittedTo: contexts)
        let copy = try JSONDecoder().decode(FeatureEncoder.self, from: JSONEncoder().encode(encoder))
        #expect(copy == encoder)
        #expect(copy.columnNames == encoder.columnNames)
        let width = encoder.width
        var matrix = [Float](repeating: .nan, count: contexts.count * width)
        var span = matrix.mutableSpan
        for (row, context) in contexts.enumerated() { encoder.encode(context, into: &span, at: row * width) }
        for (row, context) in contexts.enumerated() {
            var served = [Float](repeating: .nan, count: width)
            copy.encode(context, into: &served)
            #expect(served.map(\.bitPattern) == matrix[row * width..<(row + 1) * width].map(\.bitPattern))
        }
    }

    @Test func aDamagedEncoderIsRefused() throws {
        let schema = FeatureSchema(features: [Feature(name: "c", kind: .category(values: ["a", "b"], missing: "b"))])
        let text = String(decoding: try JSONEncoder().encode(FeatureEncoder(unfitted: schema)), as: UTF8.self)
        let damaged = text.replacing("\"missing\":1", with: "\"missing\":9")
        #expect(damaged != text)
        #expect(throws: DecodingError.self) { try JSONDecoder().decode(FeatureEncoder.self, from: Data(damaged.utf8)) }
    }

    @Test func anEmptyLogLeavesNeutralStatistics() {
        let schema = FeatureSchema(features: [Self.number("x", missing: .mean, clip: .percentile(99), scale: .standard)])
        let encoder = FeatureEncoder(schema: schema, fittedTo: [])
        #expect(encoder.encode(["x": 5]) == [5])
        #expect(encoder.encode([:]) == [0])
        #expect(encoder == FeatureEncoder(unfitted: schema))
    }

    /// A schema without features encodes to nothing.
    @Test func noFeaturesNoColumns() {
        let encoder = FeatureEncoder(unfitted: FeatureSchema())
        #expect(encoder.width == 0)
        #expect(encoder.encode(["x": 1]) == [])
    }
}
