import HaggleCore

/// The page at `/`: every experiment with its state, its result so far and how its traffic is shared. Works without scripts.
package struct DashboardPage {
    package var model: DashboardModel
    /// The page asks for itself again after that time; nil never.
    package var refreshSeconds: Int?
    /// Path of an experiment's own page; its key, percent-encoded, is appended.
    package var experimentPath: String

    package init(model: DashboardModel, refreshSeconds: Int? = nil, experimentPath: String = "/experiments/") {
        self.model = model
        self.refreshSeconds = refreshSeconds
        self.experimentPath = experimentPath
    }

    /// The page as one HTML document.
    package func html() -> String {
        let frame = PageFrame(
            title: "Haggle: experiments", home: "/", generatedAt: PageText.moment(model.generatedAt), notice: model.notice,
            refreshSeconds: refreshSeconds, footnote: PageText.footnote)
        let experiments = model.experiments.enumerated().map { position, experiment in
            ExperimentView(experiment, position: position, link: experimentPath + PageText.pathComponent(experiment.key.rawValue))
        }
        return PageTemplates.render("dashboard", frame.merged(with: ["experiments": experiments]))
    }
}
