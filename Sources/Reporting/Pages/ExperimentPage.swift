package import HaggleCore

/// The page of one experiment: arms, allocation, reward and lift over time.
package struct ExperimentPage {
    package var experiment: ExperimentSummary
    package var generatedAt: Timestamp
    package var notice: String?
    package var refreshSeconds: Int?
    /// Sections beside those of the experiment itself, such as those of an `ABReport`.
    package var analyses: [ReportSection]

    package init(
        experiment: ExperimentSummary, generatedAt: Timestamp, notice: String? = nil, refreshSeconds: Int? = nil,
        analyses: [ReportSection] = []
    ) {
        self.experiment = experiment
        self.generatedAt = generatedAt
        self.notice = notice
        self.refreshSeconds = refreshSeconds
        self.analyses = analyses
    }

    /// The page as one HTML document.
    package func html() -> String {
        PageText.page(
            experiment: experiment, sections: experiment.sections + analyses,
            frame: PageFrame(
                title: "\(experiment.key) · Haggle", home: "/", generatedAt: PageText.moment(generatedAt), notice: notice,
                refreshSeconds: refreshSeconds, footnote: PageText.footnote))
    }
}
