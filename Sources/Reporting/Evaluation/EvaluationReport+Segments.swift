import Evaluation

extension EvaluationReport {
    /// One section for each thing that the log was split by.
    func segmentSections(_ wording: EvaluationWording) -> [ReportSection] {
        var known: Set<String> = []
        let names = segments.map(\.by).filter { known.insert($0).inserted }
        return names.map { by in segmentSection(by: by, segments.filter { $0.by == by }, wording) }
    }

    private func segmentSection(by: String, _ segments: [SegmentEvaluation], _ wording: EvaluationWording) -> ReportSection {
        var table = TextTable(
            caption: "\(wording.meanName.capitalisedFirst)" + (wording.estimator.map { " by \($0)" } ?? ""),
            columns: [.text(by), .number("rows"), .text("policy"), .text("verdict"), .number("estimate"), .number("interval")])
        var rows: [ForestPlot.Row] = []
        for segment in segments {
            for policy in segment.policies {
                let shown = policy.shownEstimate(wording.estimator)?.interval
                let name = wording.briefNames[policy.policy]
                table.append([
                    segment.value, NumberFormat.count(segment.rowCount), name, policy.mark,
                    shown.map { wording.quantity.text($0.value, spread: $0.spread) } ?? Self.missing(policy.isWithheld),
                    shown.map { wording.quantity.text(lower: $0.lower, upper: $0.upper) } ?? "",
                ])
                if let shown {
                    let label = segment.policies.count > 1 ? "\(segment.value) · \(name)" : segment.value
                    rows.append(ForestPlot.Row(name: policy.markedName(label), estimate: shown, isDoubtful: policy.verdict != .supported))
                }
            }
        }
        let plot = ForestPlot(
            title: wording.titled("By \(by)"), quantity: wording.quantity, rows: Array(rows.prefix(Self.chartRows)))
        var tables = [table]
        if let differences = differenceTable(by: by, segments, wording) { tables.append(differences) }
        return ReportSection(
            title: "By \(by)", marks: wording.marks, charts: rows.isEmpty ? [] : [plot], tables: tables,
            notes: ["Among many segments some differ by chance alone: about one 95% interval in twenty misses."])
    }

    private func differenceTable(by: String, _ segments: [SegmentEvaluation], _ wording: EvaluationWording) -> TextTable? {
        var table = TextTable(
            caption: "Differences" + (wording.estimator.map { " by \($0)" } ?? ""),
            columns: [.text(by), .text("policy"), .text("less"), .number("difference"), .number("interval"), .number("P(better)")])
        for segment in segments {
            let forced = Set(segment.policies.filter(\.isForced).map(\.policy))
            for difference in segment.differences where difference.estimator == wording.estimator {
                let isForced = !forced.isDisjoint(with: [difference.policy, difference.baseline])
                let estimate = difference.shownInterval
                table.append([
                    segment.value, wording.briefNames[difference.policy], wording.briefNames[difference.baseline],
                    difference.shownValue.map {
                        wording.quantity.text($0, spread: estimate?.spread, isSigned: true) + (isForced ? " (forced)" : "")
                    } ?? Self.missing(difference.isWithheld),
                    estimate.map { wording.quantity.text(lower: $0.lower, upper: $0.upper, isSigned: true) } ?? "",
                    estimate == nil ? "" : difference.probabilityBetter.map(NumberFormat.probability) ?? "",
                ])
            }
        }
        return table.rows.isEmpty ? nil : table
    }
}
