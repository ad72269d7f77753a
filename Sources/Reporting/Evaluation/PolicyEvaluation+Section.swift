import Evaluation

extension PolicyEvaluation {
    /// Verdict, reasons and estimates of one policy; below them weights, overlap and course.
    func section(rowCount: Int, wording: EvaluationWording) -> ReportSection {
        let plot = estimatePlot(wording)
        return ReportSection(
            title: "Policy \(policy)", marks: [mark] + wording.marks, paragraphs: [verdictSentence], items: reasons.map(\.asSentence),
            charts: plot.rows.isEmpty ? [] : [plot], tables: estimates.isEmpty ? [] : [estimateTable(wording)],
            subsections: [weightSection(rowCount: rowCount), overlapSection, courseSection(wording)].filter { !$0.isEmpty })
    }

    private var verdictSentence: String {
        switch verdict {
        case .supported: "Verdict: supported. The log can answer for this policy."
        case .weak: "Verdict: weak. The log can answer for this policy only with caution."
        case .unsupported:
            isForced
                ? "Verdict: unsupported. The log cannot answer for this policy; its numbers are shown only because that was forced."
                : "Verdict: unsupported. The log cannot answer for this policy; its numbers are withheld."
        }
    }

    private func estimatePlot(_ wording: EvaluationWording) -> ForestPlot {
        let marks = (verdict == .supported ? [] : [mark]) + wording.marks
        let rows = estimates.compactMap { estimate in
            estimate.shownInterval.map { ForestPlot.Row(name: estimate.name, estimate: $0, isDoubtful: verdict != .supported) }
        }
        return ForestPlot(
            title: (["\(wording.names[policy]): \(wording.meanName)"] + marks).joined(separator: " · "), quantity: wording.quantity,
            rows: rows)
    }

    /// An estimator a line, a column for each kind of interval; where that gets too wide, a line for each interval.
    private func estimateTable(_ wording: EvaluationWording) -> TextTable {
        let methods = estimates.flatMap(\.shownIntervals).reduce(into: [Interval]()) { known, interval in
            if !known.contains(where: { $0.title == interval.title }) { known.append(interval) }
        }
        let wide = estimateTable(titles: methods.map(\.title), wording: wording)
        return wide.naturalWidth <= 100 ? wide : stackedTable(wording)
    }

    private func caption(_ wording: EvaluationWording) -> String {
        "Estimates of its \(wording.meanName)" + (isForced ? " (unsupported, forced)" : "")
    }

    private var hasRemarks: Bool { estimates.contains { !$0.remarks.isEmpty } }

    private func estimateTable(titles: [String], wording: EvaluationWording) -> TextTable {
        var table = TextTable(
            caption: caption(wording),
            columns: [.text("estimator"), .number("estimate"), .number("standard error")] + titles.map { .number($0) }
                + (hasRemarks ? [.text("remarks")] : []))
        for estimate in estimates {
            table.append(
                cells(of: estimate, wording)
                    + titles.map { title in
                        estimate.shownIntervals.first { $0.title == title }.map {
                            wording.quantity.text(lower: $0.lower, upper: $0.upper)
                        } ?? ""
                    } + (hasRemarks ? [estimate.remarks.joined(separator: "; ")] : []))
        }
        return table
    }

    private func stackedTable(_ wording: EvaluationWording) -> TextTable {
        var table = TextTable(
            caption: caption(wording),
            columns: [.text("estimator"), .number("estimate"), .number("standard error"), .text("interval"), .number("from, to")]
                + (hasRemarks ? [.text("remarks")] : []))
        for estimate in estimates {
            let remarks = hasRemarks ? [estimate.remarks.joined(separator: "; ")] : []
            let intervals = estimate.shownIntervals
            if intervals.isEmpty { table.append(cells(of: estimate, wording) + ["", ""] + remarks) }
            for (index, interval) in intervals.enumerated() {
                table.append(
                    (index == 0 ? cells(of: estimate, wording) : [estimate.name, "", ""])
                        + [interval.title, wording.quantity.text(lower: interval.lower, upper: interval.upper)]
                        + (index == 0 ? remarks : remarks.map { _ in "" }))
            }
        }
        return table
    }

    private func cells(of estimate: Estimate, _ wording: EvaluationWording) -> [String] {
        let error = estimate.shownValue == nil ? nil : estimate.standardError.flatMap { $0.isFinite ? $0 : nil }
        return [
            estimate.name,
            estimate.shownValue.map { wording.quantity.text($0, spread: estimate.shownInterval?.spread ?? error) }
                ?? EvaluationReport.missing(estimate.isWithheld),
            error.map {
                NumberFormat.significant(wording.quantity == .share ? $0 * 100 : $0, digits: 3) + (wording.quantity == .share ? "%" : "")
            }
                ?? "",
        ]
    }

