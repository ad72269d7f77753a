import HaggleCore

/// The keys of one entry under `context:`. Which keys it may have follows from its `type`.
enum FeatureKeys {
    static let typeNames = ["number", "boolean", "category", "cycle", "sequence"]

    static let number = Table("a number feature", [type("number"), numberMissing, clip, transform, scale])
    static let boolean = Table("a boolean feature", [type("boolean"), booleanMissing])
    static let category = Table("a category feature", [type("category"), values, hash, categoryMissing])

    static let cycle = Table("a cycle feature", [type("cycle"), period])
    static let sequence = Table("a sequence feature", [type("sequence"), of, length])

    static func table(of type: String) -> Table {
        switch type {
        case "number": number
        case "boolean": boolean
        case "cycle": cycle
        case "sequence": sequence
        default: category
        }
    }

    static let period = Key(
        "period", Shape<Double>.number(.above(0)), "Length of the circle in the feature's own unit: 24 for an hour of the day.",
        required: true)
    static let of = Key(
        "of", .sequenceFields, "The fields of an event: {days_ago: number, category: {hash: 32}}.", required: true)
    static let length = Key(
        "length", Shape<Int>.integer(1...512), "Events that count; of more the newest.", default: .number(32))

    private static func type(_ name: String) -> Key<String> {
        Key("type", Shape<String>.word(of: [name]), "What values the feature takes.", required: true)
    }

    static let numberMissing = Key(
        "missing", .numberImputation, "What stands in for a missing number: a number, or the mean or median of the data it is fitted to.",
        default: .string("mean"))
    static let clip = Key(
        "clip", .clipping,
        "Bounds: [lower, upper] in the feature's own unit, or p99 for the 99th percentile of the data (and the 1st as the lower bound).")
    static let transform = Key(
        "transform", Shape<Feature.Transform>.choice(), "A map applied after clipping: log1p is sign(x) log(1 + |x|).",
        default: .string("none"))
    static let scale = Key(
        "scale", Shape<Feature.Scaling>.choice(),
        "What is done last: standard subtracts the mean and divides by the standard deviation of the data.", default: .string("standard"))
    static let booleanMissing = Key(
        "missing", Shape<Bool>.boolean, "What stands in for a missing value. Without it a missing value is a case of its own.")
    static let values = Key(
        "values", .categoryValues, "The known values; any other value is treated as unknown. Give either values or hash.")
    static let hash = Key(
        "hash", Shape<Int>.integer(2...65_536), "Number of columns that values are hashed into, for long lists such as postcodes.")
    static let categoryMissing = Key(
        "missing", Shape<String>.text(), "What stands in for a missing value. Without it a missing value is treated as unknown.")
}

extension Shape where Value == Feature.NumberImputation {
    static let numberImputation = Self(
        schema: .object(["anyOf": .array([.object(["type": .string("number")]), .object(["enum": .strings(["mean", "median"])])])])
    ) { node, path, problems in
        switch node.scalar {
        case .text("mean"): return .mean
        case .text("median"): return .median
        case .text(let text) where !NumberGrammar.isNumber(text):
            problems.mismatch(
                path, expected: "a number, mean or median", node, hint: Suggestion.hint(for: text, among: ["mean", "median"]))
            return nil
        default: return ScalarReader.number(node, path, "a number, mean or median", problems).map { .value($0) }
        }
    }
}

extension Shape where Value == Feature.Clipping {
    static let clipping = Self(
        schema: .object([
            "anyOf": .array([
                .object(["type": .string("string"), "pattern": .string("^p[0-9]{2}(\\.[0-9]+)?$")]),
                .object([
                    "type": .string("array"), "items": .object(["type": .string("number")]), "minItems": .number(2), "maxItems": .number(2),
                ]),
            ])
        ])
    ) { node, path, problems in
        let expected = "a percentile above p50 and at most p99.99, such as p99, or [lower, upper]"
        switch node.content {
        case .sequence:
            return Shape<ClosedRange<Double>>.interval("[lower, upper]").read(node, path, problems).map {
                .fixed(lower: $0.lowerBound, upper: $0.upperBound)
            }
        case .scalar(let text, _):
            if text.hasPrefix("p"), NumberGrammar.isNumber(text.dropFirst()), let percentile = Double(text.dropFirst()),
                percentile > 50, percentile <= 99.99
            {
                return .percentile(percentile)
            }
            problems.mismatch(path, expected: expected, node)
        case .mapping, .refused: problems.mismatch(path, expected: expected, node)
        }
        return nil
    }
}

