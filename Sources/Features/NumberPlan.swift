import HaggleCore
import HaggleMath

/// A number's way: imputed, clipped, transformed, scaled.
struct NumberPlan: Hashable, Sendable {
    /// Stands in for a missing value, in the feature's unit.
    let imputed: Double
    /// Bounds in the feature's unit; `greatestFiniteMagnitude` either side where nothing is clipped.
    let lower: Double
    let upper: Double
    let transform: Feature.Transform
    let centre: Double
    /// What the centred value is divided by; 0 for a constant feature, which says nothing and becomes 0.
    let deviation: Double
    /// The encoding of a missing value.
    let encodedMissing: Float

    /// Beyond this a number is cut off, so that a value nobody clipped cannot drive a network to infinity.
    static let largestEncoded: Double = 1e15

    init(imputed: Double, lower: Double, upper: Double, transform: Feature.Transform, centre: Double, deviation: Double) {
        self.imputed = imputed
        self.lower = lower
        self.upper = upper
        self.transform = transform
        self.centre = centre
        self.deviation = deviation
        encodedMissing = Self.encoded(Self.transformed(imputed, lower, upper, transform), centre, deviation)
    }

    /// The column of a finite value.
    @inline(__always)
    func encoded(_ value: Double) -> Float { Self.encoded(Self.transformed(value, lower, upper, transform), centre, deviation) }

    @inline(__always)
    private static func transformed(_ value: Double, _ lower: Double, _ upper: Double, _ transform: Feature.Transform) -> Double {
        let clipped = min(max(value, lower), upper)
        switch transform {
        case .identity: return clipped
        case .log1p:
            let size = ElementaryFunctions.logOnePlus(abs(clipped))
            return clipped < 0 ? -size : size
        }
    }

    @inline(__always)
    private static func encoded(_ transformed: Double, _ centre: Double, _ deviation: Double) -> Float {
        guard deviation > 0 else { return 0 }
        return Float(min(max((transformed - centre) / deviation, -largestEncoded), largestEncoded))
    }
}

extension NumberPlan {
    /// - Parameter observed: finite values in any order; with none of them everything that is fitted stays neutral.
    init(
        fittedTo observed: [Double], _ missing: Feature.NumberImputation, _ clip: Feature.Clipping, _ transform: Feature.Transform,
        _ scale: Feature.Scaling
    ) {
        let sorted = observed.sorted()
        let limit = Double.greatestFiniteMagnitude
        let imputed =
            switch missing {
            case .value(let value): value.isFinite ? value : 0
            case .mean: Self.moments(of: sorted).mean
            case .median: sorted.isEmpty ? 0 : Self.quantile(0.5, of: sorted)
            }
        let (lower, upper) =
            switch clip {
            case .none: (-limit, limit)
            case .fixed(let lower, let upper): (max(lower, -limit), min(upper, limit))
            case .percentile(let percent) where !sorted.isEmpty:
                // p99 and p1 name the same pair of bounds.
                (Self.quantile(min(percent, 100 - percent) / 100, of: sorted), Self.quantile(max(percent, 100 - percent) / 100, of: sorted))
            case .percentile: (-limit, limit)
            }
        var (centre, deviation) = (0.0, 1.0)
        if scale == .standard, !sorted.isEmpty {
            (centre, deviation) = Self.moments(of: sorted.map { Self.transformed($0, lower, upper, transform) })
        }
        self.init(imputed: imputed, lower: lower, upper: upper, transform: transform, centre: centre, deviation: deviation)
    }

    /// Mean and standard deviation (dividing by n) of ascending values; 0 and 0 of none, and exactly the value and 0 where all are equal.
    private static func moments(of sorted: [Double]) -> (mean: Double, deviation: Double) {
        guard let first = sorted.first, let last = sorted.last else { return (0, 0) }
        guard first < last else { return (first, 0) }
        // A power of two, so that shrinking is exact: sums and squares of the largest doubles must not overflow.
        let unit: Double = max(abs(first), abs(last)) > 0x1p400 ? 0x1p-600 : 1
        var sum = CompensatedSum()
        for value in sorted { sum += value * unit }
        let mean = sum.value / Double(sorted.count)
        var squares = CompensatedSum()
        for value in sorted { squares += (value * unit - mean) * (value * unit - mean) }
        return (mean / unit, min((squares.value / Double(sorted.count)).squareRoot() / unit, .greatestFiniteMagnitude))
    }

    /// Linear interpolation between order statistics (Hyndman & Fan 1996, type 7: numpy's default).
    private static func quantile(_ p: Double, of sorted: [Double]) -> Double {
        let place = min(max(p, 0), 1) * Double(sorted.count - 1)
        let below = Int(place.rounded(.down))
        let above = min(below + 1, sorted.count - 1)
        let share = place - Double(below)
        guard share > 0, sorted[below] < sorted[above] else { return sorted[below] }
        return sorted[below] * (1 - share) + sorted[above] * share
    }
}

extension NumberPlan: Codable {
    private enum CodingKeys: String, CodingKey { case imputed, lower, upper, transform, centre, deviation }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        func finite(_ key: CodingKeys) throws -> Double {
            let value = try container.decode(Double.self, forKey: key)
            guard value.isFinite else {
                throw DecodingError.dataCorruptedError(forKey: key, in: container, debugDescription: "a finite number expected")
            }
            return value
        }
        self.init(
            imputed: try finite(.imputed), lower: try finite(.lower), upper: try finite(.upper),
            transform: try container.decode(Feature.Transform.self, forKey: .transform), centre: try finite(.centre),
            deviation: try finite(.deviation))
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(imputed, forKey: .imputed)
        try container.encode(lower, forKey: .lower)
        try container.encode(upper, forKey: .upper)
        try container.encode(transform, forKey: .transform)
        try container.encode(centre, forKey: .centre)
        try container.encode(deviation, forKey: .deviation)
    }
}
