import HaggleCore

/// What every page's frame shows; the templates read these names.
struct PageFrame {
    var title: String
    var home: String
    var generatedAt: String
    var notice: String?
    var refreshSeconds: Int?
    var css = PageStyle.css
    var footnote: String
}

/// One number with a name, and its doubt below it.
struct FigureView {
    var label: String
    var value: String
    var doubt: String?
}

/// A chart in place.
struct ChartView {
    var title: String
    var svg: String

    init(_ chart: any Chart, id: String) {
        title = chart.title
        svg = chart.svg(id: id)
    }
}

/// A table in place; `label` names it for those who cannot see it.
struct TableView {
    var caption: String
    var label: String
    var markup: String

    init(_ table: TextTable, heading: String) {
        caption = table.caption.isEmpty ? heading : table.caption
        label = table.caption.isEmpty ? heading : "\(heading): \(table.caption)"
        markup = table.html(heading: heading)
    }
}

/// One section in place.
struct SectionView {
    var id: String
    var title: String
    var marks: [String]
    var paragraphs: [String]
    var items: [String]
    var hasItems: Bool
    var definitions: [ReportSection.Definition]
    var hasDefinitions: Bool
    var code: String?
    var charts: [ChartView]
    var tables: [TableView]
    var hasFlow: Bool
    var appendix: [TableView]
    var notes: [String]
    var parts: [SectionView]

    init(_ section: ReportSection, id: String) {
        self.id = id
        title = section.title
        marks = section.marks
        paragraphs = section.paragraphs
        items = section.items
        hasItems = !items.isEmpty
        definitions = section.definitions
        hasDefinitions = !definitions.isEmpty
        code = section.code.isEmpty ? nil : section.code.map(\.printable).joined(separator: "\n")
        charts = section.charts.enumerated().map { ChartView($1, id: "\(id)-chart-\($0)") }
        tables = section.tables.map { TableView($0, heading: section.title) }
        hasFlow = !(charts.isEmpty && tables.isEmpty)
        appendix = section.appendix.map { TableView($0, heading: section.title) }
        notes = section.notes
        parts = section.subsections.enumerated().map { SectionView($1, id: "\(id)-\($0)") }
    }
}

/// One experiment at the head of its page or on its card.
struct ExperimentView {
    var name: String
    var anchor: String
    var link: String
    var description: String?
    var status: String
    var statusClass: String
    var meta: String
    var verdict: String?
    var verdictClass: String
    var figures: [FigureView]
    var charts: [ChartView]
    var hasCharts: Bool

    init(_ experiment: ExperimentSummary, position: Int, link: String) {
        name = experiment.key.rawValue
        anchor = "experiment-\(position)"
        self.link = link
        description = experiment.description.isEmpty ? nil : experiment.description
        (status, statusClass) = Self.status(of: experiment)
        meta = Self.meta(of: experiment)
        (verdict, verdictClass) = Self.verdict(on: experiment)
        figures = Self.figures(of: experiment)
        charts = experiment.overviewCharts.enumerated().map { ChartView($1, id: "chart-\(position)-\($0)") }
        hasCharts = !charts.isEmpty
    }

    private static func status(of experiment: ExperimentSummary) -> (String, String) {
        if experiment.isPaused { return ("paused: everybody gets control", "held") }
        switch experiment.status {
        case .running: return ("running", "live")
        case .paused: return ("paused", "held")
        case .draft, .stopped: return (experiment.status.rawValue, "")
        }
    }

    private static func meta(of experiment: ExperimentSummary) -> String {
        var parts = [experiment.kind == .bandit ? "bandit" : "A/B test", "version \(experiment.version)"]
        if let owner = experiment.owner, !owner.isEmpty { parts.append("owner \(owner.printable)") }
        if let snapshot = experiment.snapshot {
            let age = NumberFormat.duration(seconds: max(0, snapshot.ageSeconds))
            parts.append("snapshot \(snapshot.version), published \(age) ago" + (snapshot.isPinned ? ", pinned" : ""))
            if let gate = snapshot.gate {
                let outcome = gate.published.map { "published as snapshot \($0)" } ?? "kept back"
                parts.append("gate: candidate \(gate.candidate) \(outcome) (\(gate.decision.replacing("_", with: " ").printable))")
            }
        } else if experiment.kind == .bandit {
            parts.append("no snapshot")
        }
        return parts.joined(separator: " · ")
    }

    private static func verdict(on experiment: ExperimentSummary) -> (String?, String) {
        guard let lift = experiment.lift else { return (nil, "") }
        let name = experiment.metricName
        if lift.difference.lower > 0 { return ("The policy earns more \(name) per unit than the holdout.", "good") }
        if lift.difference.upper < 0 { return ("The policy earns less \(name) per unit than the holdout.", "bad") }
        return ("The policy cannot be told from the holdout yet.", "")
    }

    private static func figures(of experiment: ExperimentSummary) -> [FigureView] {
        var figures: [FigureView] = []
        if let lift = experiment.lift {
            let level = " (\(NumberFormat.percent(lift.difference.level, decimals: 0)))"
            if let relative = lift.relative {
                figures.append(
                    FigureView(
                        label: "Lift over holdout", value: Quantity.share.text(relative.value, spread: relative.spread, isSigned: true),
                        doubt: Quantity.share.text(lower: relative.lower, upper: relative.upper, isSigned: true) + level))
            }
            figures.append(
                FigureView(
                    label: "Difference per unit",
                    value: experiment.quantity.text(lift.difference.value, spread: lift.difference.spread, isSigned: true),
                    doubt: experiment.quantity.text(lower: lift.difference.lower, upper: lift.difference.upper, isSigned: true) + level))
        }
        for comparison in experiment.comparisons.prefix(3) {
            let estimate = comparison.relative ?? comparison.difference
            let quantity = comparison.relative == nil ? experiment.quantity : .share
            figures.append(
                FigureView(
                    label: "\(comparison.arm) over \(comparison.control)",
                    value: quantity.text(estimate.value, spread: estimate.spread, isSigned: true),
                    doubt: quantity.text(lower: estimate.lower, upper: estimate.upper, isSigned: true)
                        + " (\(NumberFormat.percent(estimate.level, decimals: 0)))"))
        }
        if let reward = experiment.rewardOverTime.last?.estimate {
            figures.append(
                FigureView(
                    label: "Latest \(experiment.metricName) per impression",
                    value: experiment.quantity.text(reward.value, spread: reward.spread),
                    doubt: experiment.quantity.text(lower: reward.lower, upper: reward.upper)
                        + " (\(NumberFormat.percent(reward.level, decimals: 0)))"))
        }
        figures.append(
            FigureView(
                label: "Impressions", value: NumberFormat.count(experiment.impressions),
                doubt: experiment.excluded.isEmpty
                    ? nil : NumberFormat.count(experiment.excluded.values.reduce(0, +)) + " more do not count"))
        figures.append(FigureView(label: "Conversions", value: NumberFormat.count(experiment.conversions)))
        return figures
    }
}
