/// The estimators by name, and those that are computed when nobody chooses.
package enum EstimatorPanel {
    /// Every name that `parse` knows, in the order of reports.
    package static let names = ["IPS", "CIPS", "SNIPS", "DM", "DR"]

    /// The default: those without a reward model, and DM and DR where there is one.
    package static func standard(withRewardModel: Bool) -> [any Estimator] {
        let weightsOnly: [any Estimator] = [
            InversePropensityScore(), ClippedInversePropensityScore(), SelfNormalisedInversePropensityScore(),
        ]
        return withRewardModel ? weightsOnly + [DirectMethod(), DoublyRobust()] : weightsOnly
    }

    /// Reads a name with an optional hyper-parameter: `SNIPS`, `CIPS(10)`. Case does not matter.
    /// - Throws: `EvaluationError.unknownEstimator` or `.badEstimatorParameter`.
    package static func parse(_ text: String) throws -> any Estimator {
        let (name, parameter) = try split(text)
        if parameter != nil && name != "CIPS" { throw EvaluationError.badEstimatorParameter(text, expected: "\(name) takes no parameter") }
        switch name {
        case "IPS": return InversePropensityScore()
        case "CIPS":
            guard let parameter else { return ClippedInversePropensityScore() }
            guard let limit = Double(parameter), limit > 0, limit.isFinite else {
                throw EvaluationError.badEstimatorParameter(text, expected: "CIPS(l) takes one number above 0, such as CIPS(10)")
            }
            return ClippedInversePropensityScore(limit: limit)
        case "SNIPS": return SelfNormalisedInversePropensityScore()
        case "DM": return DirectMethod()
        case "DR": return DoublyRobust()
        default: throw EvaluationError.unknownEstimator(text, known: names)
        }
    }

    /// The upper-case name and what stands between its brackets.
    private static func split(_ text: String) throws -> (name: String, parameter: String?) {
        guard let open = text.firstIndex(of: "(") else { return (text.uppercased(), nil) }
        guard text.last == ")" else { throw EvaluationError.badEstimatorParameter(text, expected: "a closing bracket at the end") }
        let inside = text[text.index(after: open)...].dropLast()
        return (text[..<open].uppercased(), String(inside))
    }
}
