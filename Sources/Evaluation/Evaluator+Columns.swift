extension Evaluator {
    /// Rows of columns that one task reads; fixed, so that sums do not depend on the number of threads.
    static let blockRowCount = 65_536

    /// Adds many rows at once, without a small array for each: the fast path for files. Blocks of 65 536 rows are read on all threads, each
    /// into an evaluator of its own, and merged in their order.
    /// - Throws: `EvaluationError` naming the row, the first bad one; and `CancellationError`.
    package mutating func add(_ columns: EvaluationColumns) async throws {
        guard columns.targets.count == policies.count else {
            throw EvaluationError.targetsCount(row: rowNumber, expected: policies.count, found: columns.targets.count)
        }
        // Sequences need every row after the one before it.
        guard columns.rowCount >= Self.blockRowCount / 2, sequences == nil else {
            for index in 0..<columns.rowCount {
                try addRow(index, of: columns)
                if pending.isFull {
                    await flush()
                    try Task.checkCancellation()
                }
            }
            return
        }
        await flush()
        let blockCount = (columns.rowCount + Self.blockRowCount - 1) / Self.blockRowCount
        let threadCount = options.threadCount
        var next = 0
        // A round of one block per thread, so that never more than that many evaluators wait to be merged.
        while next < blockCount {
            let round = next..<min(next + threadCount, blockCount)
            let template = self
            let blocks = await withTaskGroup(of: (index: Int, result: Result<Evaluator, any Error>).self) { group in
                for index in round {
                    group.addTask {
                        let rows = index * Self.blockRowCount..<min((index + 1) * Self.blockRowCount, columns.rowCount)
                        let first = template.nextRow + (index - round.lowerBound) * Self.blockRowCount
                        return (index, Result { try template.block(of: columns, rows: rows, firstRow: first) })
                    }
                }
                var blocks: [(index: Int, result: Result<Evaluator, any Error>)] = []
                for await block in group { blocks.append(block) }
                return blocks.sorted { $0.index < $1.index }
            }
            // In their order, so that the first bad row of the log is the one that is named.
            for block in blocks { absorb(try block.result.get()) }
            nextRow += round.count * Self.blockRowCount
            if round.upperBound == blockCount { nextRow -= blockCount * Self.blockRowCount - columns.rowCount }
            next = round.upperBound
        }
    }

    /// An evaluator of some rows alone.
    private func block(of columns: EvaluationColumns, rows: Range<Int>, firstRow: Int) throws -> Evaluator {
        var part = emptied(from: firstRow)
        for index in rows {
            try part.addRow(index, of: columns)
            if part.pending.isFull {
                part.flushSerially()
                try Task.checkCancellation()
            }
        }
        part.flushSerially()
        return part
    }
}
