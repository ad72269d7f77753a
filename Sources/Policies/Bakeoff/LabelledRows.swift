package import HaggleCore

/// Rows with the right answer known: full information, from which a bandit's game is made by showing only the reward of the arm it plays.
package struct LabelledRows: Sendable {
    /// Numbers of a context.
    package let width: Int
    /// Row-major, `width` numbers a row.
    package let contexts: [Float]
    /// The right arm of each row.
    package let labels: [Int]
    /// One arm a class.
    package let arms: [ArmKey]

    /// - Precondition: `contexts` holds `width` finite numbers for each label, and every label is an arm.
    package init(width: Int, contexts: [Float], labels: [Int], arms: [ArmKey]) {
        precondition(contexts.count == width * labels.count, "a row has \(width) numbers")
        precondition(labels.allSatisfy(arms.indices.contains), "a label is an arm")
        self.width = width
        self.contexts = contexts
        self.labels = labels
        self.arms = arms
    }

    /// Rows as they were read: the classes become arms, in the order of their numbers where all are whole numbers, else of their names.
    package init(width: Int, contexts: [Float], labels: [String]) {
        let names = Set(labels)
        let isNumeric = names.allSatisfy { Int($0) != nil }
        let sorted = names.sorted { isNumeric ? (Int($0) ?? 0, $0) < (Int($1) ?? 0, $1) : $0 < $1 }
        let positions = Dictionary(uniqueKeysWithValues: sorted.enumerated().map { ($1, $0) })
        self.init(width: width, contexts: contexts, labels: labels.compactMap { positions[$0] }, arms: sorted.map { ArmKey($0) })
    }

    package var count: Int { labels.count }

    func context(at row: Int) -> [Float] { Array(contexts[row * width..<(row + 1) * width]) }
}
