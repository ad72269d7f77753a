import Evaluation

/// For each arm, how often the log showed it and how often the policy would: two bars under each other.
struct OverlapChart: Chart {
    var title: String
    /// In configuration order; a chart shows 16 at most.
    var arms: [ArmOverlap]

    init(title: String, arms: [ArmOverlap]) {
        self.title = title
        self.arms = Array(arms.filter { $0.loggedShare.isFinite }.prefix(16))
    }

    private static let rowHeight = 34.0

    var height: Double {
        10 + ChartCanvas.legendHeight(["upper bar: the log", "lower bar: the policy"]) + Double(max(1, arms.count)) * Self.rowHeight
    }

    var summary: String {
        guard !arms.isEmpty else { return "No arms." }
        return arms.map { arm in
            "\(arm.arm): log \(NumberFormat.percent(arm.loggedShare)), policy "
                + (arm.targetShare.map { NumberFormat.percent($0) } ?? "unknown")
        }.joined(separator: "; ") + "."
    }

    func draw(into canvas: inout ChartCanvas) {
        guard !arms.isEmpty else { return canvas.emptyNote("No arms") }
        canvas.legend([("upper bar: the log", .control), ("lower bar: the policy", .series(2))])
        let names = arms.map { $0.arm.printable.shortened(toWidth: 18) }
        canvas.left = 8 + (names.map(ChartCanvas.estimatedWidth).max() ?? 0) + 8
        canvas.right = ChartCanvas.estimatedWidth("100.0%") + 12
        let most = arms.flatMap { [$0.loggedShare, $0.targetShare ?? 0] }.max() ?? 1
        canvas.xDomain = 0...max(most, 1e-9)
        for (index, arm) in arms.enumerated() {
            let top = canvas.top + Double(index) * Self.rowHeight
            canvas.text(names[index], x: canvas.left - 8, y: top + 20, anchor: "end", class: "name")
            bar(arm.loggedShare, top: top + 3, colour: .control, name: "\(arm.arm) in the log", into: &canvas)
            if let target = arm.targetShare, target.isFinite {
                bar(target, top: top + 17, colour: .series(2), name: "\(arm.arm) under the policy", into: &canvas)
            }
        }
    }

    private func bar(_ share: Double, top: Double, colour: ChartColour, name: String, into canvas: inout ChartCanvas) {
        let end = canvas.x(min(max(0, share), canvas.xDomain.upperBound))
        let text = NumberFormat.percent(share)
        canvas.markup.element(
            "rect",
            [
                "class": "bar \(colour.name)", "x": ChartCanvas.number(canvas.left), "y": ChartCanvas.number(top),
                "width": ChartCanvas.number(end - canvas.left), "height": "11", "rx": "1.5",
            ]
        ) { $0.element("title", text: "\(name): \(text)") }
        canvas.text(text, x: end + 5, y: top + 9.5, class: "value")
    }
}
