/// What can be wrong with an evaluation's input. Rows count from 1, the first row of data.
package enum EvaluationError: Error, Hashable, Sendable {
    case emptyLog
    case noPolicies
    case duplicatePolicy(String)
    case unknownEstimator(String, known: [String], suggestion: String?)
    case badEstimatorParameter(String, expected: String)
    case estimatorNeedsRewardModel(String)
    case estimatorNeedsOption(String, expected: String)
    case rowLacks(row: Int, input: RowInput, estimators: [String])
    case rowInputWrong(row: Int, input: RowInput, expected: String)
    case rewardOutsideRange(row: Int, found: Double, lower: Double, upper: Double)
    case intervalNeedsOption(Interval.Method, expected: String)
    case weightAboveBound(row: Int, policy: String, found: Double, declared: Double)
    case propensitiesVary(row: Int?, found: Double, earlier: Double)
    case badOption(name: String, expected: String, found: String)
    case unknownArm(row: Int, arm: Int, armCount: Int)
    case propensityMissing(row: Int)
    case propensityOutOfRange(row: Int, found: Double)
    case propensitiesWrong(row: Int, expected: String)
    case weightOverflow(row: Int, policy: String)
    case rewardNotFinite(row: Int)
    case targetsCount(row: Int, expected: Int, found: Int)
    case targetWidth(row: Int, policy: String, expected: Int, found: Int)
    case targetNotProbability(row: Int, policy: String, arm: Int, found: Double)
    case targetSum(row: Int, policy: String, found: Double)
    case targetOnIneligibleArm(row: Int, policy: String, arm: Int)
    case estimatesMissing(row: Int)
    case estimatesWidth(row: Int, expected: Int, found: Int)
    case estimateNotFinite(row: Int, arm: Int)
    case policyArmCount(policy: String, expected: Int, found: Int)
    case tooFewRowsToCrossFit(folds: Int, rows: Int)
    case sourceChangedBetweenPasses(firstRows: Int, secondRows: Int)
    case cannotMerge(String)
    case unreadableState(String)
    case overlappingShards(String, String, rows: Range<Int>)
    case noShards
    case unknownGroup(String, known: [String])
    case outcomeNotFinite(group: String)
    case sharesDoNotSum(found: Double)
}

