import Catalog
package import HaggleCore
import Policies
package import Postgres

extension Recommendation {
    /// The recommendation of what serves an experiment now.
    /// - Returns: the experiment in force as well, for its schema.
    /// - Throws: `CatalogError.unknownExperiment`, `WorkbenchError.notABandit`, `WorkbenchError.emptyLog` where nothing serves yet.
    package static func serving(
        _ key: ExperimentKey, pool: ConnectionPool
    ) async throws -> (recommendation: Recommendation, experiment: Experiment) {
        let (experiment, stored) = try await pool.withConnection { connection in
            (try await Catalog.experiment(key, on: connection).experiment, try await Catalog.newestSnapshot(of: key, on: connection))
        }
        guard experiment.kind == .bandit else { throw WorkbenchError.notABandit(key) }
        guard let stored else { throw WorkbenchError.emptyLog(what: "the serving snapshots of '\(key)'") }
        let snapshot = try ServingSnapshot(serialised: stored.bytes)
        guard snapshot.arms == experiment.arms.map(\.key) else {
            throw WorkbenchError.filesDisagree(
                "experiment '\(key)': expected a snapshot of its arms, found one of \(snapshot.arms.map(\.rawValue).joined(separator: ", ")); "
                    + "apply the experiment again")
        }
        return (Recommendation(experiment: experiment, snapshot: snapshot), experiment)
    }
}
