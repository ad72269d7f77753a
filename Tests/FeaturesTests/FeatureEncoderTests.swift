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
    @Test func aMissingNumberIsImputed() {
        let data = Self.contexts([1, nil, 2, 3, 10])
        for (missing, expected) in [(Feature.NumberImputation.mean, 4.0), (.median, 2.5), (.value(-7), -7)] {
            let encoder = FeatureEncoder(schema: FeatureSchema(features: [Self.number("x", missing: missing)]), fittedTo: data)
            #expect(encoder.encode([:]) == [expected])
        }
    }

    @Test func scalingSubtractsTheMeanAndDividesByTheDeviation() {
        let schema = FeatureSchema(features: [Self.number("x", scale: .standard)])
        let encoder = FeatureEncoder(schema: schema, fittedTo: Self.contexts([1, 2, 3, 10]))
        // Single precision: 1e-6.
        #expect(abs(encoder.encode(["x": 10])[0] - 6 / 12.5.squareRoot()) < 1e-6)
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
        let city = encoder.encode(["city": "Köln"]).suffix(4)
        #expect(city.reduce(0, +) == 1)
        #expect(encoder.encode(["city": "Köln"]).suffix(4) == city)
    }

    @Test func aValueOfAnotherTypeIsMissing() {
        let schema = FeatureSchema(features: [Self.number("x", missing: .value(3))])
        #expect(FeatureEncoder(unfitted: schema).encode(["x": "many"]) == [3])
    }

    @Test(arguments: [1e300, -1e300, 1e39, 0, -0.0]) func outputIsAlwaysFinite(_ value: Double) {
        let schema = FeatureSchema(features: [Self.number("x"), Self.number("x", transform: .log1p, scale: .standard)])
        let encoder = FeatureEncoder(schema: schema, fittedTo: Self.contexts([1e300, -1e300, 3]))
        #expect(encoder.encode(["x": .number(value)]).allSatisfy(\.isFinite))
    }

    @Test func storedAndReadBackGivesTheSameBits() throws {
        let schema = FeatureSchema(features: [
            Self.number("x", clip: .percentile(99), transform: .log1p, scale: .standard),
            Feature(name: "c", kind: .category(values: ["a", "b"], missing: nil)),
        ])
        let encoder = FeatureEncoder(schema: schema, fittedTo: (0..<1000).map { ["x": .number(Double($0) * 0.37)] })
        let copy = try JSONDecoder().decode(FeatureEncoder.self, from: JSONEncoder().encode(encoder))
        #expect(copy == encoder)
        for value in stride(from: -3.0, to: 500, by: 0.7) {
            #expect(copy.encode(["x": .number(value), "c": "b"]) == encoder.encode(["x": .number(value), "c": "b"]))
        }
    }

    @Test func anEmptyLogLeavesNeutralStatistics() {
        let schema = FeatureSchema(features: [Self.number("x", clip: .percentile(99), scale: .standard)])
        #expect(FeatureEncoder(schema: schema, fittedTo: []).encode(["x": 5]) == [5])
    }
}
