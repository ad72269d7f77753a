/// A colour of the chart palette: control is grey, other series run from teal to rose, so that deeper discounts get deeper colours.
package enum ChartColour: Hashable, Sendable {
    case control
    /// Position among the series that are not control; colours repeat after seven.
    case series(Int)

    /// Colours for arms in configuration order.
    package static func colours(isControl: [Bool]) -> [ChartColour] {
        var next = 0
        return isControl.map { isControl in
            if isControl { return .control }
            defer { next += 1 }
            return .series(next)
        }
    }

    /// The CSS class that carries it.
    var name: String {
        switch self {
        case .control: "colour-control"
        case .series(let index): "colour-\(index % 7)"
        }
    }
}
