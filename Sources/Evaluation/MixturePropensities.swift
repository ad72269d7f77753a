package import HaggleCore

/// The propensity of a row's arm under the mixture of all snapshots that made the log, in proportion to their rows: what BalancedIPS divides by.
///
/// ```
/// p(a|x) = sum over k of rho_k p_k(a|x),   rho_k the share of rows that snapshot k logged
/// ```
/// Snapshots in order of their versions are put into at most 64 blocks of about equally many rows; of a block with several snapshots, the one
/// with most rows stands for all. Exact with at most 64 snapshots whose policies are known. Rows of a snapshot without a known policy count
/// with their own propensity.
///
/// Agarwal, Basu, Schnabel & Joachims 2017, "Effective evaluation using logged bandit feedback from multiple loggers".
package struct MixturePropensities: Sendable {
    /// The largest number of blocks.
    package static let blockLimit = 64

    private let snapshots: [SnapshotVersion: any Policy]
    private let armCount: Int
    private var counts: [SnapshotVersion: Int] = [:]
    private var unknownRowCount = 0
    private var blocks: [(share: Double, policy: any Policy)] = []
    private var unknownShare = 0.0

    /// How many blocks `close` formed.
    package var blockCount: Int { blocks.count }

    package init(snapshots: [SnapshotVersion: any Policy], armCount: Int) {
        self.snapshots = snapshots
        self.armCount = armCount
    }

    /// First pass: counts a row.
    package mutating func count(_ interaction: Interaction) {
        if let snapshot = interaction.snapshot, snapshots[snapshot] != nil {
            counts[snapshot, default: 0] += 1
        } else {
            unknownRowCount += 1
        }
    }

    /// Between the passes: forms the blocks. O(snapshots log snapshots).
    package mutating func close() {
        let rowCount = counts.values.reduce(0, +)
        let total = Double(rowCount + unknownRowCount)
        guard total > 0 else { return }
        unknownShare = Double(unknownRowCount) / total
        let perBlock = counts.count <= Self.blockLimit ? 0 : Double(rowCount) / Double(Self.blockLimit)
        var block: (count: Int, largest: Int, snapshot: SnapshotVersion)?
        for (snapshot, count) in counts.sorted(by: { $0.key < $1.key }) {
            if let open = block {
                let isLarger = count > open.largest
                block = (open.count + count, max(open.largest, count), isLarger ? snapshot : open.snapshot)
            } else {
                block = (count, count, snapshot)
            }
            if let open = block, Double(open.count) >= perBlock {
                append(open.snapshot, share: Double(open.count) / total)
                block = nil
            }
        }
        if let open = block { append(open.snapshot, share: Double(open.count) / total) }
    }

    /// Second pass: the mixture's propensity of the row's arm. O(blocks) askings of a policy.
    /// - Returns: nil where the mixture cannot have shown the arm, or the row lacks what is needed.
    package func propensity(of interaction: Interaction) -> Double? {
        let eligible = interaction.eligible ?? Array(0..<armCount)
        var result = 0.0
        for block in blocks {
            result += block.share * block.policy.distribution(over: eligible, in: interaction.context)[interaction.arm]
        }
        if unknownShare > 0 {
            guard let own = interaction.propensity else { return nil }
            result += unknownShare * own
        }
        return result > 0 ? min(result, 1) : nil
    }

    private mutating func append(_ snapshot: SnapshotVersion, share: Double) {
        if let policy = snapshots[snapshot] { blocks.append((share, policy)) }
    }
}
