import HaggleCore

extension ExperimentSummary {
    /// How the traffic was shared over time.
    package var allocationChart: AllocationChart {
        AllocationChart(
            title: "Share of impressions per arm", arms: arms.map(\.label), isControl: arms.map(\.isControl), buckets: allocation,
            bucketSeconds: bucketSeconds)
    }

    /// The charts of the experiment's card on the dashboard.
    var overviewCharts: [any Chart] {
        let hasAllocation = !allocationChart.buckets.isEmpty
        if hasAllocation && !liftOverTime.isEmpty { return [allocationChart, liftChart] }
        if hasAllocation && !rewardOverTime.isEmpty { return [allocationChart, rewardChart] }
        if hasAllocation && !comparisons.isEmpty { return [allocationChart, comparisonPlot] }
        return hasAllocation ? [allocationChart] : []
    }

    /// Relative lift over the holdout as it became known.
    package var liftChart: LineChart {
        LineChart(
            title: "Lift over holdout, with interval", axis: .time, quantity: .share,
            series: [Self.line("lift", liftOverTime)], reference: 0)
    }

    /// Every arm of an A/B experiment against control.
    package var comparisonPlot: ForestPlot {
        ForestPlot(
            title: "\(metricName.capitalisedFirst) per unit against control", quantity: quantity,
            rows: comparisons.map { ForestPlot.Row(name: "\($0.arm) less \($0.control)", estimate: $0.difference) }, reference: 0,
            isSigned: true)
    }

    /// Reward per impression in each stretch of time.
    package var rewardChart: LineChart {
        LineChart(
            title: "\(metricName.capitalisedFirst) per impression, with interval", axis: .time,
            quantity: quantity, series: [Self.line(metricName, rewardOverTime)])
    }

    /// Arms with their counts and rewards.
    package var armTable: TextTable {
        let hasDiscounts = arms.contains { $0.discount != nil }
        var table = TextTable(
            columns: [.text("arm"), .number(rewardName), .number("interval")] + (hasDiscounts ? [.number("discount")] : [])
                + [.number("impressions"), .number("share"), .number("conversions")])
        let total = arms.reduce(0) { $0 + $1.impressions }
        for arm in arms {
            let name = arm.key.rawValue + (arm.isControl && arm.key != "control" ? " (control)" : "")
            let reward =
                arm.reward.map { [quantity.text($0.value, spread: $0.spread), quantity.text(lower: $0.lower, upper: $0.upper)] }
                ?? ["", "not yet"]
            let share = total > 0 ? NumberFormat.percent(Double(arm.impressions) / Double(total)) : ""
            table.append(
                [name] + reward + (hasDiscounts ? [arm.discount.map(ArmSummary.percent) ?? ""] : [])
                    + [NumberFormat.count(arm.impressions), share, NumberFormat.count(arm.conversions)])
        }
        return table
    }

    /// The sections of the experiment's page and of its report: arms, allocation, reward, lift, what was left out.
    package var sections: [ReportSection] {
        var sections: [ReportSection] = []
        let methods = Set(arms.compactMap(\.reward).map { "\(NumberFormat.percent($0.level, decimals: 0)) intervals: \($0.method)." })
        let bars = arms.enumerated().compactMap { index, arm in
            arm.reward.map { BarChart.Bar(name: arm.key.rawValue, colour: armColours[index], estimate: $0) }
        }
        let barChart = BarChart(
            title: "\(rewardName.capitalisedFirst) by arm, with interval", quantity: quantity,
            bars: bars)
        sections.append(
            ReportSection(
                title: "Arms", charts: (allocationChart.buckets.isEmpty ? [] : [allocationChart]) + (bars.isEmpty ? [] : [barChart]),
                tables: [armTable],
                notes: methods.sorted()))
        if let lift { sections.append(liftSection(lift)) }
        if !rewardOverTime.isEmpty && lift == nil { sections.append(ReportSection(title: "Over time", charts: [rewardChart])) }
        if !excluded.isEmpty {
            var table = TextTable(columns: [.text("reason"), .number("impressions")])
            for (reason, count) in excluded.sorted(by: { $0.key < $1.key }) { table.append([reason, NumberFormat.count(count)]) }
            sections.append(
                ReportSection(
                    title: "Impressions that do not count",
                    paragraphs: ["Only impressions that the policy assigned enter learning and evaluation."], tables: [table]))
        }
        return sections
    }

    private func liftSection(_ lift: Lift) -> ReportSection {
        var table = TextTable(columns: [.text("group"), .number("units"), .number("\(metricName) per unit"), .number("interval")])
        for (name, units, estimate) in [("policy", lift.policyUnits, lift.policy), ("holdout", lift.holdoutUnits, lift.holdout)] {
            table.append([
                name, NumberFormat.count(units), quantity.text(estimate.value, spread: estimate.spread),
                quantity.text(lower: estimate.lower, upper: estimate.upper),
            ])
        }
        table.append([
            "difference", "", quantity.text(lift.difference.value, spread: lift.difference.spread, isSigned: true),
            quantity.text(lower: lift.difference.lower, upper: lift.difference.upper, isSigned: true),
        ])
        if let relative = lift.relative {
            table.append([
                "relative lift", "", Quantity.share.text(relative.value, spread: relative.spread, isSigned: true),
                Quantity.share.text(lower: relative.lower, upper: relative.upper, isSigned: true),
            ])
        }
        let charts: [any Chart] =
            liftOverTime.isEmpty
            ? [
                ForestPlot(
                    title: "\(metricName) per unit against the holdout", quantity: quantity,
                    rows: [ForestPlot.Row(name: "policy less holdout", estimate: lift.difference)], reference: 0, isSigned: true)
            ] : [liftChart]
        return ReportSection(
            title: "Policy against holdout", charts: rewardOverTime.isEmpty ? charts : charts + [rewardChart], tables: [table],
            notes: [
                "\(NumberFormat.percent(lift.difference.level, decimals: 0)) intervals: \(lift.difference.method). "
                    + "Describes the time in which the policy learned."
            ])
    }

    private var armColours: [ChartColour] { ChartColour.colours(isControl: arms.map(\.isControl)) }

    private static func line(_ name: String, _ estimates: [TimedEstimate]) -> LineChart.Series {
        LineChart.Series(
            name: name, colour: .series(2), points: estimates.map { LineChart.Point(x: $0.time.seconds, estimate: $0.estimate) })
    }
}

extension ExperimentSummary.ArmSummary {
    /// The key, with the discount where the key does not tell it.
    var label: String {
        guard let discount, discount > 0 else { return key.rawValue }
        return key.rawValue + " · " + Self.percent(discount)
    }

    /// A discount with a decimal only where it has one: `5%`, `7.5%`.
    static func percent(_ discount: Double) -> String {
        NumberFormat.percent(discount, decimals: abs(discount * 100 - (discount * 100).rounded()) < 1e-9 ? 0 : 1)
    }
}
