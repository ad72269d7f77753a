import Catalog
package import EventLog
import Experiments
import Foundation
package import HaggleCore
package import Postgres
package import Tabular

/// `haggle import` and `haggle export`: logs in and out.
package struct LogTransfer: Sendable {
    /// The formats that can be read.
    package enum Source: String, Sendable, CaseIterable {
        case csv, ndjson, dsjson
        case openBandit = "open-bandit"
    }

    package struct Import: Sendable {
        package var source: Source
        package var path: String
        package var experiment: ExperimentKey
        /// Where a CSV file's fields come from.
        package var map: String?
        /// Writes an experiment file from what the log holds, applies it, and imports into it.
        package var create: String?
        /// The control arm of a created experiment.
        package var control: String?

        package init(
            source: Source, path: String, experiment: ExperimentKey, map: String? = nil, create: String? = nil, control: String? = nil
        ) {
            self.source = source
            self.path = path
            self.experiment = experiment
            self.map = map
            self.create = create
            self.control = control
        }
    }

    private let pool: ConnectionPool

    package init(pool: ConnectionPool) { self.pool = pool }

    /// Brings a log in, once however often it is repeated.
    package func run(
        _ job: Import, by actor: String, now: Timestamp, progress: (Int) -> Void = { _ in }
    ) async throws -> LogImporter.Report {
        if let file = job.create { try await create(job, file: file, by: actor) }
        let stored = try await pool.withConnection { try await Catalog.experiment(job.experiment, on: $0) }
        let importer = LogImporter(pool: pool, experiment: stored.experiment, version: stored.version, receivedAt: now)
        func report(_ rows: Int, _ phase: LogImporter.Phase) { progress(rows) }
        switch job.source {
        case .csv:
            return try await importer.run(
                CSVImport(path: job.path, map: try map(job), schema: stored.experiment.context), progress: report)
        case .ndjson: return try await importer.run(NDJSONImport(path: job.path), progress: report)
        case .dsjson: return try await importer.run(DSJSONImport(path: job.path), progress: report)
        case .openBandit:
            return try await importer.run(OpenBanditImport(path: job.path, schema: stored.experiment.context), progress: report)
        }
    }

    /// Writes a log out.
    /// - Returns: the number of rows.
    package func export(
        _ key: ExperimentKey, as format: LogExporter.Format, unit: UnitID?, now: Timestamp, to output: inout RowOutput,
        progress: (Int) -> Void = { _ in }
    ) async throws -> Int {
        let experiment = try await pool.withConnection { try await Catalog.experiment(key, on: $0).experiment }
        return try await LogExporter(pool: pool, experiment: experiment, asOf: now)
            .export(as: format, unit: unit, to: &output, progress: progress)
    }

    private func map(_ job: Import) throws -> ColumnMap { try job.map.map { try ColumnMap(parsing: $0) } ?? ColumnMap() }

    private func create(_ job: Import, file: String, by actor: String) async throws {
        guard !FileManager.default.fileExists(atPath: file) else { throw WorkbenchError.fileExists(path: file) }
        let control = job.control.map { ArmKey($0) }
        let inferred: InferredExperiment
        switch job.source {
        case .csv: inferred = try .csv(path: job.path, map: try map(job), key: job.experiment, control: control)
        case .ndjson: inferred = try await .ndjson(path: job.path, key: job.experiment, control: control)
        case .dsjson: inferred = try await .dsjson(path: job.path, key: job.experiment, control: control)
        case .openBandit: inferred = try .openBandit(path: job.path, key: job.experiment, control: control)
        }
        // Stopped: an imported log is there to be evaluated; whoever wants to serve it changes one word.
        let experiment = Experiment(
            key: inferred.key, description: "Imported from \(URL(filePath: job.path).lastPathComponent)", kind: .bandit, status: .stopped,
            unitName: "unit", arms: inferred.arms, context: inferred.features,
            reward: RewardConfiguration(metric: inferred.metric, windowSeconds: inferred.windowSeconds),
            policy: PolicyConfiguration(algorithm: .uniform))
        let text = ExperimentRenderer.render(
            experiment, comment: "Written by `haggle import --create` from \(inferred.rowCount) rows; review it like code.")
        let folder = ExperimentFolder(text: text, name: file)
        let files = try folder.valid()
        try Data(text.utf8).write(to: URL(filePath: file))
        _ = try await Application(pool: pool).apply(files, confirmed: false, by: actor)
    }
}