extension Shape where Value == ClosedRange<Double> {
    /// Two numbers, the first below the second.
    static func interval(_ what: String, within bounds: Bounds = .all) -> Self {
        let number = Shape<Double>.number(bounds)
        let list = OrderedJSON.object(["type": .string("array"), "items": number.schema, "minItems": .number(2), "maxItems": .number(2)])
        return Self(schema: list) { node, path, problems in
            guard case .sequence(let items) = node.content, items.count == 2 else {
                problems.mismatch(path, expected: "two numbers \(what)", node)
                return nil
            }
            let ends = items.enumerated().map { number.read($0.element, "\(path)[\($0.offset)]", problems) }
            guard let lower = ends[0], let upper = ends[1] else { return nil }
            guard lower < upper else {
                problems.report(
                    "\(path): expected \(what) with the first below the second, found [\(NumberText.write(lower)), \(NumberText.write(upper))]",
                    at: node.place)
                return nil
            }
            return lower...upper
        }
    }
}

extension Shape where Value == [String] {
    /// Texts that differ from each other.
    static func distinctTexts(_ what: String, count: ClosedRange<Int>) -> Self {
        let list = Shape<[String]>.list(of: Shape<String>.text(), what, count: count, unique: true)
        return Self(schema: list.schema) { node, path, problems in
            guard let texts = list.read(node, path, problems), case .sequence(let items) = node.content else { return nil }
            var seen: Set<String> = []
            for (index, item) in items.enumerated() {
                guard case .text(let text) = item.scalar, !seen.insert(text).inserted else { continue }
                problems.report("\(path)[\(index)]: '\(YAMLNode.shortened(text))' stands in the list twice", at: item.place)
            }
            return texts
        }
    }

    static let categoryValues = distinctTexts("values", count: 1...10_000)
}

extension Shape where Value == [Feature.SequenceField] {
    static let sequenceFields = Self(
        schema: .object([
            "type": .string("object"), "minProperties": .number(1), "maxProperties": .number(16),
            "additionalProperties": .object([
                "anyOf": .array([
                    .object(["enum": .strings(["number"])]),
                    .object([
                        "type": .string("object"), "required": .strings(["hash"]),
                        "properties": .object([OrderedJSON.Member(name: "hash", value: FeatureKeys.hash.shape.schema)]),
                        "additionalProperties": .boolean(false),
                    ]),
                ])
            ]),
        ])
    ) { node, path, problems in
        guard case .mapping(let entries) = node.content, (1...16).contains(entries.count) else {
            problems.mismatch(path, expected: "1 to 16 fields such as {days_ago: number, category: {hash: 32}}", node)
            return nil
        }
        let fields = entries.map { entry -> Feature.SequenceField? in
            let place = "\(path).\(entry.key)"
            if case .text("number") = entry.value.scalar { return Feature.SequenceField(name: entry.key, kind: .number) }
            guard case .mapping = entry.value.content else {
                problems.mismatch(place, expected: "number or {hash: COUNT}", entry.value)
                return nil
            }
            let table = Table("a field", [Key("hash", FeatureKeys.hash.shape, FeatureKeys.hash.about, required: true)])
            return MappingReader(entry.value, table, path: place, problems: problems)?(FeatureKeys.hash)
                .map { Feature.SequenceField(name: entry.key, kind: .hashedCategory(buckets: $0)) }
        }
        return fields.contains { $0 == nil } ? nil : fields.compactMap { $0 }
    }
}

