/// Estimates with their intervals under one another, against a line: which of them lie beyond it, and by how much.
package struct ForestPlot: Chart {
    package struct Row: Hashable, Sendable {
        package var name: String
        package var estimate: IntervalEstimate
        /// The value that is estimated, where it is known: drawn as a diamond.
        package var truth: Double?
        /// Whether the log supports the number only weakly or not at all: drawn hollow and dashed.
        package var isDoubtful: Bool

        package init(name: String, estimate: IntervalEstimate, truth: Double? = nil, isDoubtful: Bool = false) {
            self.name = name
            self.estimate = estimate
            self.truth = truth
            self.isDoubtful = isDoubtful
        }

        var isFinite: Bool { [estimate.value, estimate.lower, estimate.upper].allSatisfy(\.isFinite) }
    }

    /// Something that has no estimate, and why.
    package struct Silent: Hashable, Sendable {
        package var name: String
        package var note: String

        package init(name: String, note: String) {
            self.name = name
            self.note = note
        }
    }

    package var title: String
    package var quantity: Quantity
    package var rows: [Row]
    /// Listed below the rows.
    package var silent: [Silent]
    /// What "no difference" is; nil draws no line.
    package var reference: Double?
    /// Whether positive numbers carry a plus sign.
    package var isSigned: Bool

    package init(
        title: String, quantity: Quantity, rows: [Row], silent: [Silent] = [], reference: Double? = nil, isSigned: Bool = false
    ) {
        self.title = title
        self.quantity = quantity
        self.rows = rows.filter(\.isFinite)
        self.silent = silent
        self.reference = reference
        self.isSigned = isSigned
    }

    /// The name and the numbers stand over their interval, so that both have the width of a phone: side by side where that fits every row,
    /// else under each other.
    private var isStacked: Bool { rows.contains { $0.name.printable.displayWidth > room(beside: text(of: $0)) } }

    private var rowHeight: Double { isStacked ? 50 : 36 }

    private func text(of row: Row) -> String { row.estimate.text(quantity, isSigned: isSigned) }

    /// Columns that are left for a name beside that text.
    private func room(beside text: String) -> Int {
        Int((ChartCanvas.standardWidth - 24 - ChartCanvas.estimatedWidth(text)) / (ChartCanvas.letterHeight * 0.57))
    }

    package var height: Double { 40 + Double(max(1, rows.count)) * rowHeight + Double(silent.count) * 20 }

    package var summary: String {
        guard !rows.isEmpty else { return "No data yet." }
        let estimates = rows.map { row in
            "\(row.name): \(row.estimate.text(quantity, isSigned: isSigned))"
                + (row.truth.map { ", truth \(quantity.text($0, spread: row.estimate.spread, isSigned: isSigned))" } ?? "")
        }
        return (estimates + silent.map { "\($0.name): \($0.note)" }).joined(separator: "; ") + "."
    }

    package func draw(into canvas: inout ChartCanvas) {
        guard !rows.isEmpty else { return canvas.emptyNote("No data yet") }
        canvas.bottom = 28 + Double(silent.count) * 20
        canvas.left = 14
        canvas.right = 14
        let ticks = AxisTicks.covering(lower: span.lowerBound, upper: span.upperBound)
        canvas.xDomain = ticks[0]...ticks[ticks.count - 1]
        for tick in ticks {
            canvas.line(x1: canvas.x(tick), y1: canvas.top, x2: canvas.x(tick), y2: canvas.height - canvas.bottom, class: "grid")
        }
        if let reference {
            canvas.line(
                x1: canvas.x(reference), y1: canvas.top, x2: canvas.x(reference), y2: canvas.height - canvas.bottom, class: "reference")
        }
        for (index, row) in rows.enumerated() { draw(row, top: canvas.top + Double(index) * rowHeight, into: &canvas) }
        let decimals = AxisTicks.decimals(of: ticks, scale: quantity == .share ? 100 : 1)
        canvas.horizontalAxis(
            ticks.map {
                ($0, quantity == .share ? NumberFormat.percent($0, decimals: decimals) : NumberFormat.fixed($0, decimals: decimals))
            })
        for (index, entry) in silent.enumerated() {
            let y = canvas.height - canvas.bottom + 40 + Double(index) * 20
            canvas.text(entry.name.printable.shortened(toWidth: 36), x: 8, y: y, class: "name")
            canvas.text(entry.note, x: canvas.width - 8, y: y, anchor: "end")
        }
    }

    /// What the axis covers: every value that is not doubtful, and the rest as far as it does not press these together.
    private var span: ClosedRange<Double> {
        let trusted = rows.contains { !$0.isDoubtful } ? rows.filter { !$0.isDoubtful } : rows
        let spreads = trusted.map(\.estimate.spread).sorted()
        let reach = 8 * spreads[spreads.count / 2]
        let values = trusted.flatMap { [$0.estimate.value] + ($0.truth.map { [$0] } ?? []) } + (reference.map { [$0] } ?? [])
        let (least, most) = (values.min() ?? 0, values.max() ?? 1)
        let allowed = (least - reach)...(most + reach)
        let ends = rows.flatMap { [$0.estimate.lower, $0.estimate.upper].map { min(max($0, allowed.lowerBound), allowed.upperBound) } }
        return min(least, ends.min() ?? least)...max(most, ends.max() ?? most)
    }

    private func draw(_ row: Row, top: Double, into canvas: inout ChartCanvas) {
        let text = text(of: row)
        let width = isStacked ? Int((canvas.width - 16) / (ChartCanvas.letterHeight * 0.57)) : room(beside: text)
        canvas.text(row.name.printable.shortened(toWidth: width), x: 8, y: top + 11, class: "name")
        canvas.text(text, x: canvas.width - 8, y: top + (isStacked ? 25 : 11), anchor: "end", class: "value")
        let middle = top + rowHeight - 13
        let doubt = row.isDoubtful ? " doubtful" : ""
        let domain = canvas.xDomain
        let lower = min(max(row.estimate.lower, domain.lowerBound), domain.upperBound)
        let upper = max(min(row.estimate.upper, domain.upperBound), domain.lowerBound)
        canvas.line(x1: canvas.x(lower), y1: middle, x2: canvas.x(upper), y2: middle, class: "interval" + doubt)
        // Arrows where an interval goes on beyond the drawing.
        if row.estimate.lower < domain.lowerBound {
            let x = canvas.x(domain.lowerBound)
            canvas.path([(x + 6, middle - 5), (x, middle), (x + 6, middle + 5)], isClosed: false, class: "beyond")
        }
        if row.estimate.upper > domain.upperBound {
            let x = canvas.x(domain.upperBound)
            canvas.path([(x - 6, middle - 5), (x, middle), (x - 6, middle + 5)], isClosed: false, class: "beyond")
        }
        if domain.contains(row.estimate.value) {
            canvas.markup.element(
                "circle",
                [
                    "class": "estimate" + doubt, "cx": ChartCanvas.number(canvas.x(row.estimate.value)),
                    "cy": ChartCanvas.number(middle), "r": "4.5",
                ]
            ) { $0.element("title", text: "\(row.name): \(text)") }
        }
        if let truth = row.truth {
            let x = canvas.x(truth)
            canvas.path([(x, middle - 6), (x + 5, middle), (x, middle + 6), (x - 5, middle)], isClosed: true, class: "truth")
        }
    }
}
