import HaggleCore
import HaggleMath

/// What a person should know of the rows before trusting a model of them: one sentence for each finding. Nothing here stops training.
enum DataCheck {
    /// O(n f + m f^2) for f features and m = at most 20 000 rows that collinearity is looked at on.
    static func warnings(_ rows: [Interaction], schema: FeatureSchema, armNames: [String], isWithNetworks: Bool, leastTraining: Int)
        -> [String]
    {
        var warnings: [String] = []
        if let first = rows.first?.reward, rows.allSatisfy({ $0.reward == first }) {
            warnings.append(
                "all \(rows.count) rewards are \(first): there is nothing to predict, and every model's loss is that of a constant; check the "
                    + "reward's metric and whether conversions arrived")
        }
        let counts = rows.reduce(into: [Int](repeating: 0, count: armNames.count)) { $0[$1.arm] += 1 }
        for (arm, count) in counts.enumerated() where count < 20 {
            warnings.append(
                "arm \(armNames[arm]) has \(count) row\(count == 1 ? "" : "s"): with fewer than 20 its estimate is drawn to the mean of all arms"
            )
        }
        let missing = rows.lazy.filter { $0.propensity == nil }.count
        if missing > 0 {
            warnings.append("\(missing) of \(rows.count) rows have no propensity: no off-policy value can stand beside the losses")
        }
        if isWithNetworks, leastTraining < 64 {
            warnings.append(
                "a fold has \(leastTraining) rows to train on: a network needs 64, below that each arm's mean stands in for it")
        }
        return warnings + features(rows, schema: schema)
    }

    private static func features(_ rows: [Interaction], schema: FeatureSchema) -> [String] {
        var warnings: [String] = []
        var columns: [(name: String, values: [Double])] = []
        let step = max(1, rows.count / 20_000)
        let sample = stride(from: 0, to: rows.count, by: step).map { rows[$0] }
        for feature in schema.features {
            var first: ContextValue?
            var varies = false
            var missing = 0
            for row in rows {
                guard let value = row.context[feature.name] else {
                    missing += 1
                    continue
                }
                if let first { varies = varies || first != value } else { first = value }
            }
            if missing == rows.count {
                warnings.append("feature \(feature.name) is missing in every row: it cannot help; check its name and where it is sent")
            } else if !varies, missing == 0 {
                warnings.append("feature \(feature.name) has one value in all rows: it cannot help, and is ignored")
            } else if varies, isNumeric(feature.kind) {
                columns.append((feature.name, centred(sample.map { number($0.context[feature.name]) })))
            }
        }
        return warnings + collinear(columns)
    }

    private static func isNumeric(_ kind: Feature.Kind) -> Bool {
        switch kind {
        case .number, .boolean: true
        case .category, .hashedCategory, .cycle, .sequence: false
        }
    }

    private static func number(_ value: ContextValue?) -> Double? {
        switch value {
        case .number(let number): number
        case .boolean(let flag): flag ? 1 : 0
        case .text, .events, nil: nil
        }
    }

    /// Missing values become the mean; mean 0 and length 1, or all 0 where nothing is left.
    private static func centred(_ values: [Double?]) -> [Double] {
        let known = values.compactMap { $0 }
        let mean = known.reduce(0, +) / Double(max(1, known.count))
        var result = values.map { $0.map { $0 - mean } ?? 0 }
        let largest = result.reduce(0) { max($0, abs($1)) }
        guard largest > 0, largest.isFinite else { return result.map { _ in 0 } }
        for index in result.indices { result[index] /= largest }
        let length = result.reduce(0) { $0 + $1 * $1 }.squareRoot()
        for index in result.indices { result[index] /= length }
        return result
    }

    /// Columns that are a linear combination of those before (modified Gram-Schmidt: less than a millionth of the length is left).
    private static func collinear(_ columns: [(name: String, values: [Double])]) -> [String] {
        var basis: [[Double]] = []
        var warnings: [String] = []
        for (index, column) in columns.enumerated() {
            var rest = column.values
            // Twice is enough (Kahan): the second pass removes what rounding left.
            for _ in 0..<2 {
                for direction in basis {
                    var product = 0.0
                    for row in rest.indices { product += rest[row] * direction[row] }
                    for row in rest.indices { rest[row] -= product * direction[row] }
                }
            }
            let length = rest.reduce(0) { $0 + $1 * $1 }.squareRoot()
            if length > 1e-6 {
                basis.append(rest.map { $0 / length })
            } else if column.values.contains(where: { $0 != 0 }) {
                let nearest = columns[..<index].max { correlation($0.values, column.values) < correlation($1.values, column.values) }
                warnings.append(
                    "feature \(column.name) is a linear function of other features"
                        + (nearest.map { " (most like \($0.name))" } ?? "") + ": it adds nothing, and weights between them are arbitrary")
            }
        }
        return warnings
    }

    private static func correlation(_ left: [Double], _ right: [Double]) -> Double {
        var sum = 0.0
        for row in left.indices { sum += left[row] * right[row] }
        return abs(sum)
    }
}
