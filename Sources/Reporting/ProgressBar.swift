/// How far a long command has come, as one line. Renders only: the command line decides when to write it and how to erase it.
package struct ProgressBar: Hashable, Sendable {
    /// What is being done: `Importing`.
    package var label: String
    /// What is counted: `rows`.
    package var unit: String
    /// How many there will be; nil where nobody knows.
    package var total: Int?

    package init(label: String, unit: String, total: Int?) {
        self.label = label
        self.unit = unit
        self.total = total
    }

    /// A line for a terminal, at most `columns` wide: `Importing  ████████░░░░  62%  12,400/20,000 rows  3 s left`.
    package func line(completed: Int, elapsedSeconds: Double, columns: Int = 80) -> String {
        let label = label.printable
        guard let total, total > 0 else {
            return "\(label)  \(NumberFormat.count(completed)) \(unit)\(rate(completed, elapsedSeconds))".fitted(toWidth: columns)
        }
        let share = min(1, max(0, Double(completed) / Double(total)))
        var tail = "  " + Self.padded(NumberFormat.percent(share, decimals: 0), to: 4)
        tail += "  \(NumberFormat.count(completed))/\(NumberFormat.count(total)) \(unit)"
        if share > 0 && share < 1 && elapsedSeconds >= 1 {
            tail += "  " + NumberFormat.duration(seconds: (elapsedSeconds * (1 - share) / share).rounded(.up)) + " left"
        }
        let width = min(40, columns - label.displayWidth - 2 - tail.displayWidth)
        guard width >= 5 else { return (label + tail).fitted(toWidth: columns) }
        let filled = Int(share * Double(width))
        return label + "  " + String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled) + tail
    }

    /// A line for a pipe or a log: `Importing: 12,400 of 20,000 rows (62%), 5.1 s`.
    package func plainLine(completed: Int, elapsedSeconds: Double) -> String {
        let time = NumberFormat.duration(seconds: elapsedSeconds)
        guard let total, total > 0 else { return "\(label.printable): \(NumberFormat.count(completed)) \(unit), \(time)" }
        let share = min(1, max(0, Double(completed) / Double(total)))
        return "\(label.printable): \(NumberFormat.count(completed)) of \(NumberFormat.count(total)) \(unit) "
            + "(\(NumberFormat.percent(share, decimals: 0))), \(time)"
    }

    private func rate(_ completed: Int, _ seconds: Double) -> String {
        seconds >= 1 ? "  \(NumberFormat.count(Int(Double(completed) / seconds)))/s" : ""
    }

    private static func padded(_ text: String, to width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
