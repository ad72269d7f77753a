import Catalog
package import Experiments
import HaggleCore
import Learning
package import Postgres

/// `haggle plan` and `haggle apply`: the difference between files and database, and carrying it out.
package struct Application: Sendable {
    private let pool: ConnectionPool

    package init(pool: ConnectionPool) { self.pool = pool }

    /// What `apply` would do.
    package func plan(_ files: [ExperimentFolder.File]) async throws -> ExperimentPlan {
        let applied = try await pool.withConnection { try await Catalog.experiments(on: $0).map(\.experiment) }
        return ExperimentPlan(files: files.map(\.experiment), applied: applied)
    }

    /// Applies every changed file in one transaction: all or nothing. Afterwards each bandit has a serving snapshot that fits its version.
    /// - Parameter confirmed: whether changes that re-randomise units or break the learned state may be carried out.
    /// - Throws: `WorkbenchError.needsConfirmation`; then nothing was changed.
    package func apply(_ files: [ExperimentFolder.File], confirmed: Bool, by actor: String) async throws -> ExperimentPlan {
        try await pool.withTransactionBesideLearner { connection in
            // One apply at a time, so that the plan is still true when it is carried out.
            _ = try await connection.query("SELECT pg_advisory_xact_lock(hashtextextended('haggle/apply', 0))::text")
            let applied = try await Catalog.experiments(on: connection)
            let current = Dictionary(applied.map { ($0.experiment.key, $0.experiment) }) { _, last in last }
            let plan = ExperimentPlan(files: files.map(\.experiment), applied: applied.map(\.experiment))
            if plan.needsConfirmation, !confirmed {
                throw WorkbenchError.needsConfirmation(plan.lines)
            }
            for file in files {
                let old = current[file.experiment.key]
                let difference = old.map { ExperimentDifference($0, file.experiment) }
                if difference?.isEmpty ?? false { continue }
                let version = try await Catalog.store(file.experiment, sourceText: file.text, by: actor, on: connection)
                let now = try await Catalog.now(on: connection)
                let history =
                    old == nil
                    ? try await WarmStart.rows(for: file.experiment, folder: Self.folder(of: file.path), now: now, on: connection) : []
                try await SnapshotPublisher.adopt(
                    file.experiment, version: version, startsOver: difference?.severity == .breaksLearnedState, history: history, at: now,
                    on: connection)
            }
            return plan
        }
    }

    /// The folder of a file, from which paths in it are relative; empty for the current one.
    private static func folder(of path: String) -> String { path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "" }
}