extension Shape where Value == Feature.Kind {
    static let feature = Self(
        schema: .object(["oneOf": .array(FeatureKeys.typeNames.map { FeatureKeys.table(of: $0).schema })])
    ) { node, path, problems in
        guard case .mapping(let entries) = node.content else {
            problems.mismatch(path, expected: "a mapping such as {type: number}", node)
            return nil
        }
        guard let typeEntry = entries.first(where: { $0.key == "type" }) else {
            problems.report("\(path): the key 'type' is missing; expected \(Words.list(FeatureKeys.typeNames))", at: node.place)
            return nil
        }
        let types = Shape<String>.word(of: FeatureKeys.typeNames)
        guard let type = types.read(typeEntry.value, "\(path).type", problems) else { return nil }
        let others = FeatureKeys.typeNames.filter { $0 != type }
        var elsewhere: [String: String] = [:]
        for other in others {
            for name in FeatureKeys.table(of: other).names { elsewhere[name] = "it belongs to a feature of type \(other)" }
        }
        guard
            let reader = MappingReader(node, FeatureKeys.table(of: type), path: path, problems: problems, elsewhere: elsewhere)
        else { return nil }
        switch type {
        case "number":
            return .number(
                missing: reader(FeatureKeys.numberMissing) ?? .mean, clip: reader(FeatureKeys.clip) ?? .none,
                transform: reader(FeatureKeys.transform) ?? .identity, scale: reader(FeatureKeys.scale) ?? .standard)
        case "boolean": return .boolean(missing: reader(FeatureKeys.booleanMissing))
        case "cycle": return reader(FeatureKeys.period).map { .cycle(period: $0) }
        case "sequence":
            let length = reader(FeatureKeys.length) ?? 32
            return reader(FeatureKeys.of).map { .sequence(fields: $0, length: length) }
        default: return category(reader)
        }
    }

    private static func category(_ reader: MappingReader) -> Feature.Kind? {
        let values = reader(FeatureKeys.values)
        let buckets = reader(FeatureKeys.hash)
        let missing = reader(FeatureKeys.categoryMissing)
        switch (reader.has(FeatureKeys.values), reader.has(FeatureKeys.hash)) {
        case (true, true):
            reader.problems.report(
                "\(reader.path): expected either 'values' or 'hash', found both", at: reader.keyPlace(of: FeatureKeys.hash))
            return nil
        case (false, false):
            reader.problems.report("\(reader.path): a category needs 'values' (a list) or 'hash' (a number of columns)", at: reader.place)
            return nil
        case (false, true): return buckets.map { .hashedCategory(buckets: $0, missing: missing) }
        case (true, false):
            guard let values else { return nil }
            if let missing, !values.contains(missing) {
                reader.problems.report(
                    "\(reader.path(of: FeatureKeys.categoryMissing)): '\(YAMLNode.shortened(missing))' is not one of the values"
                        + Suggestion.hint(for: missing, among: values),
                    at: reader.place(of: FeatureKeys.categoryMissing))
            }
            return .category(values: values, missing: missing)
        }
    }
}

extension Shape where Value == FeatureSchema {
    /// More columns than any customer table has.
    static let featureLimit = 4096

    static let context = Self(
        schema: .object([
            "type": .string("object"), "additionalProperties": Shape<Feature.Kind>.feature.schema,
            "maxProperties": .number(Double(featureLimit)),
            "propertyNames": .object(["pattern": .string("^[^$]"), "maxLength": .number(128)]),
        ])
    ) { node, path, problems in
        guard case .mapping(let entries) = node.content else {
            problems.mismatch(path, expected: "a mapping from feature names to their types", node)
            return nil
        }
        guard entries.count <= featureLimit else {
            problems.report("\(path): expected at most \(featureLimit) features, found \(entries.count)", at: node.place)
            return nil
        }
        var features: [Feature] = []
        for entry in entries {
            if !isFeatureName(entry.key) {
                problems.report(
                    "\(path): expected a feature's name of 1 to 128 characters that does not begin with '$', found '\(YAMLNode.shortened(entry.key))'",
                    at: entry.keyPlace)
            }
            guard !entry.value.isRefused, let kind = Shape<Feature.Kind>.feature.read(entry.value, "\(path).\(entry.key)", problems) else {
                continue
            }
            features.append(Feature(name: entry.key, kind: kind))
        }
        return FeatureSchema(features: features)
    }

    private static func isFeatureName(_ name: String) -> Bool {
        !name.isEmpty && !name.hasPrefix("$") && name.unicodeScalars.count <= 128
            && !name.unicodeScalars.contains { $0.properties.generalCategory == .control }
    }
}
