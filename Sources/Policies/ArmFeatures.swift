import HaggleCore
import HaggleMath

/// psi(a): an arm as numbers, so that what is learned of one arm says something of its neighbours.
///
/// For an arm with a discount: the depth, centred and scaled to -1...1 over the table's depths, and Gaussian radial basis functions
/// `exp(-((d - c) / h)^2 / 2)` at every multiple c of h = .05 from the least depth to the largest. An arm without a discount
/// has an indicator of its own instead. Last comes a 1 for every arm. A single depth needs no columns: it is what the 1 stands for.
struct ArmFeatures: Hashable, Sendable {
    /// psi of every arm.
    let rows: [[Double]]

    /// - Precondition: at least one arm.
    init(_ arms: [Arm]) { self.init(depths: arms.map(\.discount)) }

    /// - Parameter arms: the depth of every arm, nil for one without a discount; at least one.
    init(depths arms: [Double?]) {
        let depths = arms.compactMap { $0 }
        let least = depths.min() ?? 0
        let largest = depths.max() ?? 0
        var centres: [Double] = []
        if largest > least {
            // 1e-9 of a step: 0.15 / 0.05 is a little below 3.
            let first = Int((least / Self.step + 1e-9).rounded(.down))
            let last = Int((largest / Self.step - 1e-9).rounded(.up))
            centres = (first...last).map { Double($0) * Self.step }
        }
        let others = arms.indices.filter { arms[$0] == nil }
        rows = arms.enumerated().map { index, arm in
            var row: [Double] = []
            if !centres.isEmpty {
                if let depth = arm {
                    row.append((2 * depth - least - largest) / (largest - least))
                    row += centres.map { centre in
                        let distance = (depth - centre) / Self.step
                        return ElementaryFunctions.exp(-0.5 * distance * distance)
                    }
                } else {
                    row += [Double](repeating: 0, count: centres.count + 1)
                }
            }
            row += others.map { $0 == index ? 1 : 0 }
            row.append(1)
            return row
        }
    }

    /// Length of psi.
    var dimension: Int { rows[0].count }

    private static let step = 0.05
}
