package import HaggleCore

/// Context to numbers: cleaning, imputation, clipping, transformation, scaling, one-hot and hashed categories.
///
/// Fitted on contexts of the log and stored with the snapshot: training and serving run this same code. A value of another type than its
/// feature's counts as missing here (the edge refuses it before). Output is always finite.
package struct FeatureEncoder: Hashable, Sendable, Codable {
    /// The features' plans in schema order.
    private let plans: [FeaturePlan]
    /// Number of columns; the caller appends the constant 1.
    package let width: Int

    /// Fits the statistics of a schema to contexts.
    ///
    /// A number's statistics come from its observed values alone: mean, median and percentiles as sent; the mean and standard deviation of
    /// `scale: standard` after clipping and transformation. A missing number is imputed first and then clipped, transformed and scaled like
    /// an observed one. Exact up to 262 144 observed values of a feature; beyond, from an evenly thinned sample of at least half as many.
    /// O(n log n) per feature.
    package init(schema: FeatureSchema, fittedTo contexts: some Sequence<Context>) {
        let numbers = schema.features.indices.filter { if case .number = schema.features[$0].kind { true } else { false } }
        var samples = schema.features.map { _ in ThinnedSample() }
        for context in contexts {
            for index in numbers {
                if case .number(let value)? = context.values[schema.features[index].name], value.isFinite { samples[index].add(value) }
            }
        }
        self.init(plans: zip(schema.features, samples).map { FeaturePlan($0, fittedTo: $1.values) })
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
