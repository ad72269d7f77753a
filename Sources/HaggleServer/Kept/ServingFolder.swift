import Catalog
import Foundation
import HaggleCore
import Policies
import Serving

/// What this server served last, on its own disk beside the journals: experiments, snapshots, and the hashes of the API keys. A server that
/// starts while the database is away begins from here.
///
/// Each file is written whole under another name and then renamed, snapshots before the list that names them, so that a crash leaves the old
/// state or the new one.
struct ServingFolder: Sendable {
    /// One experiment with the pair that is served.
    struct KeptExperiment: Codable, Sendable {
        var experiment: Experiment
        var version: Int
        var isPaused: Bool
        var snapshot: Int?
        var snapshotPublishedAt: Int64?
    }

    struct KeptKey: Codable, Sendable {
        var id: String
        var name: String
        var scopes: Set<APIScope>
        var hash: [UInt8]
        var createdAt: Int64
        var expiresAt: Int64?
        var revokedAt: Int64?
    }

    struct Contents: Codable, Sendable {
        /// When it was written, in microseconds since 1970.
        var writtenAt: Int64
        var experiments: [KeptExperiment]
        var keys: [KeptKey]
    }

    let path: String

    /// - Parameter journals: the directory of this machine's journals.
    init(journals: String) { path = journals + "/serving" }

    private var list: String { path + "/serving.json" }

    private func snapshotPath(_ key: ExperimentKey, _ version: SnapshotVersion) -> String { "\(path)/\(key)-\(version).snapshot" }

    /// Whether a server has kept something here.
    var isKept: Bool { FileManager.default.fileExists(atPath: list) }

    /// Keeps what is served.
    /// - Throws: what the file system does.
    func write(_ entries: [ExperimentRegistry.Entry], keys: [APIKey], now: Timestamp) throws {
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        var used: Set<String> = [list]
        let experiments = try entries.map { entry in
            if let snapshot = entry.snapshot {
                let file = snapshotPath(entry.experiment.key, snapshot.version)
                used.insert(file)
                if !FileManager.default.fileExists(atPath: file) {
                    try Data(snapshot.serialised()).write(to: URL(filePath: file), options: .atomic)
                }
            }
            return KeptExperiment(
                experiment: entry.experiment, version: entry.assigner.version.rawValue, isPaused: entry.assigner.isPaused,
                snapshot: entry.snapshot?.version.rawValue, snapshotPublishedAt: entry.snapshotPublishedAt?.microseconds)
        }
        let contents = Contents(
            writtenAt: now.microseconds, experiments: experiments,
            keys: keys.map {
                KeptKey(
                    id: $0.id, name: $0.name, scopes: $0.scopes, hash: $0.hash, createdAt: $0.createdAt.microseconds,
                    expiresAt: $0.expiresAt?.microseconds, revokedAt: $0.revokedAt?.microseconds)
            })
        try JSONEncoder().encode(contents).write(to: URL(filePath: list), options: .atomic)
        for name in try FileManager.default.contentsOfDirectory(atPath: path) where !used.contains("\(path)/\(name)") {
            try? FileManager.default.removeItem(atPath: "\(path)/\(name)")
        }
    }

    /// Reads what was kept.
    /// - Returns: nil where nothing was; snapshots that cannot be read are missing, and their experiments give control.
    /// - Throws: where the list is there and cannot be read.
    func read() throws -> (entries: [ExperimentRegistry.Entry], keys: [APIKey], writtenAt: Timestamp)? {
        guard isKept else { return nil }
        let contents = try JSONDecoder().decode(Contents.self, from: Data(contentsOf: URL(filePath: list)))
        let entries = try contents.experiments.map { kept in
            let snapshot = kept.snapshot.flatMap { version -> ServingSnapshot? in
                let file = snapshotPath(kept.experiment.key, SnapshotVersion(version))
                guard let data = try? Data(contentsOf: URL(filePath: file)) else { return nil }
                return try? ServingSnapshot(serialised: Array(data))
            }
            return try ExperimentRegistry.Entry(
                experiment: kept.experiment, version: ExperimentVersion(kept.version), isPaused: kept.isPaused, snapshot: snapshot,
                snapshotPublishedAt: kept.snapshotPublishedAt.map { Timestamp(microseconds: $0) }, isNoted: false)
        }
        let keys = contents.keys.map {
            APIKey(
                id: $0.id, name: $0.name, scopes: $0.scopes, hash: $0.hash, createdAt: Timestamp(microseconds: $0.createdAt),
                expiresAt: $0.expiresAt.map { Timestamp(microseconds: $0) }, revokedAt: $0.revokedAt.map { Timestamp(microseconds: $0) })
        }
        return (entries, keys, Timestamp(microseconds: contents.writtenAt))
    }
}
