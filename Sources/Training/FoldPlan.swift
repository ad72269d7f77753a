package import HaggleCore
import HaggleMath

/// Which rows train and which validate, fold by fold.
package struct FoldPlan: Hashable, Sendable {
    /// How rows come into folds.
    package enum Split: String, Hashable, Sendable, Codable, CaseIterable {
        /// All rows of a unit in one fold, by a hash of the unit and the seed; a row without a unit by its number. A customer is never
        /// predicted from the customer's own rows.
        case unit
        /// Forward chaining: the log in time order in `folds + 1` blocks; fold i trains on the blocks up to i and validates on the next, so
        /// that the future never predicts the past. A training row whose reward was not known when the block began is left out.
        case time
    }

    /// One fold. Positions in the interactions, ascending in log order for `unit` and in time order for `time`.
    package struct Fold: Hashable, Sendable {
        package let training: [Int]
        package let validation: [Int]
        /// Rows left out of training because their reward became known only after the validation began.
        package let unripeCount: Int
    }

    package let split: Split
    package let folds: [Fold]

    /// The least rows that may validate or train.
    package static let leastRowCount = 10

    /// Cuts a log into folds. O(n log n) for `time`, O(n) for `unit`.
    /// - Throws: `TrainingError` where there are too few rows, or units, for so many folds; where `time` meets rows without times among
    /// rows
    ///   that have them.
    package init(_ rows: [Interaction], count: Int, split: Split, seed: UInt64) throws(TrainingError) {
        guard count >= 2 else { throw .foldCount(count) }
        // Forward chaining has a block more than folds: the first only trains.
        let blockCount = split == .time ? count + 1 : count
        guard rows.count >= blockCount * Self.leastRowCount else {
            throw .tooFewRows(count: rows.count, folds: count, needed: blockCount * Self.leastRowCount)
        }
        self.split = split
        switch split {
        case .unit: folds = try Self.byUnit(rows, count: count, seed: seed)
        case .time: folds = try Self.byTime(rows, count: count)
        }
    }

    private static func byUnit(_ rows: [Interaction], count: Int, seed: UInt64) throws(TrainingError) -> [Fold] {
        let fold = rows.enumerated().map { self.fold(of: $1.unit, row: $0, count: count, seed: seed) }
        var validation = [[Int]](repeating: [], count: count)
        for row in rows.indices { validation[fold[row]].append(row) }
        if let index = validation.firstIndex(where: { $0.count < leastRowCount }) {
            let units = Set(rows.compactMap(\.unit)).count
            throw .unevenFolds(fold: index + 1, rows: validation[index].count, units: units, folds: count)
        }
        return validation.indices.map { index in
            Fold(training: rows.indices.filter { fold[$0] != index }, validation: validation[index], unripeCount: 0)
        }
    }

    /// The fold of a unit: the same for equal seeds whatever the order of rows.
    package static func fold(of unit: UnitID?, row: Int, count: Int, seed: UInt64) -> Int {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        if let unit {
            for byte in unit.rawValue.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        } else {
            hash = UInt64(row)
        }
        return Int(mix64(hash ^ mix64(seed &+ 0x666f_6c64_7365_6564)).multipliedFullWidth(by: UInt64(count)).high)
    }

    private static func byTime(_ rows: [Interaction], count: Int) throws(TrainingError) -> [Fold] {
        let times = rows.map(\.time)
        let known = times.lazy.filter { $0 != nil }.count
        guard known == 0 || known == rows.count else { throw .timesMissing(count: rows.count - known, of: rows.count) }
        // Rows of one time keep the order of the log.
        let order =
            known == 0
            ? Array(rows.indices) : rows.indices.sorted { (times[$0]?.microseconds ?? 0, $0) < (times[$1]?.microseconds ?? 0, $1) }
        let blockCount = count + 1
        var starts = (0...blockCount).map { $0 * rows.count / blockCount }
        // Rows of one moment belong together: none may train on another's present.
        for index in 1..<blockCount {
            var start = max(starts[index], starts[index - 1])
            while start > 0, start < rows.count, let time = times[order[start]], time == times[order[start - 1]] { start += 1 }
            starts[index] = start
        }
        var result: [Fold] = []
        for index in 1...count {
            let validation = Array(order[starts[index]..<starts[index + 1]])
            let before = order[..<starts[index]]
            let opening = validation.first.flatMap { times[$0] }
            let training = before.filter { row in
                guard let opening, let matured = rows[row].maturedAt else { return true }
                return matured <= opening
            }
            for part in [validation, training] where part.count < leastRowCount {
                throw .unevenFolds(fold: index, rows: part.count, units: nil, folds: count)
            }
            result.append(Fold(training: training, validation: validation, unripeCount: before.count - training.count))
        }
        return result
    }
}