extension EvaluationError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .emptyLog:
            "the log has no rows that count: expected at least one impression drawn by the policy; check the filters and the attribution window"
        case .noPolicies: "there is no policy to evaluate: name at least one"
        case .duplicatePolicy(let name): "policy \"\(name)\" is named twice: give each policy its own name"
        case .unknownEstimator(let text, let known, let suggestion):
            "unknown estimator \"\(text)\": expected one of \(known.joined(separator: ", "))"
                + (suggestion.map { "; did you mean \($0)?" } ?? "")
        case .badEstimatorParameter(let text, let expected): "estimator \"\(text)\": \(expected)"
        case .estimatorNeedsRewardModel(let name):
            "estimator \(name) needs a reward model: give one (or a file of its estimates), or leave \(name) out"
        case .estimatorNeedsOption(let name, let expected): "estimator \(name): \(expected)"
        case .rowLacks(let row, let input, let estimators):
            "row \(row): \(estimators.joined(separator: ", ")) need \(input.phrase), and the row has none: "
                + "leave \(estimators.count == 1 ? "it" : "them") out, or evaluate a log that holds it"
        case .rowInputWrong(let row, let input, let expected): "row \(row): \(input.phrase): expected \(expected)"
        case .rewardOutsideRange(let row, let found, let lower, let upper):
            "row \(row): expected a reward in the declared range \(lower)...\(upper), found \(found): declare a range that no reward can leave, or "
                + "correct the row"
        case .intervalNeedsOption(let method, let expected): "interval \(method.rawValue): \(expected)"
        case .weightAboveBound(let row, let policy, let found, let declared):
            "row \(row): policy \"\(policy)\" has weight \(found), above the declared bound \(declared): declare a bound that no weight can exceed "
                + "(1 / the smallest propensity of an arm that the policy may give), or correct the propensities"
        case .propensitiesVary(let row, let found, let earlier):
            (row.map { "row \($0): " } ?? "")
                + "Replay without a bound keeps rows by the policy's probability, which is right only where all propensities are the "
                + "same; found \(found) after \(earlier). Declare a weight bound, such as Replay(20) where no propensity is below 0.05"
        case .badOption(let name, let expected, let found): "\(name): expected \(expected), found \(found)"
        case .unknownArm(let row, let arm, let armCount): "row \(row): expected an arm in 0..<\(armCount), found \(arm)"
        case .propensityMissing(let row):
            "row \(row): there is no propensity. Off-policy evaluation needs the probability that the logging policy gave to the arm it "
                + "showed: log it with every impression, or, if arms were drawn with known fixed shares, import the log with those shares as "
                + "propensities; a rule that always shows the same arm has propensity 1 and cannot be evaluated for any other arm"
        case .propensityOutOfRange(let row, let found): "row \(row): expected a propensity p with 0 < p <= 1, found \(found)"
        case .propensitiesWrong(let row, let expected): "row \(row): the propensities of all arms are wrong: expected \(expected)"
        case .weightOverflow(let row, let policy):
            "row \(row): the propensity is so small that the weight of policy \"\(policy)\" is not finite; check how propensities are logged"
        case .rewardNotFinite(let row): "row \(row): expected a finite reward; correct or remove the row"
        case .targetsCount(let row, let expected, let found): "row \(row): expected \(expected) target distributions, found \(found)"
        case .targetWidth(let row, let policy, let expected, let found):
            "row \(row): policy \"\(policy)\": expected \(expected) probabilities, one for each arm, found \(found)"
        case .targetNotProbability(let row, let policy, let arm, let found):
            "row \(row): policy \"\(policy)\", arm \(arm): expected a probability, found \(found)"
        case .targetSum(let row, let policy, let found):
            "row \(row): policy \"\(policy)\": expected probabilities that sum to 1 within 1e-6, found \(found)"
        case .targetOnIneligibleArm(let row, let policy, let arm):
            "row \(row): policy \"\(policy)\": expected probability 0 for arm \(arm), which was not eligible"
        case .estimatesMissing(let row): "row \(row): expected the reward model's estimates, one for each arm, found none"
        case .estimatesWidth(let row, let expected, let found):
            "row \(row): expected \(expected) estimates of the reward model, one for each arm, found \(found)"
        case .estimateNotFinite(let row, let arm): "row \(row): the reward model's estimate for arm \(arm) is not finite"
        case .policyArmCount(let policy, let expected, let found):
            "policy \"\(policy)\" knows \(found) arms, the log has \(expected): use a policy made for this experiment"
        case .tooFewRowsToCrossFit(let folds, let rows):
            "\(rows) rows are too few to fit a reward model on \(folds) folds: every fold must leave rows to fit on; use fewer folds or more data"
        case .sourceChangedBetweenPasses(let first, let second):
            "the log changed while it was read: \(first) rows in the first pass, \(second) in the second; evaluate a closed period"
        case .cannotMerge(let reason): "these evaluations cannot be merged: \(reason)"
        case .unreadableState(let reason): "this is not the state of an evaluation: \(reason)"
        case .overlappingShards(let one, let other, let rows):
            "rows \(rows.lowerBound + 1) to \(rows.upperBound) are in both \(one) and \(other): give every shard its part of the log and the "
                + "number of its first row, and merge each shard once"
        case .noShards: "there is nothing to merge: name at least one shard"
        case .unknownGroup(let group, let known): "unknown group \"\(group)\": expected one of \(known.joined(separator: ", "))"
        case .outcomeNotFinite(let group): "an outcome in group \"\(group)\" is not finite; correct or remove the unit"
        case .sharesDoNotSum(let found): "the configured shares must be above 0 and sum to 1, found a sum of \(found)"
        }
    }
}

extension RowInput {
    /// What it is, for sentences.
    fileprivate var phrase: String {
        switch self {
        case .estimates: "the reward model's estimates"
        case .robustEstimates: "estimates fitted for each policy by weighted least squares"
        case .balancedPropensity: "the chosen arm's mean propensity over the snapshots of the log"
        case .pastEstimates: "estimates of a model fitted on earlier rows only"
        case .snapshotVariances: "the variance of each policy under the row's snapshot"
        case .propensities: "the propensities of all arms"
        }
    }
}
