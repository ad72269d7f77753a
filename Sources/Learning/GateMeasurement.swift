package import Evaluation
package import HaggleCore

/// What was measured about a candidate: paired doubly robust scores on rows that are newer than everything it was trained on.
///
/// These numbers are selected (a candidate is looked at because it is new, again and again): they decide, and are never reported as what a
/// policy earns.
package struct GateMeasurement: Hashable, Sendable, Codable {
    /// Something that the candidate is compared with, as it stood at the cut and with the candidate's exploration settings.
    package struct Comparison: Hashable, Sendable, Codable {
        package enum Baseline: String, Hashable, Sendable, Codable, CaseIterable {
            /// The encoder and network in service.
            case serving
            /// The control arm with the policy's floor.
            case control
            /// The encoder and network that were approved last.
            case approved
        }

        package var baseline: Baseline
        /// The snapshot behind it; nil for control.
        package var snapshot: SnapshotVersion?
        /// Whether the rows can answer for it.
        package var verdict: Verdict
        /// Its DR value; nil where there is none.
        package var value: Double?
        /// Candidate minus baseline, per impression; nil where there is none.
        package var difference: Double?
        /// Of the difference, from paired scores, clustered by unit where units recur.
        package var standardError: Double?

        package init(
            baseline: Baseline, snapshot: SnapshotVersion? = nil, verdict: Verdict, value: Double?, difference: Double?,
            standardError: Double?
        ) {
            self.baseline = baseline
            self.snapshot = snapshot
            self.verdict = verdict
            self.value = value
            self.difference = difference
            self.standardError = standardError
        }

        private enum CodingKeys: String, CodingKey {
            case baseline, snapshot, verdict, value, difference
            case standardError = "standard_error"
        }
    }

    /// The time of the first row after the cut; nil without rows.
    package var cut: Timestamp?
    /// Rows before the cut: they fitted the candidate, the reward model q, and both posteriors.
    package var trainingRows: Int
    /// Rows after the cut with a known propensity: they judge.
    package var rows: Int
    /// The candidate's DR value; nil where there is none.
    package var value: Double?
    /// Whether the rows can answer for the candidate, and why not.
    package var verdict: Verdict
    package var reasons: [String]
    /// `serving` first.
    package var comparisons: [Comparison]
    /// Whether the serving network is the one that was approved last, so that no comparison `approved` is needed.
    package var servingIsApproved: Bool
    /// What is wrong with the candidate's numbers themselves; nil where they are sound.
    package var defect: String?

    package init(
        cut: Timestamp?, trainingRows: Int, rows: Int, value: Double?, verdict: Verdict, reasons: [String], comparisons: [Comparison],
        servingIsApproved: Bool, defect: String? = nil
    ) {
        self.cut = cut
        self.trainingRows = trainingRows
        self.rows = rows
        self.value = value
        self.verdict = verdict
        self.reasons = reasons
        self.comparisons = comparisons
        self.servingIsApproved = servingIsApproved
        self.defect = defect
    }

    private enum CodingKeys: String, CodingKey {
        case cut
        case trainingRows = "training_rows"
        case rows, value, verdict, reasons, comparisons
        case servingIsApproved = "serving_is_approved"
        case defect
    }
}
