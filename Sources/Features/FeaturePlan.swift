import Foundation
import HaggleCore
import HaggleMath

/// How one feature becomes columns, with everything fitted.
struct FeaturePlan: Hashable, Sendable, Codable {
    struct Number: Hashable, Sendable, Codable {
        /// Stands in for a missing value, in the feature's unit.
        var imputed: Double
        /// Nil where not clipped.
        var lower: Double?
        var upper: Double?
        var transform: Feature.Transform
        var centre: Double
        /// What the centred value is multiplied by; 0 for a constant feature.
        var factor: Double

        func unscaled(_ value: Double) -> Double {
            var value = value
            if let lower { value = max(lower, value) }
            if let upper { value = min(upper, value) }
            switch transform {
            case .identity: return value
            case .log1p: return value < 0 ? -log1p(-value) : log1p(value)
            }
        }

        func callAsFunction(_ value: Double) -> Float {
            let scaled = Float((unscaled(value) - centre) * factor)
            // A double beyond single precision becomes its largest number, never infinity.
            return min(.greatestFiniteMagnitude, max(-.greatestFiniteMagnitude, scaled))
        }
    }

    enum Kind: Hashable, Sendable, Codable {
        case number(Number)
        /// Two columns where missing has its own indicator.
        case boolean(missing: Bool?)
        /// One column per value in the order of the file, then one for unknown values.
        case category(positions: [String: Int], missing: Int)
        case hashed(buckets: Int, missing: Int?)
    }

    let name: String
    let kind: Kind
    let width: Int

    /// - Parameter values: observed finite values of a number, in any order; nil leaves the statistics neutral.
    init(_ feature: Feature, fittedTo values: [Double]?) {
        name = feature.name
        switch feature.kind {
        case .number(let missing, let clip, let transform, let scale):
            kind = .number(Self.fit(values, missing, clip, transform, scale))
            width = 1
        case .boolean(let missing):
            kind = .boolean(missing: missing)
            width = missing == nil ? 2 : 1
        case .category(let listed, let missing):
            let positions = Dictionary(listed.enumerated().map { ($1, $0) }) { first, _ in first }
            kind = .category(positions: positions, missing: missing.flatMap { positions[$0] } ?? listed.count)
            width = listed.count + 1
        case .hashedCategory(let buckets, let missing):
            kind = .hashed(buckets: buckets, missing: missing.map { Self.bucket(of: $0, buckets: buckets) })
            width = buckets
        }
    }

    var columnNames: [String] {
        switch kind {
        case .number: [name]
        case .boolean(let missing): missing == nil ? [name, "\(name)=?"] : [name]
        case .category(let positions, _): positions.sorted { $0.value < $1.value }.map { "\(name)=\($0.key)" } + ["\(name)=?"]
        case .hashed(let buckets, _): (0..<buckets).map { "\(name)#\($0)" }
        }
    }

    func encode(_ value: ContextValue?, into output: inout [Float], at column: Int) {
        switch kind {
        case .number(let plan):
            if case .number(let number)? = value, number.isFinite {
                output[column] = plan(number)
            } else {
                output[column] = plan(plan.imputed)
            }
        case .boolean(let missing):
            var known = missing
            if case .boolean(let boolean)? = value { known = boolean }
            output[column] = known == true ? 1 : 0
            if missing == nil { output[column + 1] = known == nil ? 1 : 0 }
        case .category(let positions, let missing):
            for index in 0..<width { output[column + index] = 0 }
            if case .text(let text)? = value {
                output[column + (positions[text] ?? width - 1)] = 1
            } else {
                output[column + missing] = 1
            }
        case .hashed(let buckets, let missing):
            for index in 0..<width { output[column + index] = 0 }
            if case .text(let text)? = value {
                output[column + Self.bucket(of: text, buckets: buckets)] = 1
            } else if let missing {
                output[column + missing] = 1
            }
        }
    }

    /// FNV-1a over the UTF-8 bytes, mixed: the same bucket on every platform and for ever.
    static func bucket(of text: String, buckets: Int) -> Int {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        return Int(mix64(hash) % UInt64(buckets))
    }

    private static func fit(
        _ observed: [Double]?, _ missing: Feature.NumberImputation, _ clip: Feature.Clipping, _ transform: Feature.Transform,
        _ scale: Feature.Scaling
    ) -> Number {
        let sorted = (observed ?? []).sorted()
        var plan = Number(imputed: 0, lower: nil, upper: nil, transform: transform, centre: 0, factor: 1)
        switch missing {
        case .value(let value): plan.imputed = value
        case .mean: plan.imputed = sorted.isEmpty ? 0 : mean(sorted)
        case .median: plan.imputed = sorted.isEmpty ? 0 : quantile(0.5, of: sorted)
        }
        switch clip {
        case .none: break
        case .fixed(let lower, let upper): (plan.lower, plan.upper) = (lower, upper)
        case .percentile(let percent) where !sorted.isEmpty:
            plan.lower = quantile(1 - percent / 100, of: sorted)
            plan.upper = quantile(percent / 100, of: sorted)
        case .percentile: break
        }
        if scale == .standard, !sorted.isEmpty {
            let values = sorted.map { plan.unscaled($0) }
            let centre = mean(values)
            var squares = CompensatedSum()
            for value in values { squares += (value - centre) * (value - centre) }
            let deviation = (squares.value / Double(values.count)).squareRoot()
            plan.centre = centre
            // What varies only by rounding is constant, and a constant feature says nothing.
            plan.factor = deviation > 1e-12 * max(1, abs(centre)) ? 1 / deviation : 0
        }
        return plan
    }

    private static func mean(_ values: [Double]) -> Double {
        var sum = CompensatedSum()
        for value in values { sum += value }
        return sum.value / Double(values.count)
    }

    /// Linear interpolation between order statistics (Hyndman & Fan 1996, type 7: numpy's default).
    private static func quantile(_ p: Double, of sorted: [Double]) -> Double {
        let place = p * Double(sorted.count - 1)
        let below = Int(place.rounded(.down))
        let above = min(below + 1, sorted.count - 1)
        return sorted[below] + (place - Double(below)) * (sorted[above] - sorted[below])
    }
}
