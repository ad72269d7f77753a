/// Estimates side by side: horizontal bars from 0 with their intervals as whiskers.
package struct BarChart: Chart {
    package struct Bar: Hashable, Sendable {
        package var name: String
        package var colour: ChartColour
        package var estimate: IntervalEstimate

        package init(name: String, colour: ChartColour, estimate: IntervalEstimate) {
            self.name = name
            self.colour = colour
            self.estimate = estimate
        }

        var isFinite: Bool { [estimate.value, estimate.lower, estimate.upper].allSatisfy(\.isFinite) }
    }

    package var title: String
    package var quantity: Quantity
    package var bars: [Bar]

    package init(title: String, quantity: Quantity, bars: [Bar]) {
        self.title = title
        self.quantity = quantity
        self.bars = bars.filter(\.isFinite)
    }

    package var height: Double { 44 + Double(max(1, bars.count)) * 30 }

    package var summary: String {
        bars.isEmpty ? "No data yet." : bars.map { "\($0.name): \($0.estimate.text(quantity))" }.joined(separator: "; ") + "."
    }

    package func draw(into canvas: inout ChartCanvas) {
        guard !bars.isEmpty else { return canvas.emptyNote("No data yet") }
        let names = bars.map { $0.name.printable.fitted(toWidth: 18) }
        let texts = bars.map { quantity.text($0.estimate.value, spread: $0.estimate.spread) }
        canvas.left = 8 + (names.map(ChartCanvas.estimatedWidth).max() ?? 0) + 8
        canvas.right = (texts.map(ChartCanvas.estimatedWidth).max() ?? 0) + 14
        canvas.bottom = 30
        let values: [Double] = [0] + bars.flatMap { [$0.estimate.lower, $0.estimate.upper, $0.estimate.value] }
        let ticks = AxisTicks.covering(lower: values.min() ?? 0, upper: values.max() ?? 1, about: 3)
        canvas.xDomain = ticks[0]...ticks[ticks.count - 1]
        let decimals = AxisTicks.decimals(of: ticks, scale: quantity == .share ? 100 : 1)
        for tick in ticks {
            canvas.line(x1: canvas.x(tick), y1: canvas.top, x2: canvas.x(tick), y2: canvas.height - canvas.bottom, class: "grid")
        }
        for (index, bar) in bars.enumerated() {
            let middle = canvas.top + (Double(index) + 0.5) * 30
            let (from, to) = (canvas.x(min(0, bar.estimate.value)), canvas.x(max(0, bar.estimate.value)))
            canvas.markup.element(
                "rect",
                [
                    "class": "bar \(bar.colour.name)", "x": ChartCanvas.number(from), "y": ChartCanvas.number(middle - 9),
                    "width": ChartCanvas.number(to - from), "height": "18", "rx": "2",
                ]
            ) { $0.element("title", text: "\(bar.name): \(bar.estimate.text(quantity))") }
            let (lower, upper) = (canvas.x(bar.estimate.lower), canvas.x(bar.estimate.upper))
            canvas.line(x1: lower, y1: middle, x2: upper, y2: middle, class: "whisker")
            for end in [lower, upper] { canvas.line(x1: end, y1: middle - 4, x2: end, y2: middle + 4, class: "whisker") }
            canvas.text(names[index], x: canvas.left - 8, y: middle + 4, anchor: "end", class: "name")
            canvas.text(texts[index], x: canvas.width - 6, y: middle + 4, anchor: "end", class: "value")
        }
        canvas.horizontalAxis(
            ticks.map {
                ($0, quantity == .share ? NumberFormat.percent($0, decimals: decimals) : NumberFormat.fixed($0, decimals: decimals))
            })
    }
}
