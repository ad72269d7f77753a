package import HaggleCore

/// The policy of a policy file, trained on interactions: what off-policy evaluation evaluates.
/// - Parameters:
///   - arms: the table of arms of the interactions.
///   - interactions: the older part of a log; nothing else is learned from.
/// - Throws: as `PolicyLearner.refit`; for `ipw` and `dr` as `OfflinePolicy.init(maximising:schema:armCount:on:)`.
package func trainedPolicy(
    configuration: PolicyConfiguration, schema: FeatureSchema, arms: [Arm], on interactions: [Interaction]
) throws -> any Policy {
    if configuration.algorithm.isLearnedOffline {
        return try OfflinePolicy(maximising: configuration, schema: schema, armCount: arms.count, on: interactions)
    }
    let learner = try PolicyLearner.refit(configuration: configuration, schema: schema, arms: arms, interactions: interactions)
    return SnapshotPolicy(learner.snapshot(version: 1))
}
