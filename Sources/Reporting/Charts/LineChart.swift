/// Estimates over time or another running number: lines with their intervals as bands.
package struct LineChart: Chart {
    package struct Point: Hashable, Sendable {
        /// Seconds since the Unix epoch where the axis is time.
        package var x: Double
        package var estimate: IntervalEstimate

        package init(x: Double, estimate: IntervalEstimate) {
            self.x = x
            self.estimate = estimate
        }
    }

    package struct Series: Hashable, Sendable {
        package var name: String
        package var colour: ChartColour
        /// In ascending order of `x`; points that are not finite are left out.
        package var points: [Point]

        package init(name: String, colour: ChartColour, points: [Point]) {
            self.name = name
            self.colour = colour
            self.points = points.filter { [$0.x, $0.estimate.value, $0.estimate.lower, $0.estimate.upper].allSatisfy(\.isFinite) }
        }
    }

    package enum Axis: Hashable, Sendable {
        case time
        /// What is counted: `impressions`.
        case number(String)
    }

    package var title: String
    package var axis: Axis
    package var quantity: Quantity
    package var series: [Series]
    /// A value to compare with, such as 0 for a lift, drawn across the chart.
    package var reference: Double?

    package init(title: String, axis: Axis, quantity: Quantity, series: [Series], reference: Double? = nil) {
        self.title = title
        self.axis = axis
        self.quantity = quantity
        self.series = series
        self.reference = reference
    }

    package var height: Double { 200 + (series.count > 1 ? ChartCanvas.legendHeight(series.map(\.name)) : 0) }

    private var points: [Point] { series.flatMap(\.points) }

    package var summary: String {
        guard let low = points.map(\.estimate.lower).min(), let high = points.map(\.estimate.upper).max() else { return "No data yet." }
        let lasts = series.compactMap { line in line.points.last.map { "\(line.name) ends at \($0.estimate.text(quantity))" } }
        return "Intervals reach from \(quantity.text(lower: low, upper: high)). " + lasts.joined(separator: "; ") + "."
    }

    package func draw(into canvas: inout ChartCanvas) {
        if series.count > 1 { canvas.legend(series.map { ($0.name, $0.colour) }) }
        canvas.bottom = 26
        guard let first = points.map(\.x).min(), let last = points.map(\.x).max() else { return canvas.emptyNote("No data yet") }
        var values = points.flatMap { [$0.estimate.lower, $0.estimate.upper, $0.estimate.value] }
        if let reference { values.append(reference) }
        let ticks = AxisTicks.covering(lower: values.min() ?? 0, upper: values.max() ?? 1)
        canvas.yDomain = ticks[0]...ticks[ticks.count - 1]
        canvas.xDomain = first < last ? first...last : first - 1...first + 1
        let decimals = AxisTicks.decimals(of: ticks, scale: quantity == .share ? 100 : 1)
        canvas.verticalAxis(ticks) {
            quantity == .share ? NumberFormat.percent($0, decimals: decimals) : NumberFormat.fixed($0, decimals: decimals)
        }
        canvas.right = 12
        for line in series where line.points.count > 1 {
            let over = line.points.map { (x: canvas.x($0.x), y: canvas.y($0.estimate.upper)) }
            let under = line.points.map { (x: canvas.x($0.x), y: canvas.y($0.estimate.lower)) }
            canvas.path(over + under.reversed(), isClosed: true, class: "band \(line.colour.name)")
        }
        if let reference {
            canvas.line(
                x1: canvas.left, y1: canvas.y(reference), x2: canvas.width - canvas.right, y2: canvas.y(reference), class: "reference")
        }
        for line in series { draw(line, into: &canvas) }
        switch axis {
        case .time: canvas.horizontalAxis(AxisTicks.times(from: canvas.xDomain.lowerBound, to: canvas.xDomain.upperBound))
        case .number(let name):
            let ticks = AxisTicks.covering(lower: canvas.xDomain.lowerBound, upper: canvas.xDomain.upperBound).filter(
                canvas.xDomain.contains)
            let decimals = AxisTicks.decimals(of: ticks)
            canvas.horizontalAxis(
                ticks.enumerated().map { index, tick in
                    (tick, NumberFormat.fixed(tick, decimals: decimals) + (index == ticks.count - 1 ? " " + name : ""))
                })
        }
    }

    private func draw(_ line: Series, into canvas: inout ChartCanvas) {
        canvas.path(
            line.points.map { (x: canvas.x($0.x), y: canvas.y($0.estimate.value)) }, isClosed: false, class: "series \(line.colour.name)")
        let width = line.points.count > 60 ? 1.2 : 2.6
        for point in line.points {
            let (x, y) = (canvas.x(point.x), canvas.y(point.estimate.value))
            if line.points.count == 1 {
                canvas.line(x1: x, y1: canvas.y(point.estimate.lower), x2: x, y2: canvas.y(point.estimate.upper), class: "whisker")
            }
            canvas.markup.element(
                "circle",
                [
                    "class": "point \(line.colour.name)", "cx": ChartCanvas.number(x), "cy": ChartCanvas.number(y),
                    "r": ChartCanvas.number(width),
                ]
            ) { $0.element("title", text: "\(line.name): \(point.estimate.text(quantity))") }
        }
    }
}
