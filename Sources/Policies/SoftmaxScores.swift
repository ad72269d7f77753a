import HaggleCore
import HaggleMath

/// Rows under a softmax-linear policy: probabilities, and sums of `factor phi` per arm, which every gradient of such a policy is made of.
///
/// theta stands column by column, each with one coefficient per arm and the intercepts last: the inner loops then run over the arms, where
/// no sum depends on the one before, and a column that is 0 in a row costs nothing.
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

    /// theta, arm by arm, each with the intercept last.
    func blocks(of theta: [Double]) -> [[Double]] {
        (0..<armCount).map { arm in (0..<dimension).map { theta[$0 * armCount + arm] } }
    }

    /// pi(.|x) of one row. O(K d).
    func probabilities(row: Int, _ theta: [Double], into probabilities: inout [Double]) {
        let (width, start, armCount) = (rows.width, row * rows.width, armCount)
        precondition(theta.count == parameterCount && probabilities.count == armCount, "sizes must fit the rows")
        // Safe: a row's inputs and a column's coefficients lie whole inside arrays whose sizes were checked above or are so by construction.
        unsafe probabilities.withUnsafeMutableBufferPointer { scores in
            unsafe theta.withUnsafeBufferPointer { theta in
                unsafe rows.inputs.withUnsafeBufferPointer { inputs in
                    for arm in 0..<armCount { unsafe scores[arm] = theta[width * armCount + arm] }
                    for column in 0..<width {
                        let x = unsafe Double(inputs[start + column])
                        guard x != 0 else { continue }
                        for arm in 0..<armCount { unsafe scores[arm] += x * theta[column * armCount + arm] }
                    }
                }
            }
        }
        if let isAllowed {
            for arm in 0..<armCount where !isAllowed[row * armCount + arm] { probabilities[arm] = -.infinity }
        }
        var largest = -Double.infinity
        for score in probabilities { largest = max(largest, score) }
        var sum = 0.0
        for arm in 0..<armCount {
            probabilities[arm] = ElementaryFunctions.exp(probabilities[arm] - largest)
            sum += probabilities[arm]
        }
        for arm in 0..<armCount { probabilities[arm] /= sum }
    }

    /// Adds `factors[a] phi` of one row to the coefficients of every arm. O(K d).
    func add(row: Int, _ factors: [Double], to gradient: inout [Double]) {
        let (width, start, armCount) = (rows.width, row * rows.width, armCount)
        precondition(gradient.count == parameterCount && factors.count == armCount, "sizes must fit the rows")
        // Safe: as for `probabilities`.
        unsafe gradient.withUnsafeMutableBufferPointer { gradient in
            unsafe factors.withUnsafeBufferPointer { factors in
                unsafe rows.inputs.withUnsafeBufferPointer { inputs in
                    for arm in 0..<armCount { unsafe gradient[width * armCount + arm] += factors[arm] }
                    for column in 0..<width {
                        let x = unsafe Double(inputs[start + column])
                        guard x != 0 else { continue }
                        for arm in 0..<armCount { unsafe gradient[column * armCount + arm] += x * factors[arm] }
                    }
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
