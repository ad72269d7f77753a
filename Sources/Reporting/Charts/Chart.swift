/// A drawing of numbers as SVG: no scripts, a title and a description for those who cannot see it, colours from the page's CSS variables so
/// that it follows light and dark.
package protocol Chart: Sendable {
    /// What the chart shows, in a few words.
    var title: String { get }
    /// What can be read from it, with the extremes of the data: the text for screen readers.
    var summary: String { get }
    /// Width divided by height is fixed; the page scales the drawing.
    var height: Double { get }

    /// Draws everything inside the frame.
    func draw(into canvas: inout ChartCanvas)
}

extension Chart {
    /// The chart as one `<svg>` element.
    /// - Parameters:
    ///   - id: unique on the page, of letters, digits and `-`.
    ///   - embedsStyle: true for a file that stands alone; a page has the style once.
    package func svg(id: String, embedsStyle: Bool = false) -> String {
        var canvas = ChartCanvas(width: ChartCanvas.standardWidth, height: height)
        draw(into: &canvas)
        var markup = Markup()
        markup.element(
            "svg",
            [
                "xmlns": "http://www.w3.org/2000/svg", "class": "chart", "role": "img", "aria-labelledby": "\(id)-title \(id)-summary",
                "viewBox": "0 0 \(ChartCanvas.number(ChartCanvas.standardWidth)) \(ChartCanvas.number(height))",
            ]
        ) { inner in
            inner.element("title", ["id": "\(id)-title"], text: title)
            inner.element("desc", ["id": "\(id)-summary"], text: summary)
            if embedsStyle { inner.element("style", text: ChartStyle.variables + ChartStyle.rules) }
            inner.raw(canvas.markup.text)
        }
        return markup.text
    }
}
