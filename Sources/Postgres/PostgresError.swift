/// What this module refuses by itself. What the server refuses is a `DatabaseError`.
package enum PostgresError: Error, Hashable, Sendable {
    // Connections
    case connectionClosed
    /// Another statement, stream or COPY of the same connection is still open.
    case connectionBusy
    case nestedTransaction
    /// COMMIT answered ROLLBACK: a statement inside had failed and its error was not passed on.
    case transactionRolledBack
    case tooManyParameters(count: Int)
    /// PostgreSQL's text cannot hold the character U+0000.
    case zeroCharacter(parameter: Int)
    case noFileDescriptors
    case notACopyStatement
    case copyNeedsCopyFunction
    /// The bytes of a COPY that are not in the binary format asked for.
    case damagedCopy

    // Rows
    case noSuchColumn(name: String, columns: [String])
    case noSuchColumnIndex(index: Int, columns: [String])
    case unexpectedNull(column: String, expected: String)
    case unexpectedValue(column: String, expected: String, typeOID: UInt32)
    case unexpectedRowCount(expected: String, found: Int)

    // Pool
    case poolTimedOut(size: Int, waitSeconds: Double)
    case poolQueueFull(waiting: Int)
    case poolClosed

    // Migrations
    case databaseIsNewer(unknown: [String])
    case migrationChanged(name: String, applied: String, found: String)
    case migrationOutOfOrder(name: String, latestApplied: String)
    case migrationEndedTransaction(name: String)
    case migrationFailed(name: String, reason: String)

    // Managed cluster
    case serverProgramsNotFound(searched: [String])
    case serverTooOld(version: Int, minimum: Int, directory: String)
    case clusterOfOtherVersion(version: String, directory: String, installed: [Int])
    case noServerAccount
    case dataDirectoryUnreachable(directory: String, account: String)
    case fileFailed(path: String, operation: String, reason: String)
    case commandFailed(command: String, status: Int32, output: String)
    case serverDidNotStart(seconds: Double, log: String)
    case clusterBusy(lock: String, seconds: Double)
}

extension PostgresError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .connectionClosed: "the database connection is closed"
        case .connectionBusy:
            "the database connection is in the middle of a stream or COPY; finish it, or use a second connection from the pool"
        case .nestedTransaction: "a transaction is already open on this database connection; transactions do not nest"
        case .transactionRolledBack:
            "the transaction was rolled back instead of committed, because one of its statements had failed and the error was not passed on"
        case .tooManyParameters(let count):
            "a statement takes at most 65535 parameters, found \(count); pass arrays and unnest() them, or use COPY"
        case .zeroCharacter(let parameter): "parameter $\(parameter) contains the character U+0000, which PostgreSQL's text cannot hold"
        case .noFileDescriptors: "the process has no file descriptors left; raise its limit (ulimit -n)"
        case .notACopyStatement: "expected a COPY ... FROM STDIN or COPY ... TO STDOUT statement"
        case .copyNeedsCopyFunction: "COPY FROM STDIN and COPY TO STDOUT need copyIn and copyOut"
        case .damagedCopy: "the server sent a COPY that is not in PostgreSQL's binary format"
        case .noSuchColumn(let name, let columns): "no column \(name) in the result; it has \(columns.joined(separator: ", "))"
        case .noSuchColumnIndex(let index, let columns): "no column \(index) in the result; it has \(columns.count) columns"
        case .unexpectedNull(let column, let expected): "column \(column): expected \(expected), found NULL"
        case .unexpectedValue(let column, let expected, let type):
            "column \(column): expected \(expected), found a value of the type with OID \(type) that is none"
        case .unexpectedRowCount(let expected, let found): "expected \(expected), found \(found) rows"
        case .poolTimedOut(let size, let seconds):
            "none of the pool's \(size) database connections became free within \(seconds) s; make the pool larger or its work shorter"
        case .poolQueueFull(let waiting): "\(waiting) borrowers wait for a database connection already"
        case .poolClosed: "the pool of database connections is closed"
        case .databaseIsNewer(let unknown):
            "the database has migrations that this program does not know (\(unknown.joined(separator: ", "))); use the newer program"
        case .migrationChanged(let name, let applied, let found):
            "migration \(name) was changed after it was applied: checksum \(applied) in the database, \(found) in this program; add a new file instead"
        case .migrationOutOfOrder(let name, let latest):
            "migration \(name) is not applied but the later \(latest) is; give the new file a name that sorts last"
        case .migrationEndedTransaction(let name): "migration \(name) must not contain BEGIN, COMMIT or ROLLBACK"
        case .migrationFailed(let name, let reason): "migration \(name): \(reason)"
        case .serverProgramsNotFound(let searched):
            """
            PostgreSQL is not installed: no initdb, postgres and pg_ctl in \(searched.joined(separator: ", ")). Install it with
                sudo apt-get install postgresql      (Debian, Ubuntu)
                brew install postgresql@17           (macOS)
            or name a running server with --database or DATABASE_URL.
            """
        case .serverTooOld(let version, let minimum, let directory):
            "PostgreSQL \(minimum) or newer is needed, found \(version) in \(directory); install a newer one"
        case .clusterOfOtherVersion(let version, let directory, let installed):
            "the cluster in \(directory) was made by PostgreSQL \(version), installed is \(installed.map(String.init).joined(separator: ", ")); "
                + "install \(version) again, or upgrade the cluster with pg_upgrade"
        case .noServerAccount: "PostgreSQL refuses to run as root, and there is neither a user postgres nor a user nobody to run it as"
        case .dataDirectoryUnreachable(let directory, let account):
            "the data directory \(directory) cannot be reached by the user \(account), who runs PostgreSQL because root may not; "
                + "choose one outside of private directories with --data-dir"
        case .fileFailed(let path, let operation, let reason): "could not \(operation) \(path): \(reason)"
        case .commandFailed(let command, let status, let output): "\(command) failed with status \(status): \(output)"
        case .serverDidNotStart(let seconds, let log):
            "PostgreSQL did not accept connections within \(seconds) s; its log ends with:\n\(log)"
        case .clusterBusy(let lock, let seconds):
            "another process has been starting or stopping PostgreSQL for \(seconds) s and holds \(lock); wait for it or end it"
        }
    }
}
