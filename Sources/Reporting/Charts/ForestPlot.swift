/// Estimates with their intervals under one another, against a line: which of them lie beyond it, and by how much.
package struct ForestPlot: Chart {
    package struct Row: Hashable, Sendable {
        package var name: String
        package var estimate: IntervalEstimate
        /// The value that is estimated, where it is known: drawn as a diamond.
        package var truth: Double?

        package init(name: String, estimate: IntervalEstimate, truth: Double? = nil) {
            self.name = name
            self.estimate = estimate
            self.truth = truth
        }

        var isFinite: Bool { [estimate.value, estimate.lower, estimate.upper].allSatisfy(\.isFinite) }
    }

    package var title: String
    package var quantity: Quantity
    package var rows: [Row]
    /// What "no difference" is; nil draws no line.
    package var reference: Double?
    /// Whether positive numbers carry a plus sign.
    package var isSigned: Bool

    package init(title: String, quantity: Quantity, rows: [Row], reference: Double? = nil, isSigned: Bool = false) {
        self.title = title
        self.quantity = quantity
        self.rows = rows.filter(\.isFinite)
        self.reference = reference
        self.isSigned = isSigned
    }

    package var height: Double { 40 + Double(max(1, rows.count)) * 34 }

    package var summary: String {
        guard !rows.isEmpty else { return "No data yet." }
        return rows.map { row in
            "\(row.name): \(row.estimate.text(quantity, isSigned: isSigned))"
                + (row.truth.map { ", truth \(quantity.text($0, spread: row.estimate.spread, isSigned: isSigned))" } ?? "")
        }.joined(separator: "; ") + "."
    }

    package func draw(into canvas: inout ChartCanvas) {
        guard !rows.isEmpty else { return canvas.emptyNote("No data yet") }
        canvas.bottom = 28
        canvas.left = 14
        canvas.right = 14
        var values = rows.flatMap { [$0.estimate.lower, $0.estimate.upper] } + rows.compactMap(\.truth)
        if let reference { values.append(reference) }
        let ticks = AxisTicks.covering(lower: values.min() ?? 0, upper: values.max() ?? 1)
        canvas.xDomain = ticks[0]...ticks[ticks.count - 1]
        for tick in ticks {
            canvas.line(x1: canvas.x(tick), y1: canvas.top, x2: canvas.x(tick), y2: canvas.height - canvas.bottom, class: "grid")
        }
        if let reference {
            canvas.line(
                x1: canvas.x(reference), y1: canvas.top, x2: canvas.x(reference), y2: canvas.height - canvas.bottom, class: "reference")
        }
        for (index, row) in rows.enumerated() {
            // The name and the numbers stand over their interval, so that both have the whole width of a phone.
            let top = canvas.top + Double(index) * 34
            let text = row.estimate.text(quantity, isSigned: isSigned)
            let room = Int((canvas.width - 24 - ChartCanvas.estimatedWidth(text)) / (ChartCanvas.letterHeight * 0.57))
            canvas.text(row.name.printable.fitted(toWidth: max(6, room)), x: 8, y: top + 11, class: "name")
            canvas.text(text, x: canvas.width - 8, y: top + 11, anchor: "end", class: "value")
            let middle = top + 22
            canvas.line(x1: canvas.x(row.estimate.lower), y1: middle, x2: canvas.x(row.estimate.upper), y2: middle, class: "interval")
            canvas.markup.element(
                "circle",
                ["class": "estimate", "cx": ChartCanvas.number(canvas.x(row.estimate.value)), "cy": ChartCanvas.number(middle), "r": "4.5"]
            ) { $0.element("title", text: "\(row.name): \(text)") }
            if let truth = row.truth {
                let x = canvas.x(truth)
                canvas.path(
                    [(x, middle - 6), (x + 5, middle), (x, middle + 6), (x - 5, middle)], isClosed: true, class: "truth")
            }
        }
        let decimals = AxisTicks.decimals(of: ticks, scale: quantity == .share ? 100 : 1)
        canvas.horizontalAxis(
            ticks.map {
                ($0, quantity == .share ? NumberFormat.percent($0, decimals: decimals) : NumberFormat.fixed($0, decimals: decimals))
            })
    }
}
