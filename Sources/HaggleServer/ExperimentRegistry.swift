import Catalog
import HaggleCore
import Logging
import Policies
import Postgres
import Serving
import Synchronization

/// What the request path reads: one immutable pair (experiment version, snapshot) per experiment, swapped as one value.
///
/// Requests take a copy of the table's reference under a lock that is held for nanoseconds; they never wait for the database.
final class ExperimentRegistry: Sendable {
    /// One experiment as it is served, with what its answers need rendered once.
    struct Entry: Sendable {
        let assigner: Assigner
        /// One arm's constant part of an answer, as JSON: `"arm":...,"discount":...,"payload":...`.
        let armFields: [ArmFields]
        let positions: [ArmKey: Int]
        /// The snapshot being served; nil in an A/B experiment or where none could be loaded.
        let snapshot: ServingSnapshot?
        let snapshotPublishedAt: Timestamp?
        /// Whether the database knows that this program serves this pair.
        let isNoted: Bool

        var experiment: Experiment { assigner.experiment }

        init(
            experiment: Experiment, version: ExperimentVersion, isPaused: Bool, snapshot: ServingSnapshot?, snapshotPublishedAt: Timestamp?,
            isNoted: Bool
        ) throws {
            assigner = try Assigner(experiment: experiment, version: version, isPaused: isPaused, snapshot: snapshot)
            armFields = experiment.arms.map { arm in
                ArmFields(key: arm.key.rawValue, discount: arm.discount, payload: arm.payload.map { JSONWriter.render($0) })
            }
            positions = Dictionary(uniqueKeysWithValues: experiment.arms.enumerated().map { ($1.key, $0) })
            self.snapshot = snapshot
            self.snapshotPublishedAt = snapshotPublishedAt
            self.isNoted = isNoted
        }
    }

    struct ArmFields: Sendable {
        let key: String
        let discount: Double?
        let payload: [UInt8]?
    }

    private let entries = Mutex<[ExperimentKey: Entry]>([:])
    private let loaded = Mutex<(at: Timestamp?, keptAt: Timestamp?)>((nil, nil))

    /// The experiment as it is served now.
    subscript(key: ExperimentKey) -> Entry? { entries.withLock { $0[key] } }

    /// All experiments, by key.
    var all: [Entry] { entries.withLock { $0.values.sorted { $0.experiment.key < $1.experiment.key } } }

    /// When the table was last read from the database; nil before the first time.
    var loadedAt: Timestamp? { loaded.withLock { $0.at } }

    /// When what is served was written to this machine's disk, while nothing newer could be read from the database.
    var keptAt: Timestamp? { loaded.withLock { $0.keptAt } }

    /// Serves what was kept on disk until the database can be read.
    func serve(_ kept: [Entry], writtenAt: Timestamp) {
        entries.withLock { $0 = Dictionary(kept.map { ($0.experiment.key, $0) }) { first, _ in first } }
        loaded.withLock { $0.keptAt = writtenAt }
    }

    /// Reads what changed and swaps it in. An experiment whose snapshot cannot be read is served control rather than an old version of itself.
    /// - Returns: whether something changed.
    @discardableResult
    func refresh(from pool: ConnectionPool, logger: Logger) async throws -> Bool {
        let hasChanged = try await pool.withConnection { connection in
            var hasChanged = false
            let stored = try await Catalog.experiments(on: connection)
            for experiment in stored {
                let key = experiment.experiment.key
                if let current = self[key], current.assigner.version == experiment.version,
                    current.assigner.isPaused == experiment.isPaused, current.assigner.snapshot == experiment.snapshot, current.isNoted
                {
                    continue
                }
                let entry = try await Self.entry(for: experiment, on: connection, logger: logger)
                // Before the first answer with this pair, so that an audit knows who computed it.
                try await Catalog.noteServing(
                    key, version: experiment.version, snapshot: entry.assigner.snapshot, by: .current, on: connection)
                entries.withLock { $0[key] = entry }
                hasChanged = true
                logger.debug(
                    "serving",
                    metadata: [
                        "experiment": "\(key)", "version": "\(experiment.version)",
                        "snapshot": "\(entry.assigner.snapshot?.description ?? "none")",
                    ])
            }
            return hasChanged
        }
        loaded.withLock { $0 = (Timestamp.now, nil) }
        return hasChanged
    }

    private static func entry(for stored: StoredExperiment, on connection: Connection, logger: Logger) async throws -> Entry {
        var snapshot: ServingSnapshot?
        var publishedAt: Timestamp?
        if stored.experiment.kind == .bandit {
            do {
                if let newest = try await Catalog.newestSnapshot(of: stored.experiment.key, on: connection) {
                    let read = try ServingSnapshot(serialised: newest.bytes)
                    // A pair is served only if it belongs together; the learner publishes a fitting one with every applied version.
                    if newest.experimentVersion == stored.version { snapshot = read } else { snapshot = nil }
                    publishedAt = newest.createdAt
                }
            } catch let error as CatalogError {
                logger.error("snapshot unusable", metadata: ["experiment": "\(stored.experiment.key)", "error": "\(error)"])
            } catch let error as PoliciesError {
                logger.error("snapshot unusable", metadata: ["experiment": "\(stored.experiment.key)", "error": "\(error)"])
            }
        }
        return try Entry(
            experiment: stored.experiment, version: stored.version, isPaused: stored.isPaused, snapshot: snapshot,
            snapshotPublishedAt: publishedAt, isNoted: true)
    }
}

extension JSONWriter {
    /// A whole JSON value as bytes, keys in alphabetical order.
    static func render(_ value: JSONValue) -> [UInt8] {
        var writer = JSONWriter()
        writer.value(value)
        return writer.bytes
    }

    private mutating func value(_ value: JSONValue) {
        switch value {
        case .null: null()
        case .boolean(let value): boolean(value)
        case .number(let value): number(value)
        case .string(let value): string(value)
        case .array(let values):
            beginArray()
            for element in values { self.value(element) }
            endArray()
        case .object(let fields):
            beginObject()
            for (name, field) in fields.sorted(by: { $0.key < $1.key }) {
                key(name)
                self.value(field)
            }
            endObject()
        }
    }
}
