import Analysis
import HaggleCore
import Postgres

/// The newest analysis of each experiment, so that people who look at the dashboard cost the database little.
///
/// An analysis is computed once for all who ask at the same time, one after the other, so that reading the log takes one connection at most;
/// an old one is served while its successor is computed. The longer an analysis takes, the less often it is made: the log of a large
/// experiment is read for a tenth of the time at most.
actor AnalysisCache {
    private struct Entry {
        var analysis: ExperimentAnalysis
        var goodUntil: ContinuousClock.Instant
        var lastAsked: ContinuousClock.Instant
    }

    private let pool: ConnectionPool
    private let freshFor: Duration
    private let limit: Int
    private var entries: [ExperimentKey: Entry] = [:]
    private var running: [ExperimentKey: Task<ExperimentAnalysis, any Error>] = [:]
    private var last: Task<Void, Never>?

    /// - Parameters:
    ///   - freshFor: how long an analysis is served as it is.
    ///   - limit: analyses kept at most; the one that nobody asked for longest goes.
    init(pool: ConnectionPool, freshFor: Duration = .seconds(5), limit: Int = 200) {
        self.pool = pool
        self.freshFor = freshFor
        self.limit = limit
    }

    /// The analysis, at most a little out of date.
    /// - Throws: what the first analysis of an experiment throws; a failure to renew one serves the old.
    func analysis(of key: ExperimentKey) async throws -> ExperimentAnalysis {
        let now = ContinuousClock.now
        guard var entry = entries[key] else { return try await compute(key).value }
        entry.lastAsked = now
        entries[key] = entry
        if now >= entry.goodUntil { _ = compute(key) }
        return entry.analysis
    }

    private func compute(_ key: ExperimentKey) -> Task<ExperimentAnalysis, any Error> {
        if let task = running[key] { return task }
        let (previous, pool) = (last, pool)
        let task = Task {
            await previous?.value
            let start = ContinuousClock.now
            do {
                let analysis = try await ExperimentAnalysis.summary(of: key, pool: pool, asOf: Timestamp.now)
                keep(analysis, key, took: ContinuousClock.now - start)
                return analysis
            } catch {
                running[key] = nil
                // A database that is away is not asked again at once.
                entries[key]?.goodUntil = ContinuousClock.now + freshFor
                throw error
            }
        }
        running[key] = task
        last = Task { _ = await task.result }
        return task
    }

    private func keep(_ analysis: ExperimentAnalysis, _ key: ExperimentKey, took: Duration) {
        running[key] = nil
        let now = ContinuousClock.now
        if entries[key] == nil, entries.count >= limit, let oldest = entries.min(by: { $0.value.lastAsked < $1.value.lastAsked })?.key {
            entries[oldest] = nil
        }
        entries[key] = Entry(analysis: analysis, goodUntil: now + max(freshFor, took * 10), lastAsked: now)
    }
}
