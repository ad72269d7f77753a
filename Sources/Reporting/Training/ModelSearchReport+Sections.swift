import Evaluation

extension ModelSearchReport {
    /// For a person at a terminal, at most 100 columns wide.
    /// - Parameter quantity: what a reward measures.
    package func text(quantity: Quantity = .plain, isTerminal: Bool = false) -> String {
        sections(quantity).filter(\.hasText).map { $0.text(isTerminal: isTerminal) }.joined(separator: "\n")
    }

    /// For a program.
    package func json() throws -> String { try ReportJSON.text(self) }

    /// Everything but the figures at the head of the page.
    func sections(_ quantity: Quantity) -> [ReportSection] {
        [
            ReportSection(title: "Result", paragraphs: answer(quantity) + [overview]),
            ReportSection(title: "What to know about the rows", items: warnings),
            tableSection(quantity), failureSection, curveSection, calibrationSection(quantity), methodSection,
        ]
    }

    private var overview: String {
        "\(NumberFormat.count(rowCount)) rows, \(armCount) arms, \(NumberFormat.count(configurations.count)) configuration\(configurations.count == 1 ? "" : "s"), "
            + "\(folds) folds by \(split), seed \(seed)."
            + (resumedCount > 0 ? " \(NumberFormat.count(resumedCount)) folds were taken from the stored results." : "")
    }

    /// The answer in two or three sentences.
    func answer(_ quantity: Quantity) -> [String] {
        guard let best, let loss = best.loss else {
            return ["No configuration could be trained on every fold; what went wrong stands below."]
        }
        let spread = best.lossError.map { " ± \(Self.number($0))" } ?? ""
        var sentences = ["The least validation loss is \(Self.number(loss))\(spread), of \(best.name.printable)."]
        if loss >= 1 {
            sentences.append("A constant scores about 1: no model of this grid predicts rewards that it has not seen.")
        }
        let others = configurations.filter { $0.number != best.number && $0.loss != nil }
        let close = others.filter { ($0.behind ?? .infinity) <= 2 * ($0.behindError ?? 0) }
        if !others.isEmpty {
            sentences.append(
                close.isEmpty
                    ? "Every other configuration is behind by more than two standard errors of the difference."
                    : "\(close.count) of \(others.count) others cannot be told from it (less than two standard errors of the difference behind): "
                        + close.prefix(3).map(\.name.printable).joined(separator: "; ") + (close.count > 3 ? "; ..." : "") + ".")
        }
        return [sentences.joined(separator: " ")] + (best.value.map { [valueSentence($0, quantity)] } ?? [])
    }

    private func valueSentence(_ value: GreedyValue, _ quantity: Quantity) -> String {
        guard let estimate = value.estimates.first, let number = estimate.value, let interval = estimate.intervals.first else {
            return "Its off-policy value is withheld: " + value.reasons.joined(separator: "; ") + "."
        }
        return
            "Always taking the arm that it prefers would have earned \(quantity.text(number, spread: (interval.upper - interval.lower) / 2)) "
            + "an impression (\(estimate.estimator), 95% interval \(quantity.text(lower: interval.lower, upper: interval.upper)))"
            + (value.verdict == .weak ? "; the log supports this weakly: " + value.reasons.joined(separator: "; ") : "") + "."
    }

    private func tableSection(_ quantity: Quantity) -> ReportSection {
        let hasValue = configurations.contains { $0.value != nil }
        let hasPasses = configurations.contains { !$0.bestEpochs.isEmpty }
        var columns: [TextTable.Column] = [
            .text("configuration"), .number("loss"), .number("± s.e."), .number("behind"), .number("± s.e."),
        ]
        if hasValue { columns += [.number("DR value"), .number("95% interval")] }
        if hasPasses { columns.append(.number("best pass")) }
        columns.append(.number("time"))
        var table = TextTable(columns: columns)
        for one in configurations {
            var row = [
                one.name, one.loss.map(Self.number) ?? "failed", one.lossError.map(Self.number) ?? "",
                one.behind.map { Self.number($0) } ?? "", one.behindError.map(Self.number) ?? "",
            ]
            if hasValue { row += Self.cells(one.value, quantity) }
            if hasPasses { row.append(Self.span(one.bestEpochs)) }
            row.append(NumberFormat.duration(seconds: one.seconds))
            table.append(row)
        }
        return ReportSection(
            title: "Configurations by validation loss", tables: [table],
            notes: hasValue
                ? ["DR value: what always taking the model's best arm would have earned an impression on rows that the model had not seen."]
                : [])
    }

