import Experiments
package import HaggleCore
package import Policies

/// Computes a logged assignment again from the versions that its row names, and tells where the two differ.
///
/// Pure. One value serves every row of one experiment version and snapshot. What depends on the moment and is not logged (the kill switch,
/// a snapshot that could not be loaded) is taken from the row's reason; everything else, the cuts included, is computed.
package struct Recomputation: Sendable {
    /// How well a row agrees.
    package enum Match: String, Hashable, Sendable, Codable, CaseIterable {
        /// Every number has the same bits.
        case bits
        /// Every propensity is within 1e-9, and all else is equal: another build, processor or C library may round otherwise.
        case close
        case mismatch
    }

    /// One field of a row that is not what the versions give.
    package struct Difference: Hashable, Sendable, Codable {
        package var field: String
        package var expected: String
        package var found: String

        package init(field: String, expected: String, found: String) {
            self.field = field
            self.expected = expected
            self.found = found
        }
    }

    package struct Result: Hashable, Sendable {
        package var match: Match
        /// The fields that differ; of a `close` row those that differ in bits.
        package var differences: [Difference]
    }

    /// The largest difference of propensities between builds.
    package static let tolerance = 1e-9

    private let assigner: Assigner
    private let positions: [ArmKey: Int]

    /// - Parameter snapshot: the one that the row names; nil where it names none.
    /// - Precondition: the snapshot's arms are the experiment's.
    /// - Throws: where the targeting cannot be compiled; experiments from parsed files never do that.
    package init(experiment: Experiment, version: ExperimentVersion, snapshot: ServingSnapshot?) throws {
        if let snapshot { precondition(snapshot.arms == experiment.arms.map(\.key), "snapshot and experiment must belong together") }
        assigner = try Assigner(experiment: experiment, version: version, isPaused: false, snapshot: snapshot)
        positions = Dictionary(uniqueKeysWithValues: experiment.arms.enumerated().map { ($1.key, $0) })
    }

    /// Compares one row.
    /// - Parameter original: the arm of the row that it repeats, where it repeats one (`duplicate_of`, `repeated_of`): nothing is drawn for it.
    package func check(_ row: Impression, repeating original: ArmKey? = nil) -> Result {
        if let original { return Self.compare(Self.repetition(of: original, in: row), row) }
        guard let unit = row.unit, let drawKey = row.drawKey else {
            return Self.mismatch("draw_key", expected: "a unit and a draw key", found: "none")
        }
        let eligible = row.eligibleArms.map { positions[$0] }
        let known = eligible.compactMap { $0 }
        guard known.count == eligible.count, !known.isEmpty, known == Set(known).sorted() else {
            return Self.mismatch(
                "eligible_arms", expected: "arms of the version in its order (\(Self.text(assigner.experiment.arms.map(\.key))))",
                found: Self.text(row.eligibleArms))
        }
        let request = AssignmentRequest(
            unit: unit, context: row.context, eligible: known, requestID: drawKey == row.id.description ? nil : drawKey)
        var workspace = ChoiceWorkspace()
        let assignment = assigner.assign(
            request, impressionID: row.id, now: row.occurredAt, isPaused: row.reason == .paused, hasSnapshot: row.reason != .noSnapshot,
            workspace: &workspace)
        let expected = assignment.impression(arms: assigner.experiment.arms, isDeferred: row.isDeferred, at: row.occurredAt)
        return Self.compare(expected, row)
    }

    /// What a repeated row must say: the arm of the original where it could still be given, for certain.
    private static func repetition(of original: ArmKey, in row: Impression) -> Impression {
        var expected = row
        if row.eligibleArms.contains(original) { expected.arm = original }
        expected.propensities = row.eligibleArms.map { $0 == expected.arm ? 1 : 0 }
        expected.propensity = 1
        return expected
    }

    private static func compare(_ expected: Impression, _ found: Impression) -> Result {
        var words: [Difference] = []
        var numbers: [Difference] = []
        func compare(_ field: String, _ expected: String?, _ found: String?, into differences: inout [Difference]) {
            guard expected != found else { return }
            differences.append(Difference(field: field, expected: expected ?? "none", found: found ?? "none"))
        }
        compare("reason", expected.reason.rawValue, found.reason.rawValue, into: &words)
        compare("variant", expected.variant.description, found.variant.description, into: &words)
        compare("snapshot", expected.snapshot?.description, found.snapshot?.description, into: &words)
        compare("draw_key", expected.drawKey, found.drawKey, into: &words)
        compare("eligible_arms", text(expected.eligibleArms), text(found.eligibleArms), into: &words)
        compare("arm", expected.arm.rawValue, found.arm.rawValue, into: &words)
        // Numbers print as the shortest text that reads back to the same bits, so equal texts are equal bits.
        compare("propensity", expected.propensity.map { "\($0)" }, found.propensity.map { "\($0)" }, into: &numbers)
        compare("propensities", expected.propensities.map { "\($0)" }, found.propensities.map { "\($0)" }, into: &numbers)
        if words.isEmpty && numbers.isEmpty { return Result(match: .bits, differences: []) }
        let areClose =
            areClose(expected.propensity.map { [$0] }, found.propensity.map { [$0] }) && areClose(expected.propensities, found.propensities)
        return Result(match: words.isEmpty && areClose ? .close : .mismatch, differences: words + numbers)
    }

    private static func areClose(_ expected: [Double]?, _ found: [Double]?) -> Bool {
        guard let expected, let found else { return expected == nil && found == nil }
        return expected.count == found.count && zip(expected, found).allSatisfy { abs($0 - $1) <= tolerance }
    }

    private static func mismatch(_ field: String, expected: String, found: String) -> Result {
        Result(match: .mismatch, differences: [Difference(field: field, expected: expected, found: found)])
    }

    private static func text(_ arms: [ArmKey]) -> String { arms.map(\.rawValue).joined(separator: " ") }
}
