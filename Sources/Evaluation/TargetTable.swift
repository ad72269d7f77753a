package import HaggleCore

/// Target probabilities that lie beside a log, a row for each of its rows.
package protocol TargetTable: Sendable {
    /// The probabilities for one row of the log, one per arm.
    /// - Parameter row: the row's number among those that are evaluated, from 0.
    /// - Throws: where the table has nothing for the row.
    func probabilities(of interaction: Interaction, row: Int) throws -> [Double]

    /// Called after the last row.
    /// - Throws: where the table has rows left over.
    func finish(rowCount: Int) throws
}
