import Foundation

/// The drawing surface of a chart: a coordinate system of 360 units in width, letters of 11.5, and a plot area inside its margins.
///
/// 360 units are about the width of a phone's screen, so letters stay readable there without a second layout.
package struct ChartCanvas {
    static let standardWidth = 360.0
    static let letterHeight = 11.5

    let width: Double
    let height: Double
    var left = 8.0
    var right = 8.0
    var top = 8.0
    var bottom = 8.0
    var xDomain = 0.0...1.0
    var yDomain = 0.0...1.0
    var markup = Markup()

    init(width: Double, height: Double) {
        self.width = width
        self.height = height
    }

    func x(_ value: Double) -> Double {
        left + (value - xDomain.lowerBound) / (xDomain.upperBound - xDomain.lowerBound) * (width - left - right)
    }

    func y(_ value: Double) -> Double {
        height - bottom - (value - yDomain.lowerBound) / (yDomain.upperBound - yDomain.lowerBound) * (height - top - bottom)
    }

    /// A coordinate with two decimals at most.
    static func number(_ value: Double) -> String {
        let rounded = (value * 100).rounded() / 100
        if let whole = Int(exactly: rounded) { return String(whole) }
        return String(format: "%g", rounded)
    }

    /// About how wide a text will be; fonts differ, so leave room.
    static func estimatedWidth(_ text: String) -> Double { Double(text.displayWidth) * letterHeight * 0.57 }

    mutating func line(x1: Double, y1: Double, x2: Double, y2: Double, class name: String) {
        markup.empty(
            "line", ["class": name, "x1": Self.number(x1), "y1": Self.number(y1), "x2": Self.number(x2), "y2": Self.number(y2)])
    }

    mutating func text(_ text: String, x: Double, y: Double, anchor: String = "start", class name: String = "label") {
        markup.element("text", ["class": name, "x": Self.number(x), "y": Self.number(y), "text-anchor": anchor], text: text)
    }

    mutating func path(_ points: [(x: Double, y: Double)], isClosed: Bool, class name: String) {
        guard !points.isEmpty else { return }
        let steps = points.enumerated().map { ($0 == 0 ? "M" : "L") + Self.number($1.x) + " " + Self.number($1.y) }
        markup.empty("path", ["class": name, "d": steps.joined() + (isClosed ? "Z" : "")])
    }

    /// Names with their colours, in rows from the top; takes its height from the plot area.
    mutating func legend(_ entries: [(name: String, colour: ChartColour)]) {
        var x = left
        var row = 0.0
        for entry in entries {
            let name = entry.name.printable.fitted(toWidth: 28)
            let needed = 16 + Self.estimatedWidth(name) + 12
            if x + needed > width && x > left {
                x = left
                row += 1
            }
            let y = top + row * 18
            markup.empty(
                "rect",
                ["class": "key \(entry.colour.name)", "x": Self.number(x), "y": Self.number(y), "width": "10", "height": "10", "rx": "2"])
            text(name, x: x + 15, y: y + 9.5)
            x += needed
        }
        if !entries.isEmpty { top += (row + 1) * 18 + 6 }
    }

    /// Height that `legend` will take for these names.
    static func legendHeight(_ names: [String]) -> Double {
        var canvas = ChartCanvas(width: standardWidth, height: 0)
        canvas.legend(names.map { ($0, .control) })
        return canvas.top - 8
    }

    /// Horizontal grid lines with their values at the left; makes the left margin fit them.
    mutating func verticalAxis(_ ticks: [Double], label: (Double) -> String) {
        let labels = ticks.map(label)
        left = 8 + (labels.map(Self.estimatedWidth).max() ?? 0) + 6
        for (tick, text) in zip(ticks, labels) {
            line(x1: left, y1: y(tick), x2: width - right, y2: y(tick), class: "grid")
            self.text(text, x: left - 6, y: y(tick) + 4, anchor: "end")
        }
    }

    /// Values under the plot area; labels at the ends stay inside the drawing.
    mutating func horizontalAxis(_ ticks: [(value: Double, label: String)]) {
        for tick in ticks {
            let half = Self.estimatedWidth(tick.label) / 2
            let position = min(max(x(tick.value), half + 2), width - half - 2)
            line(x1: x(tick.value), y1: height - bottom, x2: x(tick.value), y2: height - bottom + 4, class: "tick")
            text(tick.label, x: position, y: height - bottom + 17, anchor: "middle")
        }
        line(x1: left, y1: height - bottom, x2: width - right, y2: height - bottom, class: "axis")
    }

    /// A sentence in the middle, where there is nothing to draw.
    mutating func emptyNote(_ note: String) { text(note, x: width / 2, y: height / 2, anchor: "middle") }
}
