package import HaggleCore

/// What `haggle report` writes: one self-contained HTML file to keep, mail or print.
package struct ExperimentReportPage {
    package var experiment: ExperimentSummary
    package var generatedAt: Timestamp
    /// Sections beside those of the experiment itself: sample-ratio check, off-policy estimates, learning curve, ...
    package var analyses: [ReportSection]

    package init(experiment: ExperimentSummary, generatedAt: Timestamp, analyses: [ReportSection] = []) {
        self.experiment = experiment
        self.generatedAt = generatedAt
        self.analyses = analyses
    }

    /// The report as one HTML document that needs nothing else.
    package func html() -> String {
        PageText.page(
            experiment: experiment, sections: experiment.sections + analyses,
            frame: PageFrame(
                title: "\(experiment.key) · Haggle report", home: "#", generatedAt: PageText.moment(generatedAt),
                footnote: "Written by haggle report. " + PageText.footnote), hasContents: true)
    }

    /// The same report for the terminal.
    package func text(isTerminal: Bool = false) -> String {
        let view = ExperimentView(experiment, position: 0, link: "")
        var lines = ["\(view.name.printable) (\(view.status))"]
        if let description = view.description { lines.append(ReportSection.wrapped(description.printable)) }
        lines.append(view.meta)
        if let verdict = view.verdict { lines += ["", verdict] }
        lines.append("")
        for figure in view.figures {
            lines.append("  " + figure.label + ": " + figure.value + (figure.doubt.map { ", \($0)" } ?? ""))
        }
        let head = lines.joined(separator: "\n") + "\n"
        return ([head] + (experiment.sections + analyses).filter(\.hasText).map { $0.text(isTerminal: isTerminal) }).joined(separator: "\n")
    }
}
