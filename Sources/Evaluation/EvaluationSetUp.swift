/// What two evaluations must have in common for their sums to add up.
struct EvaluationSetUp: Equatable, Sendable {
    /// The policies' names, and which of them are the logging policy.
    var policies: [String]
    var loggedPolicies: [Bool]
    var armCount: Int
    var armNames: [String]
    var rewardModel: String?
    /// Estimators with their parameters, and the terms that they are made of.
    var estimators: [String]
    var terms: [String]
    /// All other choices that sums depend on, by name.
    var choices: [String: String]

    /// - Throws: `EvaluationError.cannotMerge` that names the first difference.
    func expectEqual(to other: Self) throws(EvaluationError) {
        func list(_ names: [String]) -> String { names.map { "\"\($0)\"" }.joined(separator: ", ") }
        guard policies == other.policies, loggedPolicies == other.loggedPolicies else {
            throw .cannotMerge("they evaluate other policies: \(list(policies)) here, \(list(other.policies)) there")
        }
        guard armCount == other.armCount else {
            throw .cannotMerge("they have other numbers of arms: \(armCount) here, \(other.armCount) there")
        }
        guard armNames == other.armNames else {
            throw .cannotMerge("their arms have other names or another order: \(list(armNames)) here, \(list(other.armNames)) there")
        }
        guard rewardModel == other.rewardModel else {
            throw .cannotMerge("their reward models differ: \(rewardModel ?? "none") here, \(other.rewardModel ?? "none") there")
        }
        guard estimators == other.estimators, terms == other.terms else {
            throw .cannotMerge("they compute other estimators: \(list(estimators)) here, \(list(other.estimators)) there")
        }
        for (name, value) in choices.sorted(by: { $0.key < $1.key }) where other.choices[name] != value {
            throw .cannotMerge("they were made with another choice of \(name): \(value) here, \(other.choices[name] ?? "none") there")
        }
    }
}

extension Evaluator {
    /// What must be equal for another evaluator to be merged into this one.
    var setUp: EvaluationSetUp {
        func text(_ value: (some Any)?) -> String { value.map { "\($0)" } ?? "none" }
        return EvaluationSetUp(
            policies: policies.map(\.name), loggedPolicies: policies.map(\.isLogged), armCount: armCount, armNames: options.armNames,
            rewardModel: rewardModel, estimators: estimators.map(\.spelling), terms: terms.map { "\($0)" },
            choices: [
                "seed": "\(options.seed)", "resamples": bootstrap == nil ? "none" : "\(options.resamples)",
                "clustering": "\(options.clustering)", "cluster limit": "\(options.clusterLimit)", "unit": options.unitName,
                "reward range": text(options.rewardRange), "weight bound": text(options.weightBound),
                "discounts": text(options.discounts), "arm categories": text(options.armCategories),
                "propensities": options.propensities.rawValue, "attribution window": text(options.windowSeconds),
                "split": text(options.segmentBy), "fitting": options.fitting.rawValue,
            ])
    }
}
