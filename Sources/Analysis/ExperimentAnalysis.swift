import Catalog
package import Evaluation
import EventLog
package import HaggleCore
package import Postgres
package import Reporting

/// What the log says of one experiment: for its page, for `haggle report` and for programs.
package struct ExperimentAnalysis: Sendable {
    package let summary: ExperimentSummary
    /// What the pages show beside the summary's own sections.
    package let sections: [ReportSection]
    package let generatedAt: Timestamp
    /// Of a bandit: each arm, weighted by propensity; empty where the log cannot say.
    package let armEvaluations: [PolicyEvaluation]
    /// Of an `ab` experiment with units whose window has closed.
    package let comparison: ABReport?
    /// Of a bandit with a holdout and units whose window has closed.
    package let lift: LiftReport?
    /// Units whose attribution window is still open; they are not in `comparison` and `lift` yet.
    package let waitingUnits: Int

    /// Reads the log and the catalog. Memory holds all units.
    /// - Parameter asOf: decides which windows have closed, and how old the snapshot is.
    /// - Throws: `CatalogError.unknownExperiment`, and what the database throws. An experiment without rows is no error.
    package static func summary(of key: ExperimentKey, pool: ConnectionPool, asOf now: Timestamp) async throws -> ExperimentAnalysis {
        let state = try await CatalogState.read(key, pool)
        var reading = try await LogReading(state.stored.experiment, pool: pool, asOf: now)
        try await reading.readInteractions()
        try await reading.readUnits(splitIsSteady: state.splitIsSteady)
        return try await reading.analysis(state)
    }

    init(
        summary: ExperimentSummary, sections: [ReportSection], generatedAt: Timestamp, armEvaluations: [PolicyEvaluation],
        comparison: ABReport?, lift: LiftReport?, waitingUnits: Int
    ) {
        self.summary = summary
        self.sections = sections
        self.generatedAt = generatedAt
        self.armEvaluations = armEvaluations
        self.comparison = comparison
        self.lift = lift
        self.waitingUnits = waitingUnits
    }

    /// For a person at a terminal.
    package func text(isTerminal: Bool = false) -> String {
        ExperimentReportPage(experiment: summary, generatedAt: generatedAt, analyses: sections).text(isTerminal: isTerminal)
    }

    /// A self-contained page to keep.
    package func html() -> String { ExperimentReportPage(experiment: summary, generatedAt: generatedAt, analyses: sections).html() }

    /// For programs: `GET /v1/experiments/{key}/report` and `haggle report --format json`.
    package func json() throws -> [UInt8] { Array(try ReportJSON.text(AnalysisDocument(self)).utf8) }
}

/// What the catalog says of one experiment.
struct CatalogState: Sendable {
    var stored: StoredExperiment
    var snapshotPublishedAt: Timestamp?
    var isPinned: Bool
    /// The gate's newest looks, newest first.
    var gateLooks: [StoredGateLook]
    /// Whether holdout and traffic were the same in every version, so that the configured split is the expected one.
    var splitIsSteady: Bool

    static func read(_ key: ExperimentKey, _ pool: ConnectionPool) async throws -> CatalogState {
        try await pool.withConnection { connection in
            let stored = try await Catalog.experiment(key, on: connection)
            let splits = try await connection.query(
                """
                SELECT DISTINCT v.document ->> 'traffic' AS traffic, v.document ->> 'holdout' AS holdout, v.document ->> 'salt' AS salt
                  FROM experiment_versions v WHERE v.experiment = \(key) AND v.version <= \(stored.version)
                """)
            return CatalogState(
                stored: stored, snapshotPublishedAt: try await Catalog.snapshots(of: key, limit: 1, on: connection).first?.createdAt,
                isPinned: try await connection.query("SELECT pinned FROM learner_states WHERE experiment = \(key)").first?
                    .decode("pinned", as: Bool.self) ?? false,
                gateLooks: try await Catalog.gateLooks(of: key, limit: 10, on: connection),
                splitIsSteady: splits.count == 1)
        }
    }
}
