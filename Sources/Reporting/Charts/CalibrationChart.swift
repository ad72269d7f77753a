import Evaluation

/// Predicted against observed means, with the line on which both agree.
struct CalibrationChart: Chart {
    var title: String
    var quantity: Quantity
    var bins: [CalibrationBin]

    init(title: String, quantity: Quantity, bins: [CalibrationBin]) {
        self.title = title
        self.quantity = quantity
        self.bins = bins.filter { bin in
            [bin.meanPrediction, bin.meanReward, bin.lower ?? 0, bin.upper ?? 0].allSatisfy(\.isFinite)
        }
    }

    var height: Double { 270 }

    var summary: String {
        guard let first = bins.first, let last = bins.last else { return "No predictions." }
        let known = bins.filter { $0.lower != nil }
        let right = known.filter { ($0.lower ?? 0) <= $0.meanPrediction && $0.meanPrediction <= ($0.upper ?? 0) }.count
        return "Predictions run from \(quantity.text(first.meanPrediction)) to \(quantity.text(last.meanPrediction)); observed means from "
            + "\(quantity.text(first.meanReward)) to \(quantity.text(last.meanReward)). In \(right) of \(known.count) groups the interval of "
            + "the observed mean holds the prediction."
    }

    func draw(into canvas: inout ChartCanvas) {
        guard !bins.isEmpty else { return canvas.emptyNote("No predictions") }
        canvas.bottom = 42
        canvas.right = 14
        let observed = bins.flatMap { [$0.meanReward, $0.lower ?? $0.meanReward, $0.upper ?? $0.meanReward] }
        let predicted = bins.map(\.meanPrediction)
        let ticks = AxisTicks.covering(lower: (observed + predicted).min() ?? 0, upper: (observed + predicted).max() ?? 1)
        let decimals = AxisTicks.decimals(of: ticks, scale: quantity == .share ? 100 : 1)
        let label = { (tick: Double) in
            quantity == .share ? NumberFormat.percent(tick, decimals: decimals) : NumberFormat.fixed(tick, decimals: decimals)
        }
        canvas.yDomain = ticks[0]...ticks[ticks.count - 1]
        canvas.xDomain = canvas.yDomain
        canvas.verticalAxis(ticks, label: label)
        canvas.horizontalAxis(ticks.map { ($0, label($0)) })
        canvas.line(
            x1: canvas.x(ticks[0]), y1: canvas.y(ticks[0]), x2: canvas.x(ticks[ticks.count - 1]), y2: canvas.y(ticks[ticks.count - 1]),
            class: "reference")
        for bin in bins {
            let x = canvas.x(bin.meanPrediction)
            if let lower = bin.lower, let upper = bin.upper {
                canvas.line(x1: x, y1: canvas.y(lower), x2: x, y2: canvas.y(upper), class: "interval")
            }
            canvas.markup.element(
                "circle",
                ["class": "estimate", "cx": ChartCanvas.number(x), "cy": ChartCanvas.number(canvas.y(bin.meanReward)), "r": "4"]
            ) {
                $0.element(
                    "title",
                    text: "predicted \(quantity.text(bin.meanPrediction)), observed \(quantity.text(bin.meanReward)), "
                        + "\(NumberFormat.count(bin.rowCount)) rows")
            }
        }
        canvas.text("predicted (across) and observed (up); dashed: both agree", x: canvas.width / 2, y: canvas.height - 5, anchor: "middle")
    }
}
