package import Evaluation

extension ABReport {
    /// The report for a person.
    /// - Parameters:
    ///   - quantity: what an outcome measures.
    ///   - metricName: what it is called: `margin`.
    package func text(quantity: Quantity = .plain, metricName: String = "outcome", isTerminal: Bool = false) -> String {
        sections(quantity: quantity, metricName: metricName).map { $0.text(isTerminal: isTerminal) }.joined(separator: "\n")
    }

    /// The report for a program.
    package func json() throws -> String { try ReportJSON.text(self) }

    /// Arms, differences from control, and the split of the units.
    package func sections(quantity: Quantity = .plain, metricName: String = "outcome") -> [ReportSection] {
        [
            arms.section(title: "\(metricName.capitalisedFirst) per unit", quantity: quantity, controls: [control]),
            comparisons.section(title: "Against \(control)", quantity: quantity, notes: notes),
            sampleRatio.section,
        ]
    }
}

extension LiftReport {
    /// The report for a person.
    package func text(quantity: Quantity = .plain, metricName: String = "outcome", isTerminal: Bool = false) -> String {
        sections(quantity: quantity, metricName: metricName).map { $0.text(isTerminal: isTerminal) }.joined(separator: "\n")
    }

    /// The report for a program.
    package func json() throws -> String { try ReportJSON.text(self) }

    /// Policy and holdout, their difference, and the split of the units where it is known.
    package func sections(quantity: Quantity = .plain, metricName: String = "outcome") -> [ReportSection] {
        [
            [policy, holdout].section(title: "\(metricName.capitalisedFirst) per unit", quantity: quantity, controls: [holdout.group]),
            [comparison].section(title: "Policy against holdout", quantity: quantity, notes: notes),
        ] + (sampleRatio.map { [$0.section] } ?? [])
    }
}

extension ExperimentSummary.Lift {
    /// The lift as the pages show it; nil while a group has too few units for intervals.
    package init?(_ report: LiftReport) {
        guard let policy = report.policy.estimate, let holdout = report.holdout.estimate, let difference = report.comparison.difference
        else {
            return nil
        }
        self.init(
            policy: policy, holdout: holdout, difference: difference.estimate, relative: report.comparison.relativeLift?.estimate,
            policyUnits: report.policy.unitCount, holdoutUnits: report.holdout.unitCount)
    }
}

extension ExperimentSummary.Comparison {
    /// The comparison as the pages show it; nil while a group has too few units for intervals.
    package init?(_ comparison: GroupComparison) {
        guard let difference = comparison.difference else { return nil }
        self.init(
            arm: comparison.group, control: comparison.control, difference: difference.estimate, relative: comparison.relativeLift?.estimate
        )
    }
}

extension GroupSummary {
    /// The mean with its interval; nil without one.
    package var estimate: IntervalEstimate? { interval.flatMap { interval in mean.map { interval.estimate(of: $0) } } }
}

extension GroupComparison.Effect {
    /// The effect with its interval.
    package var estimate: IntervalEstimate { interval.estimate(of: value) }
}

extension [GroupSummary] {
    fileprivate func section(title: String, quantity: Quantity, controls: Set<String>) -> ReportSection {
        var table = TextTable(columns: [.text("group"), .number("units"), .number("mean"), .number("interval")])
        for group in self {
            table.append([
                group.group + (controls.contains(group.group) && !["control", "holdout"].contains(group.group) ? " (control)" : ""),
                NumberFormat.count(group.unitCount),
                group.estimate.map { quantity.text($0.value, spread: $0.spread) } ?? NumberFormat.notAvailable,
                group.estimate.map { quantity.text(lower: $0.lower, upper: $0.upper) } ?? "",
            ])
        }
        let colours = ChartColour.colours(isControl: map { controls.contains($0.group) })
        let bars = zip(self, colours).compactMap { group, colour in
            group.estimate.map { BarChart.Bar(name: group.group, colour: colour, estimate: $0) }
        }
        return ReportSection(
            title: title, charts: bars.isEmpty ? [] : [BarChart(title: title + ", with interval", quantity: quantity, bars: bars)],
            tables: [table], notes: lazy.compactMap(\.interval).first.map { [$0.note] } ?? [])
    }
}

extension [GroupComparison] {
    fileprivate func section(title: String, quantity: Quantity, notes: [String]) -> ReportSection {
        var table = TextTable(columns: [
            .text("group"), .number("difference"), .number("interval"), .number("p"), .number("relative lift"), .number("lift interval"),
        ])
        for comparison in self {
            let difference = comparison.difference?.estimate
            let lift = comparison.relativeLift?.estimate
            table.append([
                comparison.group,
                difference.map { quantity.text($0.value, spread: $0.spread, isSigned: true) } ?? NumberFormat.notAvailable,
                difference.map { quantity.text(lower: $0.lower, upper: $0.upper, isSigned: true) } ?? "",
                comparison.pValue.map(NumberFormat.probability) ?? "",
                lift.map { Quantity.share.text($0.value, spread: $0.spread, isSigned: true) } ?? NumberFormat.notAvailable,
                lift.map { Quantity.share.text(lower: $0.lower, upper: $0.upper, isSigned: true) } ?? "",
            ])
        }
        let rows = compactMap { comparison in
            comparison.difference.map { ForestPlot.Row(name: "\(comparison.group) less \(comparison.control)", estimate: $0.estimate) }
        }
        let plot = ForestPlot(title: "Differences per unit, with interval", quantity: quantity, rows: rows, reference: 0, isSigned: true)
        return ReportSection(
            title: title, charts: rows.isEmpty ? [] : [plot], tables: [table],
            notes: (lazy.compactMap(\.difference).first.map { [$0.interval.note] } ?? []) + notes.map { $0.capitalisedFirst + "." })
    }
}

extension SampleRatioCheck {
    /// Whether the units fell into the groups as configured.
    package var section: ReportSection {
        var table = TextTable(columns: [.text("group"), .number("configured"), .number("units"), .number("expected")])
        for group in groups {
            table.append([
                group.group, NumberFormat.percent(group.share, decimals: 2), NumberFormat.count(group.observed),
                NumberFormat.fixed(group.expected, decimals: 1),
            ])
        }
        let finding: String
        if let pValue {
            let p = pValue < 0.001 ? "p < 0.001" : "p = " + NumberFormat.fixed(pValue, decimals: 3)
            finding =
                isFlagged
                ? "The units are not split as configured (\(p)): find the cause before reading any difference."
                : "The units are split as configured (\(p))."
        } else {
            finding = "Too few units to check how they are split."
        }
        return ReportSection(title: "Split of the units", paragraphs: [finding], tables: [table])
    }
}
