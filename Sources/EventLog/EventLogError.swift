package import HaggleCore
package import Tabular

/// What the event log refuses or cannot do. What the database refuses underneath is a `DatabaseError`, what a file holds a `TabularError`.
package enum EventLogError: Error, Hashable, Sendable {
    // Writing
    /// More records wait for the database than the queue may hold.
    case overloaded(waiting: Int)
    /// The database did not take the record in time. Whether it is stored is unknown; the caller must not treat it as stored.
    case unavailable(seconds: Double)
    /// The sink has been shut down.
    case closed
    /// The database refuses this record for what it holds; it was put into `dead_letters`.
    case refused(sqlState: String?)
    /// A number that neither JSON nor the database has.
    case notFinite(field: String)

    // Files
    case unknownArm(FilePlace, found: String, known: [ArmKey])
    case propensityOutOfRange(FilePlace, found: Double)
    /// An arm was chosen that the row says could not be.
    case armNotEligible(FilePlace, arm: ArmKey)
    /// A field of a dsjson event that does not fit.
    case badEvent(FilePlace, field: String, expected: String, found: String)
    /// A row that the format cannot hold.
    case notExpressible(format: String, id: ImpressionID, reason: String)
    case wrongPropensityCount(FilePlace, expected: Int, found: Int)
    case badMap(entry: String, expected: String)
    /// The map leaves out something that every row needs.
    case unmapped(field: String)
    /// Neither a column of the file nor usable as a constant.
    case badMapValue(field: String, value: String, columns: [String])
    /// A directory that does not hold exactly one log.
    case noSingleLog(directory: String, found: [String])
    /// A file whose name does not tell what it holds.
    case unknownFormat(path: String)
    /// The file's impression ids stand in the log of another experiment.
    case idsTaken(by: ExperimentKey)

    // Reading
    /// A stored value that no version of this program writes.
    case unreadable(column: String, id: ImpressionID?)
}

extension EventLogError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .overloaded(let waiting): "\(waiting) records already wait for the database; try again later"
        case .unavailable(let seconds): "the database did not take the record within \(seconds) s; it may or may not be stored"
        case .closed: "the event log has been shut down"
        case .refused(let state): "the database refused the record" + (state.map { " (\($0))" } ?? "") + "; it was kept in dead_letters"
        case .notFinite(let field): "\(field): expected a finite number, found NaN or infinity"
        case .unknownArm(let place, let found, let known):
            "\(place): expected an arm of the experiment (\(known.map(\.rawValue).joined(separator: ", "))), found `\(found)`"
        case .propensityOutOfRange(let place, let found):
            "\(place): expected a propensity above 0 and at most 1, found \(found); a row that could not happen cannot be weighted"
        case .armNotEligible(let place, let arm): "\(place): the arm `\(arm)` was chosen but is not among the eligible arms"
        case .badEvent(let place, let field, let expected, let found): "\(place): \(field): expected \(expected), found \(found)"
        case .notExpressible(let format, let id, let reason):
            "impression \(id) cannot be written as \(format): \(reason); export csv or ndjson instead"
        case .wrongPropensityCount(let place, let expected, let found):
            "\(place): expected \(expected) propensities, one for each eligible arm, found \(found)"
        case .badMap(let entry, let expected): "--map: expected \(expected), found `\(entry)`"
        case .unmapped(let field): "--map: nothing says where `\(field)` comes from; add `\(field)=COLUMN`"
        case .badMapValue(let field, let value, let columns):
            "--map: `\(field)=\(value)` is neither a column (\(columns.joined(separator: ", "))) nor a constant that fits"
        case .noSingleLog(let directory, let found):
            "\(directory): expected one log of the Open Bandit Dataset (columns \(OpenBanditImport.needed.joined(separator: ", "))), found "
                + (found.isEmpty ? "none" : "\(found.joined(separator: ", ")); name one of them")
        case .unknownFormat(let path):
            "\(path): expected a name that ends in .csv, .ndjson, .jsonl or .dsjson (or these with .gz), or a directory; name the format"
        case .idsTaken(let experiment):
            "the file's impression ids already stand in the log of experiment `\(experiment)`; import it there or into another database"
        case .unreadable(let column, let id):
            "impressions.\(column)" + (id.map { " of \($0)" } ?? "") + " holds what no version of haggle writes; was it changed by hand?"
        }
    }
}
