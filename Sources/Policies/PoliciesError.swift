/// What can be wrong with a stored snapshot or with rows to learn from.
package enum PoliciesError: Error, Hashable, Sendable {
    /// The bytes do not begin as a serialised state does.
    case notSerialised(byteCount: Int)
    /// Written by a newer Haggle.
    case unsupportedFormat(found: UInt32, newest: UInt32)
    /// Fewer or more bytes than the header says.
    case wrongLength(expected: UInt64, found: UInt64)
    /// The bytes changed since they were written.
    case checksumMismatch(stored: UInt64, computed: UInt64)
    /// A part that passed the checksum makes no sense: written by a faulty program.
    case malformed(part: String)
    /// A row names an arm that the table does not have.
    case armOutOfRange(row: Int, arm: Int, armCount: Int)
    /// A row's reward is NaN or infinite.
    case rewardNotFinite(row: Int)
    /// A row's reward is neither 0 nor 1 where a model of conversions is fitted.
    case rewardNotBinary(row: Int)
    /// A row's reward is outside 0...1 where the algorithm counts shares of successes.
    case rewardNotShare(row: Int)
    /// Not one weight for each row.
    case weightCount(expected: Int, found: Int)
    /// A row's weight is NaN, infinite or negative.
    case weightNotUsable(row: Int)
    /// A learner from logged propensities met a row without one, or with one outside 0 < p <= 1.
    case propensityMissing(row: Int, algorithm: String)
    /// A row's chosen arm is not among its eligible arms.
    case armNotEligible(row: Int, arm: Int)
    /// Nothing to learn from.
    case noRows(what: String)
    /// The algorithm is learned from a log as a whole and cannot run row by row.
    case notIncremental(algorithm: String)
}

extension PoliciesError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notSerialised(let byteCount):
            "policy state: expected bytes that begin with the mark of a serialised state, found \(byteCount) others; read it from where Haggle wrote it"
        case .unsupportedFormat(let found, let newest):
            "policy state: format \(found) is newer than \(newest), the newest this binary reads; update haggle"
        case .wrongLength(let expected, let found):
            "policy state: expected \(expected) bytes, found \(found): cut off while written or copied; fetch it again"
        case .checksumMismatch(let stored, let computed):
            "policy state: checksum \(String(computed, radix: 16)), expected \(String(stored, radix: 16)): the bytes were damaged; fetch it again"
        case .malformed(let part):
            "policy state: the part \(part) cannot be read although the checksum is right; it was written by another build, publish it again"
        case .armOutOfRange(let row, let arm, let armCount):
            "row \(row): expected an arm position in 0..<\(armCount), found \(arm); use the table of arms that the rows were read with"
        case .rewardNotFinite(let row):
            "row \(row): expected a finite reward, found NaN or an infinity; remove the row or mend the log"
        case .rewardNotBinary(let row):
            "row \(row): expected a reward of 0 or 1 for the reward model logistic, found another number; use the reward model linear, or a metric of 0 and 1 such as conversion"
        case .rewardNotShare(let row):
            "row \(row): expected a reward within 0...1 for bernoulli-thompson, found another number; use the metric conversion or another algorithm"
        case .weightCount(let expected, let found):
            "row weights: expected \(expected), one for each row, found \(found)"
        case .weightNotUsable(let row):
            "row \(row): expected a finite weight of at least 0, found another; remove the row"
        case .propensityMissing(let row, let algorithm):
            "row \(row): expected a propensity above 0 and at most 1, because \(algorithm) learns from propensities, found none; use a log with propensities or another algorithm"
        case .armNotEligible(let row, let arm):
            "row \(row): expected the chosen arm among the eligible ones, found arm \(arm) outside; mend the log's eligible arms"
        case .noRows(let what):
            "\(what): expected rows to learn from, found none; widen the share or the time that trains"
        case .notIncremental(let algorithm):
            "\(algorithm): expected an algorithm that learns row by row, this one is learned from a log as a whole; use linear-thompson or another that serves"
        }
    }
}
