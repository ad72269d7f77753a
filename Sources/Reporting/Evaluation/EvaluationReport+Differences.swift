import Evaluation

extension EvaluationReport {
    /// Differences by the estimator that the summary rests on; a page has those by all others too.
    func differenceSection(_ wording: EvaluationWording) -> ReportSection? {
        guard
            let estimator = differences.contains(where: { $0.estimator == wording.estimator })
                ? wording.estimator : differences.first?.estimator
        else { return nil }
        let shown = differences.filter { $0.estimator == estimator }
        let plot = differences(shown, wording)
        var notes = [
            "Paired on the same rows. P(better) holds for one look at the data, under a flat prior. More rows: how many further impressions "
                + "would probably let the interval exclude 0 if the difference is as estimated."
        ]
        if shown.count > 10 { notes.append("With so many comparisons, about one 95% interval in twenty misses by chance.") }
        let others = differences.filter { $0.estimator != estimator }
        return ReportSection(
            title: "Differences", marks: wording.marks, charts: plot.rows.isEmpty ? [] : [plot],
            tables: [table(of: shown, caption: "By \(estimator)", wording: wording, namesEstimator: Set(shown.map(\.name)).count > 1)],
            appendix: others.isEmpty
                ? [] : [table(of: others, caption: "By all other estimators", wording: wording, namesEstimator: true)], notes: notes)
    }

    private func differences(_ shown: [PolicyDifference], _ wording: EvaluationWording) -> ForestPlot {
        let doubtful = Set(policies.filter { $0.verdict != .supported }.map(\.policy))
        let forced = Set(policies.filter(\.isForced).map(\.policy))
        let rows = shown.compactMap { difference in
            difference.shownInterval.map { estimate in
                ForestPlot.Row(
                    name: "\(wording.briefNames[difference.policy]) less \(wording.briefNames[difference.baseline])"
                        + (forced.isDisjoint(with: [difference.policy, difference.baseline]) ? "" : " (forced)"),
                    estimate: estimate, isDoubtful: !doubtful.isDisjoint(with: [difference.policy, difference.baseline]))
            }
        }
        return ForestPlot(
            title: wording.titled("Differences by \(shown.first?.estimator ?? "")"), quantity: wording.quantity,
            rows: Array(rows.prefix(Self.chartRows)), reference: 0, isSigned: true)
    }

    /// A chart shows so many rows at most; the table beside it holds all.
    static let chartRows = 24

    private func table(
        of differences: [PolicyDifference], caption: String, wording: EvaluationWording, namesEstimator: Bool
    ) -> TextTable {
        let forced = Set(policies.filter(\.isForced).map(\.policy))
        let interval = differences.lazy.filter { $0.shownInterval != nil }.flatMap(\.intervals).first
        var table = TextTable(
            caption: caption,
            columns: [.text("policy"), .text("less")] + (namesEstimator ? [.text("by")] : []) + [
                .number("difference"), .number(interval?.title ?? "interval"), .number("P(better)"), .number("more rows"),
            ])
        for difference in differences {
            let estimate = difference.shownInterval
            let isForced = !forced.isDisjoint(with: [difference.policy, difference.baseline])
            let value = difference.shownValue.map {
                wording.quantity.text($0, spread: estimate?.spread, isSigned: true) + (isForced ? " (forced)" : "")
            }
            table.append(
                [wording.briefNames[difference.policy], wording.briefNames[difference.baseline]] + (namesEstimator ? [difference.name] : [])
                    + [
                        value ?? Self.missing(difference.isWithheld),
                        estimate.map { wording.quantity.text(lower: $0.lower, upper: $0.upper, isSigned: true) } ?? "",
                        value == nil ? "" : difference.probabilityBetter.map(NumberFormat.probability) ?? "",
                        value == nil ? "" : difference.rowsToDecide.map { $0 == 0 ? "none" : NumberFormat.count($0) } ?? "unknown",
                    ])
        }
        return table
    }
}
