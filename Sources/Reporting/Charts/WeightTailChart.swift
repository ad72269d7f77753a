import Evaluation
import Foundation

/// How the weights thin out: which share of the rows, and of all weight, lies at or above a weight. Both axes are logarithmic.
struct WeightTailChart: Chart {
    var title: String
    /// From light to heavy; only points with a weight above 0.
    var points: [WeightTailPoint]

    init(title: String, points: [WeightTailPoint]) {
        self.title = title
        self.points = points.filter { [$0.weight, $0.shareOfRows, $0.shareOfWeight].allSatisfy { $0.isFinite && $0 > 0 } }
    }

    var height: Double { 210 + ChartCanvas.legendHeight(["share of rows", "share of weight"]) }

    var summary: String {
        guard let last = points.last else { return "No weights." }
        let beyond = points.first { $0.weight >= 10 }
        var text = "The largest weights are about \(NumberFormat.significant(last.weight, digits: 3))"
        if let beyond {
            text +=
                "; rows with a weight of \(NumberFormat.significant(beyond.weight, digits: 2)) or more are "
                + "\(NumberFormat.percent(beyond.shareOfRows, decimals: 2)) of all and carry \(NumberFormat.percent(beyond.shareOfWeight)) of "
                + "the weight"
        }
        return text + "."
    }

    func draw(into canvas: inout ChartCanvas) {
        guard points.count > 1, let first = points.first, let last = points.last else { return canvas.emptyNote("No weights") }
        canvas.legend([("share of rows", .control), ("share of weight, dashed", .series(2))])
        canvas.bottom = 40
        let least = points.map { min($0.shareOfRows, $0.shareOfWeight) }.min() ?? 1
        let floor = min(-1, max(-6, log10(least).rounded(.down)))
        canvas.yDomain = floor...0
        canvas.verticalAxis(stride(from: floor, through: 0, by: 1).map { $0 }) {
            NumberFormat.percent(pow(10, $0), decimals: max(0, Int(-$0) - 2))
        }
        let low = log10(first.weight).rounded(.down)
        canvas.xDomain = low...max(low + 1, log10(last.weight).rounded(.up))
        canvas.right = 14
        for (keyPath, name) in [(\WeightTailPoint.shareOfRows, "series colour-control"), (\.shareOfWeight, "series dashed colour-2")] {
            canvas.path(
                points.map { (x: canvas.x(log10($0.weight)), y: canvas.y(max(floor, min(0, log10($0[keyPath: keyPath]))))) },
                isClosed: false, class: name)
        }
        let exponents = stride(from: canvas.xDomain.lowerBound, through: canvas.xDomain.upperBound, by: 1).map { $0 }
        let step = max(1, (exponents.count + 5) / 6)
        canvas.horizontalAxis(
            exponents.enumerated().filter { $0.offset % step == 0 }.map { ($1, Self.tick($1)) })
        canvas.text("weight at least", x: canvas.width / 2, y: canvas.height - 5, anchor: "middle")
    }

    /// `0.01`, `1`, `1,000`.
    private static func tick(_ exponent: Double) -> String {
        abs(exponent) > 5 ? "1e\(Int(exponent))" : NumberFormat.fixed(pow(10, exponent), decimals: max(0, Int(-exponent)))
    }
}
