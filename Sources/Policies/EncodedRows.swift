import Features
import HaggleCore

/// Interactions as numbers: what models are fitted to.
struct EncodedRows {
    let encoder: FeatureEncoder
    let scaling: ColumnScaling
    /// Encoded and scaled contexts, row-major.
    let inputs: [Float]
    /// Arm, reward, weight: one per row.
    let arms: [Int]
    let rewards: [Double]
    let weights: [Double]
    /// The position in `interactions` of each row.
    let order: [Int]

    /// Fits encoder and scaling to the rows and encodes them. Rows are put in the order of their times where all have one; else their
    /// order is time.
    /// - Parameter weights: one per interaction, or nil for all 1. Encoder and scaling do not depend on them.
    init(
        _ interactions: [Interaction], weights: [Double]? = nil, schema: FeatureSchema, armCount: Int, keepingOrder: Bool = false
    ) throws(PoliciesError) {
        for (row, interaction) in interactions.enumerated() {
            guard (0..<armCount).contains(interaction.arm) else {
                throw .armOutOfRange(row: row, arm: interaction.arm, armCount: armCount)
            }
            guard interaction.reward.isFinite else { throw .rewardNotFinite(row: row) }
        }
        if let weights {
            guard weights.count == interactions.count else { throw .weightCount(expected: interactions.count, found: weights.count) }
            for (row, weight) in weights.enumerated() where !(weight.isFinite && weight >= 0) { throw .weightNotUsable(row: row) }
        }
        let order = Self.timeOrder(interactions)
        let ordered = order.map { interactions[$0] }
        encoder = FeatureEncoder(schema: schema, fittedTo: ordered.lazy.map(\.context), keepingOrder: keepingOrder)
        let width = encoder.width
        var inputs: [Float] = []
        inputs.reserveCapacity(ordered.count * width)
        var row = [Float](repeating: 0, count: width)
        for interaction in ordered {
            encoder.encode(interaction.context, into: &row)
            inputs.append(contentsOf: row)
        }
        // Blocks of events bring their own scale, and the indices of their categories must stay.
        scaling = ColumnScaling(fittedTo: inputs, width: width, scaled: encoder.plainWidth)
        for index in ordered.indices {
            row.replaceSubrange(0..<width, with: inputs[index * width..<(index + 1) * width])
            scaling.apply(&row)
            inputs.replaceSubrange(index * width..<(index + 1) * width, with: row)
        }
        self.inputs = inputs
        arms = ordered.map(\.arm)
        rewards = ordered.map(\.reward)
        self.weights = weights.map { weights in order.map { weights[$0] } } ?? [Double](repeating: 1, count: ordered.count)
        self.order = order
    }

    var count: Int { arms.count }
    var width: Int { encoder.width }

    /// One row's input.
    subscript(row: Int) -> [Float] { Array(inputs[row * width..<(row + 1) * width]) }

    /// Weighted mean and standard deviation of the rewards of all rows.
    var rewardScale: RewardScale { rewardScale(where: [Bool](repeating: true, count: count)) }

    /// The same of the rows that are marked.
    func rewardScale(where isCounted: [Bool]) -> RewardScale {
        var weight = 0.0
        var sum = 0.0
        var squares = 0.0
        for row in rewards.indices where isCounted[row] {
            weight += weights[row]
            sum += weights[row] * rewards[row]
            squares += weights[row] * (rewards[row] * rewards[row])
        }
        return RewardScale(weight: weight, rewards: sum, squares: squares)
    }

    /// Stable, so that rows of one time keep their order.
    private static func timeOrder(_ interactions: [Interaction]) -> [Int] {
        let times = interactions.compactMap(\.time)
        guard times.count == interactions.count, zip(times, times.dropFirst()).contains(where: { $0 > $1 }) else {
            return Array(interactions.indices)
        }
        return interactions.indices.sorted { (times[$0], $0) < (times[$1], $1) }
    }
}
