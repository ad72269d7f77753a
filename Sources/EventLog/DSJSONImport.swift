import HaggleCore
import Tabular

/// A log in Vowpal Wabbit's dsjson for `haggle import`: the decisions that `DSJSONInteractionSource` counts.
package struct DSJSONImport: ImportSource {
    package let path: String
    package let excluded: [String: Int]
    private let log: DSJSONLog

    /// Reads the whole file once.
    /// - Throws: `TabularError`, `EventLogError`: the first thing that is wrong with it, with its place.
    package init(path: String) throws {
        self.path = path
        log = try DSJSONLog(path: path)
        excluded = log.excluded
    }

    package func forEachRow(_ body: (ImportedRow) async throws -> Void) async throws {
        var pass = try log.pass()
        while let event = try pass.next() {
            try await body(
                ImportedRow(
                    id: event.impressionID, time: event.time, context: event.context, eligibleArms: event.arms.map { ArmKey($0) },
                    arm: ArmKey(event.arms[event.chosen]), propensities: event.probabilities, propensity: event.propensity,
                    result: .reward(event.reward), place: event.place))
        }
    }
}
