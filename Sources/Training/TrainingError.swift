/// Why a search over models cannot begin or go on.
package enum TrainingError: Error, Hashable, Sendable {
    /// Cross-validation needs two folds at least.
    case foldCount(Int)
    /// Fewer rows than ten a fold.
    case tooFewRows(count: Int, folds: Int, needed: Int)
    /// A fold came out with fewer than ten rows: too few units, or too many rows of one moment.
    case unevenFolds(fold: Int, rows: Int, units: Int?, folds: Int)
    /// Some rows have a time and some do not.
    case timesMissing(count: Int, of: Int)
    /// A grid without a combination, or with more than can be meant.
    case gridSize(Int)
    /// The state file is of other data.
    case otherData(path: String, stored: String, found: String)
    /// The state file is not one, or of a newer Haggle.
    case notAState(path: String)
    case unreadable(path: String, reason: String)
    case unwritable(path: String, reason: String)
}

extension TrainingError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .foldCount(let count): "--folds: expected 2 or more, found \(count)"
        case .tooFewRows(let count, let folds, let needed):
            "\(folds) folds: expected at least \(needed) rows (10 a fold), found \(count); "
                + (count >= 30 ? "use --folds \(max(2, min(folds - 1, count / 10 - 1))) or collect more" : "collect more rows first")
        case .unevenFolds(let fold, let rows, let units, let folds):
            "fold \(fold) of \(folds): expected at least 10 rows to train on and 10 to validate with, found \(rows)"
                + (units.map { " (the log has \($0) units, and all rows of a unit stay in one fold); use fewer --folds or another --seed" }
                    ?? "; use fewer --folds, or --split unit")
        case .timesMissing(let count, let total):
            "--split time: expected a time on every row, found \(count) of \(total) rows without one; name the column of times, or use --split unit"
        case .gridSize(let size):
            size == 0
                ? "the grid has no combination: a list under policy.model is empty; give it a value"
                : "the grid has \(size) combinations, at most 10000 are allowed; take values out of the lists under policy.model"
        case .otherData(let path, let stored, let found):
            "\(path): the results in it are of other data (digest \(stored.prefix(12)), now \(found.prefix(12))); "
                + "a log that grew is other data too: fix its end with --until, use another --output, or remove the file to begin anew"
        case .notAState(let path):
            "\(path): expected the state of haggle train in its first line, found something else; use another --output folder"
        case .unreadable(let path, let reason): "\(path): cannot be read: \(reason)"
        case .unwritable(let path, let reason): "\(path): cannot be written: \(reason)"
        }
    }
}
