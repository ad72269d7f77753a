package import Evaluation
import HaggleCore

extension EvaluationReport {
    /// The report as one HTML document that needs nothing else: no network, no scripts; for screens, light and dark, and for paper.
    /// - Parameters:
    ///   - title: what was evaluated: the experiment or the log.
    ///   - quantity: what a reward measures.
    ///   - metric: what it is called: `margin`.
    package func html(title: String = "Off-policy evaluation", quantity: Quantity = .plain, metric: String = "reward") -> String {
        let wording = EvaluationWording(self, quantity: quantity, metric: metric)
        let sections = sections(wording).filter { !$0.isEmpty }.enumerated().map { SectionView($1, id: "section-\($0)") }
        let when = provenance.map { Timestamp($0.madeAt).map(PageText.moment) ?? $0.madeAt }
        let frame = PageFrame(
            title: title, home: "#", generatedAt: when ?? "",
            notice: policies.contains(where: \.isForced)
                ? "This page shows numbers that the log cannot support, because that was forced. They are marked, and are no evidence."
                : nil,
            footnote: "Written by haggle evaluate. " + PageText.footnote)
        return PageTemplates.render(
            "evaluation",
            frame.merged(with: [
                "marks": wording.marks,  // A true minus, at which a browser does not break the line.
                "summary": summary(wording).map { $0.replacing(" -", with: " \u{2212}") }, "figures": figures, "sections": sections,
                "hasContents": sections.count > 2, "glossary": Glossary.definitions(of: self),
            ]))
    }

    private var figures: [FigureView] {
        var figures = [
            FigureView(
                label: "Rows evaluated", value: NumberFormat.count(rowCount),
                doubt: excluded.isEmpty ? nil : NumberFormat.count(excluded.values.reduce(0, +)) + " more left out"),
            FigureView(label: "Policies", value: NumberFormat.count(policies.count), doubt: verdictCounts),
            FigureView(label: "Arms", value: NumberFormat.count(armCount)),
        ]
        if let clusteredBy { figures.append(FigureView(label: "Errors clustered by", value: clusteredBy.printable)) }
        if let rewardModel { figures.append(FigureView(label: "Reward model", value: rewardModel.printable)) }
        return figures
    }

    /// `2 supported, 1 weak`.
    private var verdictCounts: String? {
        let counts = Verdict.allCases.compactMap { verdict in
            let count = policies.filter { $0.verdict == verdict }.count
            return count > 0 ? "\(count) \(verdict.rawValue)" : nil
        }
        return counts.isEmpty ? nil : counts.joined(separator: ", ")
    }
}
