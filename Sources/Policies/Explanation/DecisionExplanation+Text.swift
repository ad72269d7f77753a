package import HaggleCore

extension DecisionExplanation {
    /// Plain lines for a terminal: the choice, the arms, what the features contributed, what would change it.
    /// - Parameters:
    ///   - featureLimit: features per arm, the largest contributions first; the rest are summed in one line.
    ///   - names: what an arm is called; its key by default.
    package func lines(featureLimit: Int = 8, names: [ArmKey: String] = [:]) -> [String] {
        func name(_ arm: ArmKey) -> String { names[arm] ?? arm.rawValue }
        var lines: [String] = []
        if let shown {
            lines.append(
                shown == best
                    ? "\(name(shown)) was given, the arm of the largest expected reward."
                    : "\(name(shown)) was given as exploration; the arm of the largest expected reward is \(name(best)).")
        } else {
            lines.append("\(name(best)) has the largest expected reward.")
        }
        lines.append(
            "Exploration is \(Self.percent(exploration)) of this choice: \(Self.percent(explorationByFloor)) the floor, "
                + "\(Self.percent(explorationByRule)) \(ruleReason).")
        lines.append("")
        let table = arms.map { part in
            [
                name(part.arm), Self.percent(part.probability), Self.number(part.expectedReward),
                "+- \(Self.number(part.standardDeviation))",
            ]
        }
        lines += Self.aligned([["arm", "probability", "expected reward", "sd"]] + table)
        for part in arms {
            lines.append("")
            lines.append(
                "\(name(part.arm)): \(Self.number(part.expectedReward)) = \(Self.number(part.baseReward)) on average over "
                    + "\(backgroundCount) contexts, and by feature")
            let sorted = part.contributions.enumerated().sorted {
                (abs($1.element.shapley), $0.offset) < (abs($0.element.shapley), $1.offset)
            }.map(\.element)
            var rows = [["  feature", "value", "contribution", "around here"]]
            for item in sorted.prefix(featureLimit) {
                rows.append([
                    "  \(item.feature)", Self.text(item.value), Self.signed(item.shapley), Self.signed(item.local),
                ])
            }
            let rest = sorted.dropFirst(featureLimit)
            if !rest.isEmpty {
                rows.append([
                    "  \(rest.count) others", "", Self.signed(rest.reduce(0) { $0 + $1.shapley }),
                    Self.signed(rest.reduce(0) { $0 + $1.local }),
                ])
            }
            lines += Self.aligned(rows)
        }
        lines.append("")
        lines += alternatives.map { "The best would be \(name($0.arm)) if \(Self.condition($0.counterfactual))." }
        if alternatives.isEmpty { lines.append("No change of one or two features makes another arm the best.") }
        return lines
    }

    private var ruleReason: String {
        switch algorithm {
        case .fixed, .uniform: "the fixed probabilities"
        case .epsilonGreedy: "epsilon"
        case .apprentice: "the rule that is imitated"
        default: "the posterior's uncertainty"
        }
    }

    /// "`recency_days` were at least 60 (is 12)".
    private static func condition(_ counterfactual: Counterfactual) -> String {
        counterfactual.changes.map { change in
            let relation =
                switch change.comparison {
                case .atLeast: "at least "
                case .atMost: "at most "
                case .equals: ""
                }
            return "`\(change.feature)` were \(relation)\(text(change.to)) (\(change.from.map { "is \(text($0))" } ?? "is missing"))"
        }.joined(separator: " and ")
    }

    private static func text(_ value: ContextValue?) -> String {
        switch value {
        case nil: "missing"
        case .number(let number)?: number == number.rounded() && abs(number) < 1e15 ? "\(Int(number))" : "\(number)"
        case .boolean(let flag)?: "\(flag)"
        case .text(let text)?:
            String(text.prefix(40).map { $0.isNewline || $0.unicodeScalars.contains { $0.value < 32 || $0.value == 127 } ? " " : $0 })
        case .events(let events)?: "\(events.count) events"
        }
    }

    private static func percent(_ share: Double) -> String {
        let tenths = (share * 1000).rounded()
        return "\(Int(tenths) / 10).\(Int(tenths) % 10) %"
    }

    private static func signed(_ value: Double) -> String { value < 0 ? number(value) : "+\(number(value))" }

    /// Four significant digits.
    private static func number(_ value: Double) -> String {
        guard value != 0, value.isFinite else { return "0" }
        var unit = 1.0
        while abs(value) * unit < 1000, unit < 1e12 { unit *= 10 }
        let rounded = (value * unit).rounded() / unit
        return rounded == rounded.rounded() && abs(rounded) < 1e15 ? "\(Int(rounded))" : "\(rounded)"
    }

    private static func aligned(_ rows: [[String]]) -> [String] {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            var line = ""
            for column in row.indices {
                let padding = String(repeating: " ", count: widths[column] - row[column].count)
                line += (column == 0 ? "" : "  ") + (column < 1 ? row[column] + padding : padding + row[column])
            }
            return line
        }
    }
}
