import HaggleCore
import Postgres

/// The rewards of those counted impressions of a log to which conversions belong, by position; all others have the default.
///
/// Conversions are few beside impressions, so they are attributed once, all together, instead of row by row: one pass over the conversions and
/// what they name. Sixteen bytes per impression with a conversion.
struct LoggedRewards: Sendable {
    private struct Entry {
        var position: Int64
        var reward: Double
    }

    /// In segments, so that growing never copies.
    private static let segmentSize = 1 << 16

    private var segments: [[Entry]] = []
    let defaultReward: Double

    /// Reads the conversions up to `through`.
    /// - Parameter condition: on the impressions `i` that are wanted.
    init(_ pool: ConnectionPool, _ experiment: Experiment, rule: RewardRule, arms: ArmPlaces, through: Int64, condition: SQL) async throws {
        defaultReward = experiment.reward.defaultReward
        let stream = pool.copyOut(
            Self.sql(experiment, through: through, condition: condition), settings: "SET LOCAL jit = off; SET LOCAL work_mem = '64MB'")
        var rows = BinaryCopyRows(columnCount: 7)
        var bytes: [UInt8] = []
        while try await stream.next(into: &bytes) {
            while try rows.next(in: bytes) {
                let span = bytes.span
                // An arm that no version names has no reward; its rows are left out anyway.
                guard let arm = rows.field(1).flatMap({ arms.position(of: span, at: $0) }) else { continue }
                let sums = RewardSums(
                    events: Int(rows.int64(2, in: span)), reversals: Int(rows.int64(3, in: span)), value: rows.double(4, in: span) ?? 0,
                    givenMargin: rows.double(5, in: span) ?? 0, unmarginedValue: rows.double(6, in: span) ?? 0)
                append(Entry(position: rows.int64(0, in: span), reward: rule.reward(sums, arm: arm)))
            }
            bytes.removeSubrange(0..<rows.position)
            rows.position = 0
        }
    }

    private mutating func append(_ entry: Entry) {
        if segments.last?.count ?? Self.segmentSize == Self.segmentSize {
            segments.append([])
            segments[segments.count - 1].reserveCapacity(segments.count > 1 ? Self.segmentSize : 0)
        }
        segments[segments.count - 1].append(entry)
    }

    /// Hands out rewards at ascending positions.
    struct Cursor {
        private let rewards: LoggedRewards
        private var segment = 0
        private var index = 0

        init(_ rewards: LoggedRewards) { self.rewards = rewards }

        /// - Precondition: `position` is above those asked for before.
        mutating func reward(at position: Int64) -> Double {
            while segment < rewards.segments.count {
                if index == rewards.segments[segment].count {
                    segment += 1
                    index = 0
                    continue
                }
                let entry = rewards.segments[segment][index]
                if entry.position > position { break }
                index += 1
                if entry.position == position { return entry.reward }
            }
            return rewards.defaultReward
        }
    }

    /// What `conversions_of` says of one impression, of all at once; a test holds both together.
    private static func sql(_ experiment: Experiment, through: Int64, condition: SQL) -> SQL {
        let key = experiment.key.rawValue
        let shown: SQL = "shown_impressions(\(literal: key), \(raw: String(through)))"
        let window: SQL = "make_interval(secs => \(raw: String(experiment.reward.windowSeconds)))"
        return """
            COPY (
                WITH attributed AS (
                    SELECT i.position, i.arm, c.value, c.margin, c.position AS at
                      FROM conversions c
                      LEFT JOIN redirects r ON r.impression_id = c.impression_id AND r.position <= \(raw: String(through))
                      JOIN \(fragment: shown) i ON i.id = coalesce(r.root, c.impression_id)
                     WHERE c.impression_id IS NOT NULL AND c.position <= \(raw: String(through))
                       AND (c.occurred_at < i.occurred_at + \(fragment: window) OR c.value < 0)
                       AND i.counted AND \(fragment: condition)
                    UNION ALL
                    SELECT position, arm, value, margin, at
                      FROM (
                        SELECT DISTINCT ON (c.position)
                               i.position, i.arm, i.counted, i.occurred_at, c.value, c.margin, c.position AS at
                          FROM conversions c
                          JOIN \(fragment: shown) i
                            ON i.unit = c.unit AND i.occurred_at <= c.occurred_at AND i.occurred_at > c.occurred_at - \(fragment: window)
                         WHERE c.experiment = \(literal: key) AND c.unit IS NOT NULL AND c.position <= \(raw: String(through))
                         ORDER BY c.position, i.counted DESC, i.occurred_at DESC, i.position DESC
                        ) i
                     WHERE i.counted AND \(fragment: condition)
                )
                SELECT position, arm, count(*) FILTER (WHERE value >= 0), count(*) FILTER (WHERE value < 0),
                       coalesce(sum(value ORDER BY at), 0), coalesce(sum(margin ORDER BY at), 0),
                       coalesce(sum(value ORDER BY at) FILTER (WHERE margin IS NULL), 0)
                  FROM attributed
                 GROUP BY position, arm
                 ORDER BY position
            ) TO STDOUT (FORMAT binary)
            """
    }
}
