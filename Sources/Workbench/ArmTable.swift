import Evaluation
import HaggleCore
import Tabular

/// What is known about the arms beside their keys: discounts, and features that make some of them alike.
struct ArmTable {
    private var discounts: [Double]?
    private var categories: [Int]?

    /// - Parameter path: a CSV file with a row per arm: `arm`, optionally `discount`, and further columns; arms that agree in all further columns
    ///   are alike for MIPS. Nil: the discounts of the arms themselves.
    init(_ path: String?, arms: [Arm]) throws {
        let known = arms.map(\.discount)
        if known.allSatisfy({ $0 != nil }) { discounts = known.compactMap(\.self) }
        guard let path else { return }
        var reader = try CSVReader(path: path)
        let key = try reader.index(of: "arm")
        let depth = reader.columns.firstIndex(of: "discount")
        let features = reader.columns.indices.filter { $0 != key && $0 != depth }
        var rows: [String: (discount: Double?, features: [String])] = [:]
        while let row = try reader.next() {
            var discount: Double?
            if let depth { discount = try reader.number(at: depth, in: row) }
            rows[row.string(at: key)] = (discount, features.map { row.string(at: $0) })
        }
        var seen: [[String]: Int] = [:]
        var categories: [Int] = []
        var depths: [Double] = []
        for arm in arms {
            guard let row = rows[arm.key.rawValue] else {
                throw WorkbenchError.filesDisagree("\(path): has no row for the arm \(arm.key)")
            }
            let next = seen.count
            categories.append(seen[row.features, default: next])
            seen[row.features] = categories.last
            if let discount = row.discount { depths.append(discount) }
        }
        if depths.count == arms.count { discounts = depths }
        if !features.isEmpty { self.categories = categories }
    }

    func apply(to options: inout EvaluationOptions) {
        options.discounts = options.discounts ?? discounts
        options.armCategories = options.armCategories ?? categories
    }
}
