import HaggleMath

/// Whether units fell into the groups as the configured shares say: chi-square of *units* against the shares.
///
/// ```
/// chi^2 = sum over groups of (n_i - n share_i)^2 / (n share_i),   groups - 1 degrees of freedom
/// ```
/// Flagged below p = 0.001. A flag means that units were lost or moved in one group more than in another (a crash in one variant, a filter, a
/// bot rule), so differences between the groups have another explanation than the arms. Fabijan et al. 2019.
package struct SampleRatioCheck: Hashable, Sendable, Codable {
    /// One group's units.
    package struct Group: Hashable, Sendable, Codable {
        package var group: String
        package var share: Double
        package var observed: Int
        package var expected: Double
    }

    package var groups: [Group]
    /// Null where a group expects fewer than 5 units, too few for the test, or where there is one group only.
    package var chiSquare: Double?
    package var degreesOfFreedom: Int
    package var pValue: Double?
    package var isFlagged: Bool

    /// Below this p the split is called wrong.
    package static let threshold = 0.001

    private enum CodingKeys: String, CodingKey {
        case groups
        case chiSquare = "chi_square"
        case degreesOfFreedom = "degrees_of_freedom"
        case pValue = "p_value"
        case isFlagged = "flagged"
    }

    /// - Parameter shares: above 0; they are taken relative to their sum.
    package init(groups: [(name: String, share: Double, observed: Int)]) {
        let total = Double(groups.reduce(0) { $0 + $1.observed })
        let shareSum = groups.reduce(0) { $0 + $1.share }
        self.groups = groups.map {
            Group(group: $0.name, share: $0.share / shareSum, observed: $0.observed, expected: total * $0.share / shareSum)
        }
        degreesOfFreedom = groups.count - 1
        isFlagged = false
        guard groups.count >= 2, self.groups.allSatisfy({ $0.expected >= 5 }) else { return }
        var sum = CompensatedSum()
        for group in self.groups {
            let gap = Double(group.observed) - group.expected
            sum += gap / group.expected * gap
        }
        let p = ChiSquare.upperTail(sum.value, degreesOfFreedom: Double(degreesOfFreedom))
        chiSquare = sum.value
        pValue = p
        isFlagged = p < Self.threshold
    }
}
