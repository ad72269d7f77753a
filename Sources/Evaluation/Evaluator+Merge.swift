import HaggleCore
import HaggleMath

extension Evaluator {
    /// Weights above this are refused: their squares must stay finite.
    static let largestWeight = 1e100

    /// The number of the next row for errors, from 1.
    var rowNumber: Int { numberOffset + nextRow - firstRow + 1 }

    /// The rows that this evaluator has seen, by their numbers in the whole log; neighbouring ranges are one.
    package var rowRanges: [Range<Int>] { Self.joined(mergedRanges + (nextRow > firstRow ? [firstRow..<nextRow] : [])) }

    /// Adds another part of the same log, evaluated with the same policies and options.
    /// - Throws: `EvaluationError.cannotMerge` where they differ.
    package mutating func merge(_ other: Self) async throws {
        try setUp.expectEqual(to: other.setUp)
        guard sequences == nil, other.sequences == nil else {
            throw EvaluationError.cannotMerge("an anytime interval needs the rows in one pass, in the order of the log")
        }
        await flush()
        var other = other
        await other.flush()
        absorb(other)
        mergedRanges = Self.joined(mergedRanges + other.rowRanges)
    }

    /// Adds an evaluator of the same set-up without rows that wait.
    mutating func absorb(_ other: Self) {
        // Whose rows came first is not known any more, so sequences end here.
        sequences = nil
        bounds.merge(other.bounds)
        rowCount += other.rowCount
        for index in sums.indices { sums[index].merge(other.sums[index]) }
        rowsWithUnit.merge(other.rowsWithUnit)
        rowsWithoutUnit.merge(other.rowsWithoutUnit)
        units.merge(other.units)
        for index in weights.indices { weights[index].merge(other.weights[index]) }
        log.merge(other.log)
        course.merge(other.course)
        for index in distributions.indices { distributions[index].merge(other.distributions[index]) }
        if let theirs = other.folds { folds?.merge(theirs) }
        if let theirs = other.propensityRange { include(theirs) }
        if let theirs = other.bootstrap { bootstrap?.merge(theirs) }
        if let theirs = other.segments { segments?.merge(theirs) }
    }

    /// An evaluator of the same set-up without rows.
    /// - Parameter row: the number in the whole log of the first row that it will read.
    func emptied(from row: Int) -> Self {
        var copy = self
        copy.rowCount = 0
        copy.sums = [CompensatedSum](repeating: CompensatedSum(), count: sums.count)
        copy.rowsWithUnit = CoMoments(width: sums.count)
        copy.rowsWithoutUnit = CoMoments(width: sums.count)
        copy.units = units.emptied
        copy.weights = [WeightStatistics](repeating: WeightStatistics(armCount: armCount), count: policies.count)
        copy.log = LogStatistics(armCount: armCount)
        copy.distributions = distributions.map { _ in WeightDistribution() }
        if let folds { copy.folds = FoldSums(policyCount: folds.policyCount, termCount: folds.termCount) }
        copy.propensityRange = nil
        copy.course = EstimateCourse(policyCount: policies.count, hasModel: rewardModel != nil)
        if let bootstrap { copy.bootstrap = Bootstrap(replicateCount: bootstrap.replicateCount, width: bootstrap.sums.width) }
        copy.segments = segments?.emptied
        copy.bounds = DeclaredBounds(rewardRange: options.rewardRange)
        copy.sequences = sequences?.emptied
        copy.firstRow = row
        copy.nextRow = row
        copy.numberOffset = numberOffset + row - firstRow
        copy.mergedRanges = []
        copy.pending = PendingRows(width: sums.count)
        return copy
    }

    /// Moves the rows that wait for a full batch into the sums, the bootstrap dealt to threads.
    mutating func flush() async {
        let batch = pending
        pending = PendingRows(width: batch.width)
        addMoments(of: batch)
        if batch.rowCount > 0 { await bootstrap?.add(keys: batch.keys, columns: batch.columns, threadCount: options.threadCount) }
        segments?.flush()
    }

    /// The same on this thread.
    mutating func flushSerially() {
        let batch = pending
        pending = PendingRows(width: batch.width)
        addMoments(of: batch)
        if batch.rowCount > 0 { bootstrap?.add(keys: batch.keys, columns: batch.columns) }
        segments?.flush()
    }

    private mutating func addMoments(of batch: PendingRows) {
        for range in batch.runs {
            var start = range.rows.lowerBound
            while start < range.rows.upperBound {
                let end = min(start + 512, range.rows.upperBound)
                let rows = batch.columns[start * batch.width..<end * batch.width]
                if range.haveUnits {
                    rowsWithUnit.add(rows: rows, rowCount: end - start)
                } else {
                    rowsWithoutUnit.add(rows: rows, rowCount: end - start)
                }
                start = end
            }
        }
    }

    /// Ranges in ascending order, those that touch or overlap made one.
    private static func joined(_ ranges: [Range<Int>]) -> [Range<Int>] {
        var result: [Range<Int>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = result.last, range.lowerBound <= last.upperBound {
                result[result.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
            } else {
                result.append(range)
            }
        }
        return result
    }
}
