import Evaluation

extension Provenance {
    /// What was done, so that it can be done again.
    var section: ReportSection {
        var definitions = [ReportSection.Definition(term: "Made", text: "\(madeAt) by \(program)")]
        definitions += data.map { ReportSection.Definition(term: "Data", text: $0) }
        definitions += policies.sorted { $0.key < $1.key }.map { ReportSection.Definition(term: "Policy \($0.key)", text: $0.value) }
        definitions += choices.sorted { $0.key < $1.key }.map { ReportSection.Definition(term: $0.key, text: $0.value) }
        return ReportSection(
            title: "What was done", definitions: definitions.filter { !$0.text.isEmpty }, code: ShellCommand.lines(command, width: 98))
    }
}
