import HaggleCore
import HaggleMath

/// How one feature becomes columns, with everything fitted.
struct FeaturePlan: Hashable, Sendable, Codable {
    enum Kind: Hashable, Sendable, Codable {
        case number(NumberPlan)
        /// Two columns where missing has its own indicator.
        case boolean(missing: Bool?)
        /// One column per value in the order of the file, then one for unknown values. `missing` is the column of a missing value.
        case category(values: [String], missing: Int)
        /// A missing value without a substitute leaves all columns 0.
        case hashed(buckets: Int, missing: Int?)
        /// Sine and cosine of the angle.
        case cycle(period: Double)
        case sequence(SequencePlan)
    }

    let name: String
    let kind: Kind
    let width: Int
    /// Column of each listed value, for a `category` with more than eight of them.
    private let positions: [String: Int]

    /// - Parameters:
    ///   - values: observed finite values of a number, in any order.
    ///   - moments: of a sequence, of its number fields by name.
    ///   - keepsOrder: of a sequence, whether its events themselves are written.
    init(_ feature: Feature, fittedTo values: [Double], moments: [String: RunningMoments] = [:], keepsOrder: Bool = false) {
        switch feature.kind {
        case .number(let missing, let clip, let transform, let scale):
            self.init(name: feature.name, kind: .number(NumberPlan(fittedTo: values, missing, clip, transform, scale)))
        case .boolean(let missing):
            self.init(name: feature.name, kind: .boolean(missing: missing))
        case .category(let listed, let missing):
            let position = missing.flatMap { listed.firstIndex(of: $0) } ?? listed.count
            self.init(name: feature.name, kind: .category(values: listed, missing: position))
        case .hashedCategory(let buckets, let missing):
            precondition(buckets > 0, "a hashed category needs a bucket")
            self.init(name: feature.name, kind: .hashed(buckets: buckets, missing: missing.map { Self.bucket(of: $0, buckets: buckets) }))
        case .cycle(let period): self.init(name: feature.name, kind: .cycle(period: period))
        case .sequence(let fields, let length):
            self.init(
                name: feature.name,
                kind: .sequence(SequencePlan(fields: fields, length: length, moments: moments, keepsOrder: keepsOrder)))
        }
    }

    private init(name: String, kind: Kind) {
        self.name = name
        self.kind = kind
        switch kind {
        case .number: (width, positions) = (1, [:])
        case .boolean(let missing): (width, positions) = (missing == nil ? 2 : 1, [:])
        case .category(let values, _):
            width = values.count + 1
            positions = values.count > 8 ? Dictionary(values.enumerated().map { ($1, $0) }) { first, _ in first } : [:]
        case .hashed(let buckets, _): (width, positions) = (buckets, [:])
        case .cycle: (width, positions) = (2, [:])
        case .sequence(let plan): (width, positions) = (plan.width, [:])
        }
    }

    /// Whether events stand in the columns as they are.
    var isEventBlock: Bool { if case .sequence(let plan) = kind { plan.keepsOrder } else { false } }

    var columnNames: [String] {
        switch kind {
        case .number: [name]
        case .boolean(let missing): missing == nil ? [name, "\(name)=?"] : [name]
        case .category(let values, _): values.map { "\(name)=\($0)" } + ["\(name)=?"]
        case .hashed(let buckets, _): (0..<buckets).map { "\(name)#\($0)" }
        case .cycle: ["\(name):sin", "\(name):cos"]
        case .sequence(let plan): plan.columnNames(name)
        }
    }

    /// Writes `width` columns.
    @inline(__always)
    func encode(_ value: ContextValue?, into output: inout MutableSpan<Float>, at column: Int) {
        switch kind {
        case .number(let plan):
            if case .number(let number)? = value, number.isFinite {
                output[column] = plan.encoded(number)
            } else {
                output[column] = plan.encodedMissing
            }
        case .boolean(let missing):
            var known = missing
            if case .boolean(let boolean)? = value { known = boolean }
            output[column] = known == true ? 1 : 0
            if missing == nil { output[column + 1] = known == nil ? 1 : 0 }
        case .category(let values, let missing):
            for index in column..<column + width { output[index] = 0 }
            if case .text(let text)? = value {
                // Comparing a few short strings is quicker than hashing one.
                let position = positions.isEmpty ? values.firstIndex(of: text) : positions[text]
                output[column + (position ?? width - 1)] = 1
            } else {
                output[column + missing] = 1
            }
        case .hashed(let buckets, let missing):
            for index in column..<column + width { output[index] = 0 }
            if case .text(let text)? = value {
                output[column + Self.bucket(of: text, buckets: buckets)] = 1
            } else if let missing {
                output[column + missing] = 1
            }
        case .cycle(let period):
            if case .number(let number)? = value, number.isFinite {
                let angle = 2 * Double.pi * (number / period - (number / period).rounded(.down))
                output[column] = Float(ElementaryFunctions.sin(angle))
                output[column + 1] = Float(ElementaryFunctions.cos(angle))
            } else {
                output[column] = 0
                output[column + 1] = 0
            }
        case .sequence(let plan): plan.encode(value, into: &output, at: column)
        }
    }

    /// FNV-1a over the UTF-8 bytes, mixed: the same bucket on every platform and for ever.
    static func bucket(of text: String, buckets: Int) -> Int {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        return Int(mix64(hash) % UInt64(buckets))
    }
}

extension FeaturePlan {
    private enum CodingKeys: String, CodingKey { case name, kind }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let kind = try container.decode(Kind.self, forKey: .kind)
        let isPossible =
            switch kind {
            case .number, .boolean: true
            case .sequence(let plan): plan.isPossible
            case .cycle(let period): period.isFinite && period > 0
            case .category(let values, let missing): (0...values.count).contains(missing)
            case .hashed(let buckets, let missing): buckets > 0 && missing.map { (0..<buckets).contains($0) } ?? true
            }
        guard isPossible else {
            throw DecodingError.dataCorruptedError(
                forKey: .kind, in: container, debugDescription: "a missing value's column lies outside the feature's columns")
        }
        self.init(name: try container.decode(String.self, forKey: .name), kind: kind)
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .name)
        try container.encode(kind, forKey: .kind)
    }
}
