package import Features
package import HaggleCore
package import Tabular

/// `haggle features build`: purchase files to one row of features a customer.
///
/// Rows are spread by customer over temporary files, so memory holds one such file (about `partitionLimit` bytes, more only for a customer who
/// alone has more), the open ends of all of them, and what is fitted. Equal sets of rows before the moment give equal bytes, whatever their
/// order, and whatever rows come at or after it.
package struct FeatureBuild {
    package enum Format: String, Sendable, CaseIterable { case csv, ndjson }

    package struct Configuration: Sendable {
        package var transactions: [String]
        package var asOf: Timestamp
        /// Columns that are named; the others are found by their names.
        package var columns: [PurchaseRole: [String]] = [:]
        /// Whether the discount column holds the share that was taken off, not money.
        package var isDiscountShare = false
        /// Rows in other currencies are left out.
        package var currency: String?
        package var dateOrder: PurchaseDateOrder?
        package var categories = 12
        package var events = 32
        package var outliers = PurchaseOutliers.p99
        package var keepsDuplicates = false
        /// What an earlier build fitted, to make the same features of newer purchases.
        package var fitted: PurchaseFeatures?
        /// Where temporary files go.
        package var temporaryFolder: String
        /// Bytes of rows that are in memory at a time.
        package var partitionLimit = 1 << 25

        package init(transactions: [String], asOf: Timestamp, temporaryFolder: String) {
            self.transactions = transactions
            self.asOf = asOf
            self.temporaryFolder = temporaryFolder
        }
    }

    /// The finished features, a line at a time.
    package final class Table {
        package let report: PurchaseReport
        /// The names of the columns.
        package let columns: [String]
        /// The header's line, for CSV.
        package let header: [UInt8]?
        private let rows: SortedRuns.Merge

        init(report: PurchaseReport, columns: [String], header: [UInt8]?, rows: SortedRuns.Merge) {
            self.report = report
            self.columns = columns
            self.header = header
            self.rows = rows
        }

        /// The next customer's line; nil at the end. Customers come by number where they are numbers, then by their bytes.
        package func next() throws -> ArraySlice<UInt8>? { try rows.next()?.record }

        /// Writes everything.
        package func write(to output: inout RowOutput) throws {
            if let header { try output.append(header) }
            while let line = try next() { try output.append(Array(line)) }
        }
    }

    private let configuration: Configuration

    package init(_ configuration: Configuration) { self.configuration = configuration }

    /// Reads, cleans and computes; the rows wait in a temporary file to be written.
    /// - Parameter progress: is told how many rows have been read.
    /// - Throws: `TabularError`, `PurchaseError`.
    package func run(as format: Format, progress: (Int) -> Void = { _ in }) throws -> Table {
        let folder = try TemporaryFolder(in: configuration.temporaryFolder)
        var intake = PurchaseIntake(configuration, folder: folder)
        for path in configuration.transactions { try intake.read(path, progress: progress) }
        var cleaning = intake.cleaning
        let files = try intake.finish(limit: configuration.partitionLimit)
        let fitted = try configuration.fitted ?? fit(files, &cleaning)
        let runs = SortedRuns(in: folder)
        var lines = FeatureLines(fitted, format: format)
        for file in files {
            var run: [(key: [UInt8], record: [UInt8])] = []
            try PurchasePartition(file, keepsDuplicates: configuration.keepsDuplicates).forEachCustomer { customer in
                let history = PurchaseHistory(customer.events, asOf: configuration.asOf, bounds: fitted.amountBounds)
                cleaning.see(history, duplicates: customer.duplicates, firstDuplicate: customer.firstDuplicate)
                run.append((Self.sortKey(customer.name), try lines.line(customer: customer.name, history, fitted)))
            }
            run.sort { $0.key.lexicographicallyPrecedes($1.key) }
            try runs.append(run)
        }
        let report = cleaning.report(asOf: configuration.asOf, outliers: configuration.outliers, features: fitted)
        guard report.customers > 0 else { throw PurchaseError.nothingLeft(report: report.text) }
        return Table(report: report, columns: lines.columns, header: lines.header, rows: try runs.merged())
    }

    private func fit(_ files: [SpillFile], _ cleaning: inout PurchaseCleaning) throws -> PurchaseFeatures {
        var fit = PurchaseFeaturesFit()
        if configuration.outliers != .none || (configuration.categories > 0 && cleaning.hasCategories) {
            for file in files {
                try PurchasePartition(file, keepsDuplicates: configuration.keepsDuplicates).forEachCustomer { customer in
                    // In order, so that sums do not depend on the order of the rows.
                    for event in customer.events.sorted() { fit.add(event) }
                }
            }
        }
        cleaning.note(.uncountedCategory, rows: fit.uncountedCategories)
        return fit.fitted(
            categories: cleaning.hasCategories ? configuration.categories : 0, outliers: configuration.outliers,
            eventCount: configuration.events)
    }

    /// Numbers by their value before all other names.
    private static func sortKey(_ customer: String) -> [UInt8] {
        let bytes = Array(customer.utf8)
        let isNumber = bytes.count < 256 && bytes.allSatisfy { (48...57).contains($0) } && (bytes[0] != 48 || bytes.count == 1)
        return isNumber ? [0, UInt8(bytes.count)] + bytes : [1] + bytes
    }
}
