package import Evaluation

extension EvaluationReport {
    /// The report for a person at a terminal: the answer, then the verdict on every policy, its estimates with their intervals, what the
    /// weights say, differences and segments. No line is wider than 100 columns.
    /// - Parameters:
    ///   - quantity: what a reward measures.
    ///   - metric: what it is called: `margin`.
    package func text(quantity: Quantity = .plain, metric: String = "reward", isTerminal: Bool = false) -> String {
        let wording = EvaluationWording(self, quantity: quantity, metric: metric)
        let answer = ReportSection(title: "Result", marks: wording.marks, paragraphs: summary(wording) + overview)
        return ([answer] + sections(wording)).filter(\.hasText).map { $0.text(isTerminal: isTerminal) }.joined(separator: "\n")
    }

    /// The report for a program.
    package func json() throws -> String { try ReportJSON.text(self) }

    /// How much was evaluated and what was left out.
    var overview: [String] {
        var text = "\(NumberFormat.count(rowCount)) rows, \(armCount) arms"
        text += clusteredBy.map { ", standard errors clustered by \($0.printable)" } ?? ""
        text += rewardModel.map { ", reward model \($0.printable)" } ?? ""
        guard !excluded.isEmpty else { return [text + "."] }
        let reasons = excluded.sorted { $0.key < $1.key }.map { "\($0.key.printable) \(NumberFormat.count($0.value))" }
        return [text + ".", NumberFormat.count(excluded.values.reduce(0, +)) + " rows left out: " + reasons.joined(separator: ", ") + "."]
    }
}
