import Evaluation
import Foundation
import Testing

/// Expects two reports to be the same: texts and counts exactly, other numbers to a relative error.
func expectEqual(_ one: EvaluationReport, _ other: EvaluationReport, within relative: Double = 1e-12) throws {
    var left: [String: Any] = [:]
    var right: [String: Any] = [:]
    leaves(try JSONSerialization.jsonObject(with: JSONEncoder().encode(one)), into: &left)
    leaves(try JSONSerialization.jsonObject(with: JSONEncoder().encode(other)), into: &right)
    #expect(Set(left.keys) == Set(right.keys))
    for (path, value) in left {
        guard let counterpart = right[path] else { continue }
        if let a = value as? NSNumber, let b = counterpart as? NSNumber {
            // Numbers that come from cancellation (errors near 0) are held against the size of a reward.
            #expect(abs(a.doubleValue - b.doubleValue) <= relative * max(1, abs(a.doubleValue)), "\(path): \(a) and \(b)")
        } else {
            #expect("\(value)" == "\(counterpart)", "\(path)")
        }
    }
}
