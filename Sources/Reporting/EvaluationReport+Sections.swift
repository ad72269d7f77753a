package import Evaluation

extension EvaluationReport {
    /// The report for a person: the verdict on every policy, its estimates with their intervals, what the weights say, and differences.
    /// - Parameter quantity: what a reward measures.
    package func text(quantity: Quantity = .plain, isTerminal: Bool = false) -> String {
        ([overview + "\n"] + sections(quantity: quantity).map { $0.text(isTerminal: isTerminal) }).joined(separator: "\n")
    }

    /// The report for a program.
    package func json() throws -> String { try ReportJSON.text(self) }

    /// How much was evaluated and what was left out.
    var overview: String {
        var text = "\(NumberFormat.count(rowCount)) rows, \(armCount) arms"
        text += clusteredBy.map { ", standard errors clustered by \($0.printable)" } ?? ""
        text += rewardModel.map { ", reward model \($0.printable)" } ?? ""
        guard !excluded.isEmpty else { return text }
        let reasons = excluded.sorted { $0.key < $1.key }.map { "\($0.key.printable) \(NumberFormat.count($0.value))" }
        return text + "\n" + NumberFormat.count(excluded.values.reduce(0, +)) + " rows left out: " + reasons.joined(separator: ", ")
    }

    /// One section for each policy and one for their differences, for pages and the terminal.
    package func sections(quantity: Quantity = .plain) -> [ReportSection] {
        var sections = policies.map { $0.section(rowCount: rowCount, quantity: quantity) }
        if let differences = differenceSection(quantity: quantity) { sections.append(differences) }
        return sections
    }

    /// Differences by one estimator, the most trusted one that has them: a table of all would bury the answer.
    private func differenceSection(quantity: Quantity) -> ReportSection? {
        guard
            let estimator = ["DR", "SNIPS"].first(where: { name in differences.contains { $0.estimator == name } })
                ?? differences.first?.estimator
        else { return nil }
        let shown = differences.filter { $0.estimator == estimator }
        var table = TextTable(columns: [
            .text("policy"), .text("less"), .number("difference"), .number("interval"), .number("P(better)"),
        ])
        var rows: [ForestPlot.Row] = []
        for difference in shown {
            let estimate = difference.intervals.first.flatMap { interval in difference.value.map { interval.estimate(of: $0) } }
            table.append([
                difference.policy, difference.baseline,
                estimate.map { quantity.text($0.value, spread: $0.spread, isSigned: true) } ?? Self.missing(difference.isWithheld),
                estimate.map { quantity.text(lower: $0.lower, upper: $0.upper, isSigned: true) } ?? "",
                difference.probabilityBetter.map(NumberFormat.probability) ?? "",
            ])
            if let estimate { rows.append(ForestPlot.Row(name: "\(difference.policy) less \(difference.baseline)", estimate: estimate)) }
        }
        let plot = ForestPlot(title: "Differences by \(estimator)", quantity: quantity, rows: rows, reference: 0, isSigned: true)
        var notes = ["By \(estimator), paired on the same rows. P(better) holds for one look at the data, under a flat prior."]
        if let interval = shown.lazy.flatMap(\.intervals).first { notes.append(interval.note) }
        return ReportSection(title: "Differences", charts: rows.isEmpty ? [] : [plot], tables: [table], notes: notes)
    }

    static func missing(_ isWithheld: Bool) -> String { isWithheld ? "withheld" : NumberFormat.notAvailable }
}

