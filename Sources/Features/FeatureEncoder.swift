package import HaggleCore
import HaggleMath

/// Context to numbers: cleaning, imputation, clipping, transformation, scaling, one-hot and hashed categories.
///
/// Fitted on contexts of the log and stored with the snapshot: training and serving run this same code. A value of another type than its
/// feature's counts as missing here (the edge refuses it before). Output is always finite.
package struct FeatureEncoder: Hashable, Sendable, Codable {
    /// The features' plans in schema order.
    private let plans: [FeaturePlan]
    /// Number of columns; the caller appends the constant 1.
    package let width: Int

    /// One sequence feature whose events stand in the columns as they are.
    package struct EventBlock: Hashable, Sendable {
        package let length: Int
        /// Numbers of an event; they come before its categories.
        package let numberCount: Int
        /// Of each category field the number of its values.
        package let categories: [Int]
    }

    /// The blocks of events, which are the last columns; empty unless the encoder was made with `keepingOrder`.
    package var eventBlocks: [EventBlock] {
        plans.compactMap { plan in
            guard case .sequence(let sequence) = plan.kind, sequence.keepsOrder else { return nil }
            return EventBlock(
                length: sequence.length, numberCount: sequence.numbers.count, categories: sequence.categories.map(\.buckets))
        }
    }

    /// Columns before the blocks of events.
    package var plainWidth: Int { eventBlocks.reduce(width) { $0 - 1 - $1.length * ($1.numberCount + $1.categories.count) } }

    /// Fits the statistics of a schema to contexts.
    ///
    /// A number's statistics come from its observed values alone: mean, median and percentiles as sent; the mean and standard deviation of
    /// `scale: standard` after clipping and transformation. A missing number is imputed first and then clipped, transformed and scaled like
    /// an observed one. Exact up to 262 144 observed values of a feature; beyond, from an evenly thinned sample of at least half as many.
    /// O(n log n) per feature.
    ///
    /// - Parameter keepingOrder: whether `sequence` features are written event by event, behind all other columns, for a network that reads
    ///   them; else as summaries without order: how many events, mean and newest value of each number, shares of the categories.
    package init(schema: FeatureSchema, fittedTo contexts: some Sequence<Context>, keepingOrder: Bool = false) {
        let numbers = schema.features.indices.filter { if case .number = schema.features[$0].kind { true } else { false } }
        var samples = schema.features.map { _ in ThinnedSample() }
        var moments = schema.features.map { _ in [String: RunningMoments]() }
        let sequences = schema.features.indices.filter { if case .sequence = schema.features[$0].kind { true } else { false } }
        for context in contexts {
            for index in sequences {
                guard case .sequence(let fields, let length) = schema.features[index].kind,
                    case .events(let events)? = context.values[schema.features[index].name]
                else { continue }
                for event in events.suffix(length) {
                    for field in fields where field.kind == .number {
                        guard case .number(let number)? = event[field.name], number.isFinite else { continue }
                        moments[index][field.name, default: RunningMoments()].add(SequencePlan.Number.compressed(number))
                    }
                }
            }
            for index in numbers {
                if case .number(let value)? = context.values[schema.features[index].name], value.isFinite { samples[index].add(value) }
            }
        }
        let plans = schema.features.indices.map {
            FeaturePlan(schema.features[$0], fittedTo: samples[$0].values, moments: moments[$0], keepsOrder: keepingOrder)
        }
        // Events last: a network passes the columns before them through.
        self.init(plans: plans.filter { !$0.isEventBlock } + plans.filter(\.isEventBlock))
    }

    /// Neutral statistics, as of no observed value at all: missing numbers become 0 unless the schema names a value, percentiles do not
    /// clip, standard scaling changes nothing. What the schema itself says (fixed bounds, transforms, categories) holds.
    package init(unfitted schema: FeatureSchema) { self.init(plans: schema.features.map { FeaturePlan($0, fittedTo: []) }) }

    private init(plans: [FeaturePlan]) {
        self.plans = plans
        width = plans.reduce(0) { $0 + $1.width }
    }

    /// A name for each column: `recency_days`, `channel=web`, `channel=?` (unknown), `is_member=?` (missing), `postcode#17`.
    package var columnNames: [String] { plans.flatMap(\.columnNames) }

    /// Writes exactly `width` numbers from the start of `output`; reallocates it only if it is shorter.
    package func encode(_ context: Context, into output: inout [Float]) {
        if output.count < width { output = [Float](repeating: 0, count: width) }
        var span = output.mutableSpan
        encode(context, into: &span, at: 0)
    }

    /// Writes exactly `width` numbers from position `start` of a longer row or of a matrix of rows.
    package func encode(_ context: Context, into output: inout MutableSpan<Float>, at start: Int) {
        precondition(start >= 0 && start + width <= output.count, "the output is narrower than the encoding")
        var column = start
        // Through a span, because reading an array's element copies it, and a plan holds references to count.
        let plans = plans.span
        for index in plans.indices {
            plans[index].encode(context.values[plans[index].name], into: &output, at: column)
            column += plans[index].width
        }
    }

    /// The same numbers in a new array.
    package func encode(_ context: Context) -> [Float] {
        var output = [Float](repeating: 0, count: width)
        encode(context, into: &output)
        return output
    }
}

extension FeatureEncoder {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        self.init(plans: try container.decode([FeaturePlan].self))
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(plans)
    }
}
