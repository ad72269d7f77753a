import HaggleCore
import Postgres

/// Makes the daily partitions of `impressions` that rows need, and remembers those it has seen.
///
/// A new partition is created apart and attached: that waits for no reader, as `PARTITION OF` would.
struct PartitionKeeper: Sendable {
    /// Tries of attaching while somebody holds the table.
    private static let tries = 5

    /// Days since 1970 whose partition stands.
    private var known: Set<Int64> = []

    /// The day whose partition holds an id.
    static func day(of id: ImpressionID) -> Int64 { Int64(id.high >> 16) / 86_400_000 }

    /// Makes sure that every id has a partition. Not inside a transaction.
    mutating func prepare(for ids: some Sequence<ImpressionID>, on connection: Connection) async throws {
        var missing: Set<Int64> = []
        for id in ids {
            let day = Self.day(of: id)
            if !known.contains(day) { missing.insert(day) }
        }
        for day in missing.sorted() {
            try await make(day, on: connection)
            known.insert(day)
        }
    }

    /// Forgets what it has seen, for when a partition turns out to be gone.
    mutating func forget() { known = [] }

    private func make(_ day: Int64, on connection: Connection) async throws {
        for attempt in 1... {
            do {
                return try await connection.transaction { connection in
                    try await connection.executeScript("SET LOCAL lock_timeout = '2s'")
                    // One process makes partitions at a time; a second one finds the work done.
                    try await connection.execute("SELECT pg_advisory_xact_lock(\(LogWriter.partitionLock))")
                    let name = "impressions_" + Self.date(day).filter { $0 != "-" }
                    let isAttached = try await connection.queryOne(
                        """
                        SELECT EXISTS (
                            SELECT 1 FROM pg_inherits WHERE inhparent = 'impressions'::regclass AND inhrelid = to_regclass(\(name))) AS attached
                        """)
                    guard try !isAttached.decode("attached", as: Bool.self) else { return }
                    let lower = Self.bound(day)
                    let upper = Self.bound(day + 1)
                    try await connection.execute("CREATE TABLE IF NOT EXISTS \(identifier: name) (LIKE impressions INCLUDING ALL)")
                    // Bounds are literals by grammar; ours are digits of our own making.
                    try await connection.execute(
                        """
                        ALTER TABLE impressions ATTACH PARTITION \(identifier: name)
                            FOR VALUES FROM ('\(raw: lower)') TO ('\(raw: upper)')
                        """)
                }
            } catch let error as DatabaseError where error.isRetryable && attempt < Self.tries {
                continue
            }
        }
    }

    /// The smallest UUID of a day, version and variant bits included in neither bound.
    private static func bound(_ day: Int64) -> String {
        ImpressionID(high: UInt64(day) * 86_400_000 << 16, low: 0).description
    }

    private static func date(_ day: Int64) -> String {
        String(Timestamp(microseconds: day * 86_400_000_000).description.prefix { $0 != "T" })
    }
}