extension PolicyEvaluation {
    fileprivate func section(rowCount: Int, quantity: Quantity) -> ReportSection {
        let methods = estimates.reduce(into: [Interval.Method]()) { methods, estimate in
            for interval in estimate.intervals where !methods.contains(interval.method) { methods.append(interval.method) }
        }
        var table = TextTable(
            columns: [.text("estimator"), .number("value"), .number("standard error")] + methods.map { .number(columnTitle(of: $0)) })
        var rows: [ForestPlot.Row] = []
        for estimate in estimates {
            let first = estimate.intervals.first
            let spread = first.map { ($0.upper - $0.lower) / 2 }
            table.append(
                [
                    estimate.name,
                    estimate.value.flatMap { value in spread.map { quantity.text(value, spread: $0) } }
                        ?? EvaluationReport.missing(estimate.isWithheld),
                    estimate.standardError.map { NumberFormat.significant($0, digits: 3) } ?? "",
                ]
                    + methods.map { method in
                        estimate.intervals.first { $0.method == method }.map { quantity.text(lower: $0.lower, upper: $0.upper) } ?? ""
                    })
            if let first, let value = estimate.value {
                rows.append(ForestPlot.Row(name: estimate.name, estimate: first.estimate(of: value)))
            }
        }
        var paragraphs = ["Verdict: \(verdict.rawValue)." + (verdict == .unsupported ? " The log cannot answer for this policy." : "")]
        paragraphs += reasons.map(\.capitalisedFirst)
        let plot = ForestPlot(title: "\(policy): estimates of its value", quantity: quantity, rows: rows)
        var notes = [diagnostics.sentence(rowCount: rowCount)]
        if let flagged = diagnostics.armFrequencies?.flagged, !flagged.isEmpty {
            notes.append(
                "Arms came more or less often than their logged propensities say, \(flagged.count) times: the log is not what it claims.")
        }
        return ReportSection(
            title: "Policy \(policy)", paragraphs: paragraphs, charts: rows.isEmpty ? [] : [plot], tables: [table], notes: notes)
    }

    private func columnTitle(of method: Interval.Method) -> String {
        let level = estimates.lazy.flatMap(\.intervals).first { $0.method == method }?.level ?? 0.95
        return "\(NumberFormat.percent(level, decimals: level * 100 == (level * 100).rounded() ? 0 : 1)) \(method.rawValue)"
    }
}

extension Estimate {
    /// The name with its parameters: `CIPS(10)`.
    fileprivate var name: String {
        guard !parameters.isEmpty else { return estimator }
        let values = parameters.sorted { $0.key < $1.key }.map { parameter in
            Int(exactly: parameter.value).map(String.init) ?? NumberFormat.significant(parameter.value)
        }
        return estimator + "(" + values.joined(separator: ", ") + ")"
    }
}

extension Interval {
    /// The interval around its estimate, as pages show it.
    func estimate(of value: Double) -> IntervalEstimate {
        IntervalEstimate(value: value, lower: lower, upper: upper, level: level, method: method.rawValue + "; " + assumptions)
    }

    var note: String { "\(NumberFormat.percent(level, decimals: 0)) \(method.rawValue) intervals: \(assumptions)." }
}

extension Diagnostics {
    /// The numbers behind the verdict, in one line of prose.
    fileprivate func sentence(rowCount: Int) -> String {
        var parts = [
            "effective sample \(NumberFormat.fixed(effectiveSampleSize, decimals: 0)) of \(NumberFormat.count(rowCount)) rows "
                + "(\(NumberFormat.percent(effectiveSampleShare)))",
            "\(NumberFormat.fixed(rewardedEffectiveSampleSize, decimals: 0)) among the \(NumberFormat.count(rewardedRowCount)) with a reward",
            "mean weight \(NumberFormat.significant(meanWeight))"
                + (meanWeightZ.map { " (\(NumberFormat.fixed($0, decimals: 1)) standard errors from 1)" } ?? ""),
            "largest weight \(NumberFormat.significant(maximumWeight, digits: 3)), \(NumberFormat.percent(maximumWeightShare)) of all",
            "heaviest 1% of rows \(NumberFormat.percent(topPercentWeightShare)) of all weight",
        ]
        if let paretoK { parts.append("Pareto k \(NumberFormat.fixed(paretoK, decimals: 2))") }
        parts.append(
            targetMassOnImpossibleArms.map { "target mass where the propensity was 0: \(NumberFormat.percent($0, decimals: 2))" }
                ?? "target mass where the propensity was 0: not checkable, the log holds only the chosen arm's")
        if let estimatorDisagreement {
            parts.append("estimators disagree by up to \(NumberFormat.fixed(estimatorDisagreement, decimals: 1)) standard errors")
        }
        return "Weights: " + parts.joined(separator: "; ") + "."
    }
}
