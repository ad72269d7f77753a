import HaggleCore
import HaggleMath

/// Rows under a softmax-linear policy: probabilities, and sums of `factor phi` per arm, which every gradient of such a policy is made of.
struct SoftmaxScores {
    let rows: EncodedRows
    let armCount: Int
    /// Coefficients per arm: the columns and the intercept.
    let dimension: Int
    /// Whether an arm may be chosen in a row, row-major; nil where every arm may in every row.
    private let isAllowed: [Bool]?

    /// - Parameters:
    ///   - interactions: the rows' interactions, in the rows' order.
    ///   - isSupported: whether an arm may be chosen at all.
    init(_ rows: EncodedRows, _ interactions: [Interaction], isSupported: [Bool]) {
        self.rows = rows
        armCount = isSupported.count
        dimension = rows.width + 1
        if isSupported.contains(false) || interactions.contains(where: { $0.eligible != nil }) {
            var isAllowed = [Bool](repeating: false, count: rows.count * armCount)
            for (row, interaction) in interactions.enumerated() {
                for arm in interaction.eligible ?? Array(0..<armCount) where isSupported[arm] { isAllowed[row * armCount + arm] = true }
            }
            self.isAllowed = isAllowed
        } else {
            isAllowed = nil
        }
    }

    var parameterCount: Int { armCount * dimension }

    /// theta, arm by arm.
    func blocks(of theta: [Double]) -> [[Double]] { (0..<armCount).map { Array(theta[$0 * dimension..<($0 + 1) * dimension]) } }

    /// pi(.|x) of one row. O(K d).
    func probabilities(row: Int, _ theta: [Double], into probabilities: inout [Double]) {
        let (width, start) = (rows.width, row * rows.width)
        precondition(theta.count == parameterCount && probabilities.count == armCount, "sizes must fit the rows")
        var largest = -Double.infinity
        // Safe: a row's inputs and an arm's block lie whole inside their arrays, whose sizes were checked above or are by construction.
        unsafe rows.inputs.withUnsafeBufferPointer { inputs in
            unsafe theta.withUnsafeBufferPointer { theta in
                for arm in 0..<armCount {
                    if let isAllowed, !isAllowed[row * armCount + arm] {
                        probabilities[arm] = -.infinity
                        continue
                    }
                    let block = arm * dimension
                    var score = unsafe theta[block + width]
                    for column in 0..<width { unsafe score += theta[block + column] * Double(inputs[start + column]) }
                    probabilities[arm] = score
                    largest = max(largest, score)
                }
            }
        }
        var sum = 0.0
        for arm in 0..<armCount {
            probabilities[arm] = ElementaryFunctions.exp(probabilities[arm] - largest)
            sum += probabilities[arm]
        }
        for arm in 0..<armCount { probabilities[arm] /= sum }
    }

    /// Adds `factors[a] phi` of one row to the block of every arm. O(K d).
    func add(row: Int, _ factors: [Double], to gradient: inout [Double]) {
        let (width, start) = (rows.width, row * rows.width)
        precondition(gradient.count == parameterCount && factors.count == armCount, "sizes must fit the rows")
        // Safe: as for `probabilities`.
        unsafe rows.inputs.withUnsafeBufferPointer { inputs in
            unsafe gradient.withUnsafeMutableBufferPointer { gradient in
                for arm in 0..<armCount where factors[arm] != 0 {
                    let factor = factors[arm]
                    let block = arm * dimension
                    for column in 0..<width { unsafe gradient[block + column] += factor * Double(inputs[start + column]) }
                    unsafe gradient[block + width] += factor
                }
            }
        }
    }

    /// `-sum log pi(a_i|x_i) + lambda/2 |theta|^2` and its gradient.
    func negatedLogLikelihood(_ theta: [Double], ridge: Double, _ gradient: inout [Double]) -> Double {
        var sum = CompensatedSum()
        for index in theta.indices {
            gradient[index] = ridge * theta[index]
            sum += 0.5 * ridge * theta[index] * theta[index]
        }
        var factors = [Double](repeating: 0, count: armCount)
        for row in 0..<rows.count {
            probabilities(row: row, theta, into: &factors)
            sum += -ElementaryFunctions.log(max(factors[rows.arms[row]], 1e-300))
            factors[rows.arms[row]] -= 1
            add(row: row, factors, to: &gradient)
        }
        return sum.value
    }
}
