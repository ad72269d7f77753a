extension AuditReport {
    /// The report for a program.
    package func json() throws -> String { try ReportJSON.text(self) }

    /// The report for a person: what was compared how, and the first rows that do not agree.
    package func text(isTerminal: Bool = false) -> String { sections.map { $0.text(isTerminal: isTerminal) }.joined(separator: "\n") }

    private var sections: [ReportSection] {
        var counts = TextTable(columns: [.text("rows that"), .number("rows")])
        counts.append(["agree in every bit", NumberFormat.count(bits)])
        counts.append(["agree within 1e-9, served by another or an unknown build", NumberFormat.count(close)])
        counts.append(["do not agree", NumberFormat.count(mismatches)])
        for (why, number) in notRecomputable.sorted(by: { $0.key < $1.key }) {
            counts.append(["cannot be recomputed: \(Obstacle(rawValue: why)?.words ?? why)", NumberFormat.count(number)])
        }
        let verdict = isClean ? "Every row that can be recomputed agrees." : "\(NumberFormat.count(mismatches)) rows do not agree."
        let overview = ReportSection(
            title: "Audit of \(experiment)", paragraphs: ["\(NumberFormat.count(rows)) rows, up to position \(through). \(verdict)"],
            tables: [counts],
            notes: [
                "Recomputed by build \(build) on \(platform). \(NumberFormat.count(sameBuild)) rows were served by this build on this platform alone: "
                    + "their bits must agree. The others are held to 1e-9."
            ])
        guard !firstMismatches.isEmpty else { return [overview] }
        var table = TextTable(columns: [.number("position"), .text("impression"), .text("field"), .text("expected"), .text("found")])
        for mismatch in firstMismatches {
            for difference in mismatch.differences {
                table.append(["\(mismatch.position)", mismatch.impression, difference.field, difference.expected, difference.found])
            }
        }
        let title =
            mismatches > firstMismatches.count ? "The first \(firstMismatches.count) rows that do not agree" : "Rows that do not agree"
        return [overview, ReportSection(title: title, tables: [table])]
    }
}

extension AuditReport.Obstacle {
    fileprivate var words: String {
        switch self {
        case .imported: "imported, so decided elsewhere"
        case .unknownVersion: "their experiment version is not stored"
        case .unknownSnapshot: "their snapshot is not stored"
        case .unknownOriginal: "the row that they repeat is not stored"
        }
    }
}
