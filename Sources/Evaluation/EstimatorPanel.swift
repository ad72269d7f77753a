/// The estimators by name, and those that are computed when nobody chooses.
package enum EstimatorPanel {
    /// Every name that `parse` knows, in the order of reports.
    package static var names: [String] { entries.map(\.name) }

    /// The default: the plain, the clipped and the self-normalised weights; with a reward model also the model alone, both kinds of
    /// correction, and shrunken weights chosen on the data, which are the best bet where plain ones are noisy.
    package static func standard(withRewardModel: Bool) -> [any Estimator] {
        let weightsOnly: [any Estimator] = [
            InversePropensityScore(), ClippedInversePropensityScore(), SelfNormalisedInversePropensityScore(),
        ]
        guard withRewardModel else { return weightsOnly }
        return weightsOnly + [DirectMethod(), DoublyRobust(), SelfNormalisedDoublyRobust(), TunedEstimator(.dros, by: .slope)]
    }

    /// Reads a name with an optional hyper-parameter: `SNIPS`, `CIPS(10)`, `SG-DR(0.1)`, `DR(slope)`. Case and spaces do not matter.
    ///
    /// Without a parameter the default of the estimator's initialiser is taken. `slope`, `mse` and `cv` choose the parameter on the data.
    /// - Throws: `EvaluationError.unknownEstimator` or `.badEstimatorParameter`, both with what was expected.
    package static func parse(_ text: String) throws -> any Estimator {
        let (name, parameter) = try split(text)
        guard let entry = entries.first(where: { $0.isCalled(name) }) else {
            throw EvaluationError.unknownEstimator(text, known: names, suggestion: nearest(to: name))
        }
        guard let parameter else { return entry.standard() }
        if let rule = TunedEstimator.Rule(rawValue: parameter), let family = TunedEstimator.Family(rawValue: entry.name) {
            return TunedEstimator(family, by: rule)
        }
        guard let reader = entry.reader, let number = Double(parameter), let estimator = reader.read(number) else {
            throw EvaluationError.badEstimatorParameter(text, expected: entry.expected)
        }
        return estimator
    }

    /// What a name stands for.
    private struct Entry: Sendable {
        /// How a parameter becomes an estimator.
        struct Reader: Sendable {
            /// In words: `a number above 0`.
            var range: String
            var example: String
            /// Nil for a number out of range.
            var read: @Sendable (Double) -> (any Estimator)?
        }

        var name: String
        /// Other spellings, in lower case.
        var aliases: [String] = []
        var standard: @Sendable () -> any Estimator
        var reader: Reader?

        func isCalled(_ text: String) -> Bool { name.lowercased() == text || aliases.contains(text) }

        /// What may stand in brackets.
        var expected: String {
            let numbers = reader.map { "\($0.range), such as \(name)(\($0.example))" }
            let rules = TunedEstimator.Family(rawValue: name).map { _ in
                TunedEstimator.Rule.allCases.map { "\(name)(\($0.rawValue))" }.joined(separator: ", ")
            }
            switch (numbers, rules) {
            case (nil, nil): return "\(name) takes no parameter"
            case (let numbers?, nil): return "expected \(numbers)"
            case (nil, let rules?): return "expected \(name) or, chosen on the data, one of \(rules)"
            case (let numbers?, let rules?): return "expected \(numbers), or, chosen on the data, one of \(rules)"
            }
        }
    }

    private static let entries: [Entry] = [
        Entry(name: "IPS", standard: { InversePropensityScore() }),
        Entry(
            name: "CIPS", standard: { ClippedInversePropensityScore() },
            reader: positive { ClippedInversePropensityScore(limit: $0) }),
        Entry(name: "SNIPS", standard: { SelfNormalisedInversePropensityScore() }),
        Entry(
            name: "SG-IPS", standard: { SubgaussianInversePropensityScore() },
            reader: share { SubgaussianInversePropensityScore(lambda: $0) }),
        Entry(name: "MLE", standard: { MaximumLikelihood() }),
        Entry(name: "CressieRead", aliases: ["cressie-read"], standard: { CressieRead() }),
        Entry(
            name: "Replay", standard: { Replay() },
            reader: Entry.Reader(range: "a bound on weights of at least 1", example: "20") {
                $0 >= 1 && $0.isFinite ? Replay(bound: $0) : nil
            }),
        Entry(name: "BalancedIPS", standard: { BalancedInversePropensityScore() }),
        Entry(name: "MIPS", standard: { MarginalisedInversePropensityScore() }),
        Entry(
            name: "KernelIPS", standard: { KernelInversePropensityScore() },
            reader: Entry.Reader(range: "a bandwidth above 0", example: "0.1") {
                $0 > 0 && $0.isFinite ? KernelInversePropensityScore(bandwidth: $0) : nil
            }),
        Entry(name: "DM", standard: { DirectMethod() }),
        Entry(name: "DR", standard: { DoublyRobust() }),
        Entry(name: "CDR", standard: { ClippedDoublyRobust() }, reader: positive { ClippedDoublyRobust(limit: $0) }),
        Entry(name: "SNDR", standard: { SelfNormalisedDoublyRobust() }),
        Entry(
            name: "SwitchDR", aliases: ["switch-dr"], standard: { SwitchDoublyRobust() },
            reader: Entry.Reader(range: "a number of at least 0", example: "10") {
                $0 >= 0 && $0.isFinite ? SwitchDoublyRobust(limit: $0) : nil
            }),
        Entry(name: "DRos", standard: { ShrunkDoublyRobust() }, reader: positive { ShrunkDoublyRobust(lambda: $0) }),
        Entry(name: "SG-DR", standard: { SubgaussianDoublyRobust() }, reader: share { SubgaussianDoublyRobust(lambda: $0) }),
        Entry(name: "MRDR", standard: { MoreRobustDoublyRobust() }),
        Entry(name: "AIPW", standard: { AdaptivelyWeightedDoublyRobust() }),
        Entry(name: "StableVar", aliases: ["aipw-stablevar"], standard: { AdaptivelyWeightedDoublyRobust(weighting: .stableVariance) }),
        Entry(name: "MinVar", aliases: ["aipw-minvar"], standard: { AdaptivelyWeightedDoublyRobust(weighting: .minimumVariance) }),
    ]

    private static func positive(_ make: @escaping @Sendable (Double) -> any Estimator) -> Entry.Reader {
        Entry.Reader(range: "a number above 0", example: "10") { $0 > 0 && $0.isFinite ? make($0) : nil }
    }

    private static func share(_ make: @escaping @Sendable (Double) -> any Estimator) -> Entry.Reader {
        Entry.Reader(range: "a number from 0 to below 1", example: "0.1") { $0 >= 0 && $0 < 1 ? make($0) : nil }
    }

    /// The lower-case name and what stands between its brackets.
    private static func split(_ text: String) throws -> (name: String, parameter: String?) {
        let plain = text.filter { !$0.isWhitespace }.lowercased()
        guard let open = plain.firstIndex(of: "(") else { return (plain, nil) }
        guard plain.last == ")" else {
            throw EvaluationError.badEstimatorParameter(text, expected: "expected a closing bracket at the end")
        }
        return (String(plain[..<open]), String(plain[plain.index(after: open)...].dropLast()))
    }

    /// The known name at an edit distance of at most a third of its length (at least one), nil where none is.
    private static func nearest(to name: String) -> String? {
        let distances = names.map { (name: $0, distance: editDistance(Array(name), Array($0.lowercased()))) }
        guard let best = distances.min(by: { $0.distance < $1.distance }), best.distance <= max(1, best.name.count / 3) else { return nil }
        return best.name
    }

    /// Insertions, deletions and replacements that turn one word into the other (Levenshtein). O(product of lengths).
    private static func editDistance(_ one: [Character], _ other: [Character]) -> Int {
        var row = Array(0...other.count)
        for i in one.indices {
            var diagonal = row[0]
            row[0] = i + 1
            for j in other.indices {
                let replaced = diagonal + (one[i] == other[j] ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(replaced, row[j] + 1, diagonal + 1)
            }
        }
        return row[other.count]
    }
}
