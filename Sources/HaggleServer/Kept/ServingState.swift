import Logging
import Postgres

/// Keeps experiments and keys in step with the database, and what is served on disk.
struct ServingState: Sendable {
    let registry: ExperimentRegistry
    let keys: KeyRing
    let pool: ConnectionPool
    /// Nil where answers wait for the database anyway.
    let folder: ServingFolder?
    let logger: Logger

    /// Reads the database, or where it cannot be read what was kept on disk.
    /// - Throws: what the database did, where nothing was kept.
    func begin() async throws {
        do {
            try await refresh()
        } catch {
            guard let kept = try folder?.read() else { throw error }
            keys.replace(with: kept.keys)
            registry.serve(kept.entries, writtenAt: kept.writtenAt)
            logger.error(
                "the database cannot be read; serving the experiments that were kept on disk",
                metadata: ["kept": "\(kept.writtenAt)", "experiments": "\(kept.entries.count)", "error": "\(error)"])
        }
    }

    /// Reads what changed.
    func refresh() async throws {
        let isFirst = registry.loadedAt == nil
        let haveExperiments = try await registry.refresh(from: pool, logger: logger)
        let haveKeys = try await keys.refresh(from: pool)
        guard haveExperiments || haveKeys || isFirst, let folder else { return }
        do {
            try folder.write(registry.all, keys: keys.all, now: .now)
        } catch {
            logger.error("what is served could not be kept on disk", metadata: ["folder": "\(folder.path)", "error": "\(error)"])
        }
    }
}