    /// What the weights say, and how they thin out.
    private func weightSection(rowCount: Int) -> ReportSection {
        let chart = WeightTailChart(title: "Weights of \(ShortNames([policy], width: 30)[policy])", points: weightTail)
        var table = TextTable(
            caption: "How the weights thin out",
            columns: [.number("weight at least"), .number("share of rows"), .number("share of weight")])
        for point in weightTail {
            table.append([
                NumberFormat.significant(point.weight, digits: 3), NumberFormat.percent(point.shareOfRows, decimals: 2),
                NumberFormat.percent(point.shareOfWeight, decimals: 2),
            ])
        }
        return ReportSection(
            title: "Weights", charts: chart.points.count < 2 ? [] : [chart], tables: [diagnostics.table(rowCount: rowCount)],
            appendix: weightTail.isEmpty ? [] : [table],
            notes: diagnostics.armFrequencies.map { frequencies in
                frequencies.flagged.isEmpty
                    ? []
                    : ["Arms came more or less often than their logged propensities say: the log is not what it claims to be."]
            } ?? [])
    }

    /// How log and policy share the arms.
    private var overlapSection: ReportSection {
        let isChecked = overlap.contains { $0.meanPropensity != nil }
        var table = TextTable(
            columns: [.text("arm"), .number("log showed it")] + (isChecked ? [.number("mean propensity")] : [])
                + [.number("policy would"), .number("least propensity"), .number("effective rows")])
        for arm in overlap {
            table.append(
                [arm.arm, NumberFormat.percent(arm.loggedShare)]
                    + (isChecked ? [arm.meanPropensity.map { NumberFormat.percent($0) } ?? ""] : []) + [
                        arm.targetShare.map { NumberFormat.percent($0) } ?? "unknown",
                        arm.smallestPropensity.map { NumberFormat.significant($0, digits: 2) } ?? "never shown",
                        NumberFormat.fixed(arm.effectiveSampleSize, decimals: 0),
                    ])
        }
        let chart = OverlapChart(title: "Arms under the log and under \(ShortNames([policy], width: 24)[policy])", arms: overlap)
        return ReportSection(
            title: "Overlap with the log", charts: overlap.isEmpty ? [] : [chart], tables: overlap.isEmpty ? [] : [table])
    }

    /// The estimate in consecutive parts of the log, unless it is withheld.
    private func courseSection(_ wording: EvaluationWording) -> ReportSection {
        let estimator = course.contains { $0.estimator == wording.estimator } ? wording.estimator : course.first?.estimator
        let points = isWithheld ? [] : course.filter { $0.estimator == estimator && $0.value?.isFinite == true }
        guard let estimator, !points.isEmpty else { return ReportSection(title: "Over time") }
        let marks = (isForced ? [mark] : []) + wording.marks
        let chart = points.course(
            title: (["Estimate by \(estimator), part by part"] + marks).joined(separator: " · "), quantity: wording.quantity)
        var table = TextTable(
            caption: "Estimate by \(estimator), part by part",
            columns: [.text("from"), .text("to"), .number("rows"), .number("estimate"), .number("interval")])
        for point in points {
            guard let value = point.value else { continue }
            let spread = point.upper.flatMap { upper in point.lower.map { (upper - $0) / 2 } }
            table.append([
                point.from ?? "", point.to ?? "", NumberFormat.count(point.rowCount), wording.quantity.text(value, spread: spread),
                point.upper.flatMap { upper in point.lower.map { wording.quantity.text(lower: $0, upper: upper) } } ?? "",
            ])
        }
        return ReportSection(title: "Over time", charts: [chart], appendix: [table])
    }
}

extension [CoursePoint] {
    /// The points over their times, or over the number of rows so far where rows carry no times.
    fileprivate func course(title: String, quantity: Quantity) -> LineChart {
        let times = compactMap { point in point.from.flatMap { from in point.to.map { (from, $0) } } }.compactMap {
            PageText.middle($0, $1)
        }
        var rows = 0
        var points: [LineChart.Point] = []
        for (index, point) in enumerated() {
            rows += point.rowCount
            guard let value = point.value else { continue }
            let estimate = IntervalEstimate(value: value, lower: point.lower ?? value, upper: point.upper ?? value, method: point.estimator)
            points.append(LineChart.Point(x: times.count == count ? times[index] : Double(rows), estimate: estimate))
        }
        return LineChart(
            title: title, axis: times.count == count ? .time : .number("rows"), quantity: quantity,
            series: [LineChart.Series(name: "estimate", colour: .series(2), points: points)])
    }
}
