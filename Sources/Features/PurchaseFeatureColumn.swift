package import HaggleCore

/// One number column that purchases become: its name, unit and meaning.
package struct PurchaseFeatureColumn: Hashable, Sendable {
    package let name: String
    /// `days`, `orders`, `money`, `pieces` or `share` (0...1).
    package let unit: String
    package let meaning: String
    /// What an experiment's context makes of it.
    package let feature: Feature

    private init(_ name: String, _ unit: String, _ meaning: String, _ missing: Feature.NumberImputation, isSkewed: Bool) {
        self.name = name
        self.unit = unit
        self.meaning = meaning
        feature = Feature(
            name: name,
            kind: .number(
                missing: missing, clip: isSkewed ? .percentile(99) : .none, transform: isSkewed ? .log1p : .identity, scale: .standard))
    }

    /// A number with a long tail: clipped at the 99th percentile and put on a logarithmic scale.
    static func skewed(_ name: String, _ unit: String, _ meaning: String, missing: Feature.NumberImputation = .value(0)) -> Self {
        Self(name, unit, meaning, missing, isSkewed: true)
    }

    /// A share between 0 and 1; 0 where there is nothing to share.
    static func share(_ name: String, _ meaning: String) -> Self { Self(name, "share", meaning, .value(0), isSkewed: false) }
}

extension PurchaseFeatures {
    /// The columns before the shares of categories; `values(of:)` gives their values in this order.
    static let leadingColumns: [PurchaseFeatureColumn] = [
        .skewed("recency_days", "days", "since the last purchase", missing: .median),
        .skewed("orders", "orders", "ever (frequency)"),
        .skewed("orders_90d", "orders", "in the last 90 days"),
        .skewed("monetary", "money", "paid for all purchases, outliers limited, returns not subtracted"),
        .skewed("tenure_days", "days", "since the first purchase", missing: .median),
        .skewed("gap_mean_days", "days", "between orders, mean; missing below 2 orders", missing: .median),
        .skewed("gap_median_days", "days", "between orders, median; missing below 2 orders", missing: .median),
        .skewed("gap_sd_days", "days", "between orders, standard deviation (n - 1); missing below 3 orders", missing: .median),
        .skewed("basket_mean", "money", "an order, mean; missing without orders", missing: .median),
        .skewed("basket_sd", "money", "an order, standard deviation (n - 1); missing below 2 orders", missing: .median),
        .skewed("units_mean", "pieces", "an order, mean over the orders that say so; missing where none does", missing: .median),
        .share("discount_share", "of purchase lines that had a discount"),
        .share("discount_depth", "of the list price taken off, mean over the purchase lines that had a discount"),
        .share("return_rate", "of all lines that are returns"),
        .skewed("returned", "money", "given back for returns"),
    ]

    static func columns(for categories: [String]) -> [PurchaseFeatureColumn] {
        guard !categories.isEmpty else { return leadingColumns }
        var taken: Set<String> = ["share_other"]
        var columns = leadingColumns
        for category in categories {
            let plain = "share_" + slug(category)
            var name = plain
            var number = 2
            while !taken.insert(name).inserted {
                name = "\(plain)_\(number)"
                number += 1
            }
            columns.append(.share(name, "of spend on \(category)"))
        }
        columns.append(.share("share_other", "of spend on everything else"))
        return columns
    }

    /// Lower-case letters and digits, everything else one underscore: a name that conditions and SQL take without quotes.
    private static func slug(_ text: String) -> String {
        var slug = ""
        for scalar in text.lowercased().unicodeScalars {
            let isPlain = ("a"..."z").contains(scalar) || ("0"..."9").contains(scalar)
            if isPlain { slug.unicodeScalars.append(scalar) } else if slug.last != "_" { slug.append("_") }
            if slug.utf8.count >= 40 { break }
        }
        while slug.last == "_" { slug.removeLast() }
        while slug.first == "_" { slug.removeFirst() }
        return slug.isEmpty ? "unnamed" : slug
    }

    /// The features that the columns and the history are, to stand under `context:` of an experiment.
    package var schema: FeatureSchema {
        var features = columns.map(\.feature)
        if eventCount > 0 {
            let fields: [Feature.SequenceField] = [
                .init(name: "days_ago", kind: .number), .init(name: "amount", kind: .number),
                .init(name: "category", kind: .hashedCategory(buckets: Self.categoryBuckets)), .init(name: "discount", kind: .number),
            ]
            features.append(Feature(name: Self.historyName, kind: .sequence(fields: fields, length: eventCount)))
        }
        return FeatureSchema(features: features)
    }

    /// The schema as YAML, ready to be pasted into an experiment's file, every number with its unit.
    package var yaml: String {
        var lines = ["context:"]
        for column in columns {
            guard case .number(let missing, _, let transform, _) = column.feature.kind else { continue }
            var parts = ["type: number"]
            switch missing {
            case .value(let value): parts.append("missing: \(value == value.rounded() ? String(Int(value)) : String(value))")
            case .median: parts.append("missing: median")
            case .mean: parts.append("missing: mean")
            }
            if transform == .log1p { parts += ["clip: p99", "transform: log1p"] }
            let meaning = column.meaning.split(whereSeparator: \.isNewline).joined(separator: " ")
            lines.append("  \(column.name): {\(parts.joined(separator: ", "))}  # \(column.unit): \(meaning)")
        }
        if eventCount > 0 {
            lines.append(
                "  \(Self.historyName): {type: sequence, of: {days_ago: number, amount: number, category: {hash: \(Self.categoryBuckets)}, "
                    + "discount: number}, length: \(eventCount)}")
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
