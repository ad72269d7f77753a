package import Evaluation

extension EvaluationReport {
    /// Everything but the summary, as sections for pages and the terminal; parts that the report does not hold are left out.
    package func sections(quantity: Quantity = .plain, metric: String = "reward") -> [ReportSection] {
        sections(EvaluationWording(self, quantity: quantity, metric: metric))
    }

    func sections(_ wording: EvaluationWording) -> [ReportSection] {
        var sections: [ReportSection] = []
        if !warnings.isEmpty { sections.append(ReportSection(title: "Warnings", items: warnings.map(\.asSentence))) }
        if policies.count > 1 { sections.append(policySection(wording)) }
        if let differences = differenceSection(wording) { sections.append(differences) }
        sections += policies.map { $0.section(rowCount: rowCount, wording: wording) }
        sections += segmentSections(wording)
        if let replays = replaySection(quantity: wording.quantity) { sections.append(replays) }
        if let calibration = calibrationSection(wording) { sections.append(calibration) }
        if let intervals = intervalSection { sections.append(intervals) }
        if !excluded.isEmpty {
            var table = TextTable(columns: [.text("reason"), .number("rows")])
            for (reason, count) in excluded.sorted(by: { $0.key < $1.key }) { table.append([reason, NumberFormat.count(count)]) }
            sections.append(
                ReportSection(
                    title: "Rows left out",
                    paragraphs: [
                        "Only impressions that the logging policy drew, and whose reward is known, can answer for another policy."
                    ],
                    tables: [table]))
        }
        if let provenance { sections.append(provenance.section) }
        return sections
    }

    /// All policies by one estimator, side by side.
    private func policySection(_ wording: EvaluationWording) -> ReportSection {
        let interval = policies.lazy.compactMap { $0.shownEstimate(wording.estimator)?.estimate.shownIntervals.first }.first
        var table = TextTable(
            caption: "\(wording.meanName.capitalisedFirst)" + (wording.estimator.map { " by \($0)" } ?? ""),
            columns: [
                .text("policy"), .text("verdict"), .number("estimate"), .number(interval?.title ?? "interval"), .number("effective rows"),
            ])
        var rows: [ForestPlot.Row] = []
        var silent: [ForestPlot.Silent] = []
        for policy in policies {
            let name = wording.names[policy.policy]
            let shown = policy.shownEstimate(wording.estimator)?.interval
            table.append([
                name, policy.mark, shown.map { wording.quantity.text($0.value, spread: $0.spread) } ?? Self.missing(policy.isWithheld),
                shown.map { wording.quantity.text(lower: $0.lower, upper: $0.upper) } ?? "",
                NumberFormat.fixed(policy.diagnostics.effectiveSampleSize, decimals: 0),
            ])
            if let shown {
                rows.append(
                    ForestPlot.Row(name: policy.markedName(name), estimate: shown, isDoubtful: policy.verdict != .supported))
            } else if policy.isWithheld {
                silent.append(ForestPlot.Silent(name: name, note: "withheld"))
            }
        }
        let plot = ForestPlot(
            title: wording.titled("Policies" + (wording.estimator.map { " by \($0)" } ?? "")), quantity: wording.quantity, rows: rows,
            silent: silent)
        return ReportSection(
            title: "Policies", marks: wording.marks, charts: rows.isEmpty ? [] : [plot], tables: [table])
    }

    /// What the intervals take for granted, said once for all policies: by method, level and assumptions, with the estimators they stand for.
    private var intervalSection: ReportSection? {
        var order: [ReportSection.Definition] = []
        var estimators: [ReportSection.Definition: [String]] = [:]
        for estimate in policies.flatMap(\.estimates) {
            for interval in estimate.shownIntervals {
                let key = ReportSection.Definition(term: interval.title, text: interval.assumptions)
                if estimators[key] == nil { order.append(key) }
                if estimators[key]?.contains(estimate.name) != true { estimators[key, default: []].append(estimate.name) }
            }
        }
        guard !order.isEmpty else { return nil }
        return ReportSection(
            title: "What the intervals rest on",
            definitions: order.map { key in
                ReportSection.Definition(
                    term: key.term, text: key.text.capitalisedFirst + " (" + (estimators[key] ?? []).joined(separator: ", ") + ").")
            })
    }

    /// Predicted against observed reward of the logged arms.
    private func calibrationSection(_ wording: EvaluationWording) -> ReportSection? {
        guard !calibration.isEmpty else { return nil }
        let chart = CalibrationChart(title: "Predicted and observed \(wording.metric)", quantity: wording.quantity, bins: calibration)
        var table = TextTable(
            caption: "Rows by predicted \(wording.metric)",
            columns: [.number("predicted"), .number("observed"), .number("95% interval"), .number("rows")])
        for bin in calibration {
            let spread = bin.upper.flatMap { upper in bin.lower.map { (upper - $0) / 2 } }
            table.append([
                wording.quantity.text(bin.meanPrediction, spread: spread), wording.quantity.text(bin.meanReward, spread: spread),
                bin.upper.flatMap { upper in bin.lower.map { wording.quantity.text(lower: $0, upper: upper) } } ?? "",
                NumberFormat.count(bin.rowCount),
            ])
        }
        return ReportSection(
            title: "Reward model", marks: [],
            paragraphs: [
                "Predictions\(rewardModel.map { " of \($0)" } ?? "") for the arms that were shown, against what they earned. Points on the line "
                    + "are right on average; points off it tell DM to be wrong, and DR to be less precise."
            ], charts: chart.bins.isEmpty ? [] : [chart], appendix: [table])
    }

    static func missing(_ isWithheld: Bool) -> String { isWithheld ? "withheld" : NumberFormat.notAvailable }
}

extension EvaluationWording {
    /// A chart's title with the marks of the whole evaluation.
    func titled(_ title: String) -> String { ([title] + marks).joined(separator: " · ") }
}

extension PolicyEvaluation {
    /// The name, marked where the verdict is not `supported`.
    func markedName(_ name: String) -> String { verdict == .supported ? name : "\(name) (\(mark))" }
}
