package import HaggleCore

extension ModelSearchReport {
    /// The report as one HTML document that needs nothing else: no network, no scripts; for screens, light and dark, and for paper.
    package func html(quantity: Quantity = .plain, generatedAt: Timestamp) -> String {
        let sections = sections(quantity).dropFirst().filter { !$0.isEmpty }.enumerated().map { SectionView($1, id: "section-\($0)") }
        let frame = PageFrame(
            title: "Training on \(title)", home: "#", generatedAt: PageText.moment(generatedAt),
            footnote: "Written by haggle train. " + PageText.footnote)
        return PageTemplates.render(
            "evaluation",
            frame.merged(with: [
                "marks": [String](), "summary": answer(quantity).map { $0.replacing(" -", with: " \u{2212}") }, "figures": figures,
                "sections": sections, "hasContents": sections.count > 2, "glossary": Self.glossary,
            ]))
    }

    private var figures: [FigureView] {
        var figures = [
            FigureView(label: "Rows", value: NumberFormat.count(rowCount), doubt: "data \(data.prefix(12))"),
            FigureView(label: "Configurations", value: NumberFormat.count(configurations.count)),
            FigureView(label: "Folds", value: "\(folds)", doubt: "by \(split), seed \(seed)"),
        ]
        if let best, let loss = best.loss {
            figures.append(
                FigureView(
                    label: "Least loss", value: NumberFormat.fixed(loss, decimals: 4),
                    doubt: best.lossError.map { "± \(NumberFormat.fixed($0, decimals: 4)) (s.e.)" }))
        }
        return figures
    }

    private static let glossary: [ReportSection.Definition] = [
        .init(term: "Configuration", text: "One choice of all settings of the model; a list in the file tries each of its values."),
        .init(
            term: "Fold",
            text:
                "A part of the rows that a model does not see while it is trained, and is judged on afterwards. Every row is held out once "
                + "(split by unit), or every row but the oldest part (split by time)."),
        .init(
            term: "Validation loss", text: "How far the model's estimates for held-out rows are from what was earned, squared and averaged."
        ),
        .init(term: "Pass", text: "Once through all training rows; also called an epoch."),
        .init(
            term: "Calibration",
            text:
                "Whether impressions for which the model expects 2 earn 2 on average. A model can be calibrated and useless, but one that is not "
                + "misleads."),
        .init(
            term: "Off-policy value",
            text:
                "What another way of choosing would have earned, computed from a log that was made by a third. DR (doubly robust) uses the model "
                + "and corrects it by what was seen; it needs the logged probabilities."),
    ]
}
