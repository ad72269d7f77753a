/// Puts the states of shards together into one report: what `haggle evaluate-merge` does with the files of `haggle evaluate-shard`.
///
/// A shard is an `Evaluator` that knows the number of its first row (`firstRow`) and is written with `serialised()`. Shards come in any order,
/// one in memory at a time; the report equals that of one evaluator over all rows, to rounding.
package struct ShardEvaluation: Sendable {
    private var whole: Evaluator?
    private var ranges: [(name: String, rows: Range<Int>)] = []

    package init() {}

    /// What stands for the number of the first row of a shard whose rows all have units, so that their numbers do not matter: far apart for each
    /// shard, so that one that is added twice is still noticed, and beyond what is taken for a gap.
    /// - Parameter shard: the number of the shard, from 0, below 2^20.
    package static func firstRow(ofShard shard: Int) -> Int { (shard + 1) << 40 }

    /// Adds the state of a shard.
    /// - Parameter name: for errors, such as its file.
    /// - Throws: `EvaluationError.shard` for what is not such a state or was set up differently, `.overlappingShards` for rows that an earlier
    ///   shard has read too; the shards so far stay as they were.
    package mutating func add(_ bytes: [UInt8], named name: String) async throws {
        do {
            try await add(try Evaluator(serialised: bytes), named: name)
        } catch let error as EvaluationError {
            if case .overlappingShards = error { throw error }
            throw EvaluationError.shard(name, error)
        }
    }

    /// The report over all shards.
    /// - Parameters:
    ///   - level: of the intervals; nil: as the first shard was told.
    ///   - isForced: whether to show what the verdict calls unsupported; nil: as the first shard was told.
    /// - Throws: `EvaluationError.noShards`, or `.emptyLog` where none has rows.
    package func report(level: Double? = nil, isForced: Bool? = nil) async throws -> EvaluationReport {
        guard var evaluator = whole else { throw EvaluationError.noShards }
        if let level { evaluator.options.level = level }
        if let isForced { evaluator.options.isForced = isForced }
        try evaluator.options.validate()
        var report = try await evaluator.report()
        report.warnings += gaps
        if ranges.contains(where: { $0.rows.lowerBound >= Self.firstRow(ofShard: 0) }) {
            // Rows without times and without numbers have no order: their parts would be those of the shards.
            for index in report.policies.indices where report.policies[index].course.contains(where: { $0.from == nil }) {
                report.policies[index].course = []
            }
        }
        return report
    }

    private mutating func add(_ shard: Evaluator, named name: String) async throws {
        for rows in shard.rowRanges {
            for earlier in ranges where earlier.rows.overlaps(rows) {
                throw EvaluationError.overlappingShards(earlier.name, name, rows: earlier.rows.clamped(to: rows))
            }
        }
        if var merged = whole {
            try await merged.merge(shard)
            whole = merged
        } else {
            whole = shard
        }
        ranges += shard.rowRanges.map { (name, $0) }
    }

    /// A sentence for each run of rows that lies before or between the shards' own, at most ten.
    private var gaps: [String] {
        var next = 0
        var gaps: [String] = []
        for range in ranges.sorted(by: { $0.rows.lowerBound < $1.rows.lowerBound }) {
            if range.rows.lowerBound >= Self.firstRow(ofShard: 0) { break }
            if range.rows.lowerBound > next {
                gaps.append(
                    "rows \(next + 1) to \(range.rows.lowerBound) of the log are in no shard (the next one is \(range.name)): the report "
                        + "describes the others")
            }
            next = max(next, range.rows.upperBound)
        }
        return Array(gaps.prefix(10))
    }
}
