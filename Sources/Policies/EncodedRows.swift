import Features
import HaggleCore

/// Interactions as numbers: what models are fitted to.
struct EncodedRows {
    let encoder: FeatureEncoder
    let scaling: ColumnScaling
    /// Encoded and scaled contexts, row-major.
    let inputs: [Float]
    /// Arm, reward: one per row.
    let arms: [Int]
    let rewards: [Double]

    /// Fits encoder and scaling to the rows and encodes them. Rows are put in the order of their times where all have one; else their
    /// order is time.
    init(_ interactions: [Interaction], schema: FeatureSchema, armCount: Int) throws(PoliciesError) {
        for (row, interaction) in interactions.enumerated() {
            guard (0..<armCount).contains(interaction.arm) else {
                throw .armOutOfRange(row: row, arm: interaction.arm, armCount: armCount)
            }
            guard interaction.reward.isFinite else { throw .rewardNotFinite(row: row) }
        }
        let ordered = Self.inTimeOrder(interactions)
        encoder = FeatureEncoder(schema: schema, fittedTo: ordered.lazy.map(\.context))
        let width = encoder.width
        var inputs: [Float] = []
        inputs.reserveCapacity(ordered.count * width)
        var row = [Float](repeating: 0, count: width)
        for interaction in ordered {
            encoder.encode(interaction.context, into: &row)
            inputs.append(contentsOf: row)
        }
        scaling = ColumnScaling(fittedTo: inputs, width: width)
        for index in ordered.indices {
            row.replaceSubrange(0..<width, with: inputs[index * width..<(index + 1) * width])
            scaling.apply(&row)
            inputs.replaceSubrange(index * width..<(index + 1) * width, with: row)
        }
        self.inputs = inputs
        arms = ordered.map(\.arm)
        rewards = ordered.map(\.reward)
    }

    var count: Int { arms.count }
    var width: Int { encoder.width }

    /// One row's input.
    subscript(row: Int) -> [Float] { Array(inputs[row * width..<(row + 1) * width]) }

    /// Mean and standard deviation of the rewards of all rows.
    var rewardScale: RewardScale {
        var sum = 0.0
        var squares = 0.0
        for reward in rewards {
            sum += reward
            squares += reward * reward
        }
        return RewardScale(weight: Double(count), rewards: sum, squares: squares)
    }

    /// Stable, so that rows of one time keep their order.
    private static func inTimeOrder(_ interactions: [Interaction]) -> [Interaction] {
        let times = interactions.compactMap(\.time)
        guard times.count == interactions.count, zip(times, times.dropFirst()).contains(where: { $0 > $1 }) else { return interactions }
        return interactions.indices.sorted { (times[$0], $0) < (times[$1], $1) }.map { interactions[$0] }
    }
}