    private static func cells(_ value: GreedyValue?, _ quantity: Quantity) -> [String] {
        guard let value, let estimate = value.estimates.first else { return ["", ""] }
        guard let number = estimate.value, let interval = estimate.intervals.first else { return ["withheld", ""] }
        let spread = (interval.upper - interval.lower) / 2
        return [
            quantity.text(number, spread: spread) + (value.verdict == .weak ? " (weak)" : ""),
            quantity.text(lower: interval.lower, upper: interval.upper),
        ]
    }

    private var failureSection: ReportSection {
        ReportSection(
            title: "What happened on the way",
            definitions: configurations.filter { !$0.remarks.isEmpty }.map {
                ReportSection.Definition(term: $0.name, text: $0.remarks.joined(separator: "; "))
            })
    }

    private var curveSection: ReportSection {
        let shown = configurations.filter { !$0.passes.isEmpty }
        return ReportSection(
            title: "Learning curves",
            charts: shown.prefix(Self.chartLimit).map { one in
                LineChart(
                    title: one.name, axis: .number("passes"), quantity: .plain,
                    series: [
                        LineChart.Series(
                            name: "training", colour: .control,
                            points: one.passes.map { LineChart.Point(x: Double($0.epoch), estimate: Self.estimate($0.trainingLoss, nil)) }),
                        LineChart.Series(
                            name: "validation", colour: .series(2),
                            points: one.passes.compactMap { pass in
                                pass.judgingLoss.map {
                                    LineChart.Point(x: Double(pass.epoch), estimate: Self.estimate($0, pass.judgingError))
                                }
                            }),
                    ])
            },
            appendix: shown.prefix(Self.chartLimit).map { one in
                TextTable(
                    caption: one.name,
                    columns: [.number("pass"), .number("training"), .number("validation"), .number("± s.e."), .number("folds")],
                    rows: one.passes.map {
                        [
                            "\($0.epoch)", Self.number($0.trainingLoss), $0.judgingLoss.map(Self.number) ?? "",
                            $0.judgingError.map(Self.number) ?? "", "\($0.folds)",
                        ]
                    })
            })
    }

    private func calibrationSection(_ quantity: Quantity) -> ReportSection {
        let shown = configurations.filter { !$0.calibration.isEmpty }.prefix(Self.chartLimit)
        var table = TextTable(columns: [.text("configuration"), .number("slope"), .number("± s.e.")])
        for one in shown {
            table.append([one.name, one.slope.map(Self.number) ?? NumberFormat.notAvailable, one.slopeError.map(Self.number) ?? ""])
        }
        return ReportSection(
            title: "Calibration", charts: shown.map { CalibrationChart(title: $0.name, quantity: quantity, bins: $0.calibration) },
            tables: shown.isEmpty ? [] : [table],
            notes: shown.isEmpty
                ? []
                : ["Slope of rewards on estimates for held-out rows: 1 is right, below 1 the estimates differ more than the rewards do."])
    }

    private var methodSection: ReportSection {
        var notes = [
            "Loss: mean squared error of held-out rows for the arm that was shown, in variances of the reward; a constant scores about 1. The same "
                + "measure for every model, whatever loss trained it. ± s.e.: over the folds, whose training rows overlap, so it is a little too small.",
            split == "time"
                ? "Folds chain forward in time: each trains on everything before it."
                : "All rows of a unit lie in one fold, so nobody is predicted from their own rows.",
        ]
        if configurations.count > 1 {
            notes.append(
                "The best of \(configurations.count) flatters itself: the least of many noisy losses is a little too low, and the value beside it a "
                    + "little too high. Rows that no fold has seen judge it fairly: haggle evaluate --train-share.")
        }
        if configurations.contains(where: { !$0.passes.isEmpty }) {
            notes.append(
                "Learning curves show the loss that trained each network, so those of different losses cannot be compared; validation there is the "
                    + "newest slice of each fold's training rows, which decides when training stops.")
        }
        return ReportSection(title: "How this was measured", notes: notes)
    }

    private static let chartLimit = 12

    private static func estimate(_ value: Double, _ error: Double?) -> IntervalEstimate {
        let half = (error ?? 0) * 1.96
        return IntervalEstimate(value: value, lower: value - half, upper: value + half, method: "normal, over folds")
    }

    private static func span(_ epochs: [Int]) -> String {
        guard let least = epochs.min(), let largest = epochs.max() else { return "" }
        return least == largest ? "\(least)" : "\(least) to \(largest)"
    }

    /// Losses have few digits that mean anything.
    private static func number(_ value: Double) -> String {
        abs(value) < 0.00005 && value != 0 ? NumberFormat.significant(value, digits: 2) : NumberFormat.fixed(value, decimals: 4)
    }
}
