/// The nearest values that do not fall along a chain: isotonic regression by pooling adjacent violators (Barlow, Bartholomew, Bremner & Brunk
/// 1972), with equal weights.
///
/// For `monotone`: a deeper discount never predicts less conversion. A draw of the scores is projected, so that the policy is Thompson sampling
/// from the projected posterior (Lin & Dunson 2014). Adding a constant to every value adds it to every projected one.
enum MonotoneProjection {
    /// Projects the values at `chain`, in that order; the others stay. O(chain).
    static func apply(to values: inout [Double], along chain: [Int], blocks: inout [(sum: Double, count: Int)]) {
        blocks.removeAll(keepingCapacity: true)
        for position in chain {
            var block = (sum: values[position], count: 1)
            while let last = blocks.last, last.sum / Double(last.count) > block.sum / Double(block.count) {
                block = (last.sum + block.sum, last.count + block.count)
                blocks.removeLast()
            }
            blocks.append(block)
        }
        var next = 0
        for block in blocks {
            let mean = block.sum / Double(block.count)
            for _ in 0..<block.count {
                values[chain[next]] = mean
                next += 1
            }
        }
    }
}
