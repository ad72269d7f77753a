import ArgumentParser
import Features
import Foundation
import HaggleCore
import Tabular
import Workbench

struct FeaturesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "features", abstract: "Customer features from raw purchases.", subcommands: [Build.self])

    struct Build: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Purchase files to one row of features a customer, as they were known at a moment.",
            discussion: """
                haggle features build --transactions purchases.csv --as-of 2024-06-01 --output customers.csv --schema features.yaml
                haggle features build --transactions 2023.csv.gz 2024.csv.gz --as-of 2024-06-01 --table customers --database URL

                Columns are found by their names (customer, time, order, item or category, amount, discount, currency, units, and many others);
                the report says what was taken for what. The amount is what was paid, negative for a return; the discount is the money taken
                off. Nothing at or after --as-of counts. Files may be larger than memory, in any order, and gzip. Train and serve with the
                same --fitted file where the features are computed again later.
                """)

        @Option(parsing: .upToNextOption, help: ArgumentHelp("CSV files with one purchase a row.", valueName: "file"))
        var transactions: [String]

        @Option(help: ArgumentHelp("The moment: only what came before it counts.", valueName: "time"))
        var asOf: String

        @Option(help: ArgumentHelp("Where to write; .ndjson or .jsonl for JSON lines, else CSV.", valueName: "file"))
        var output: String?

        @Option(help: ArgumentHelp("Also or instead: a table of PostgreSQL to make.", valueName: "name"))
        var table: String?

        @Flag(help: "Replace the table where it exists.") var replace = false

        @Option(help: ArgumentHelp("Write the features' types and units, to stand under context: of an experiment.", valueName: "file"))
        var schema: String?

        @Option(help: ArgumentHelp("Write what was found and done, as JSON.", valueName: "file"))
        var report: String?

        @Option(help: ArgumentHelp("Categories and bounds of an earlier build (made where the file does not exist).", valueName: "file"))
        var fitted: String?

        @Option(help: ArgumentHelp("Categories with a share of their own; 0 for none.", valueName: "n")) var categories = 12
        @Option(help: ArgumentHelp("Length of the event history; 0 for none.", valueName: "n")) var events = 32
        @Option(help: "Limit outliers among amounts: iqr, p99 or none.") var outliers = PurchaseOutliers.p99
        @Option(help: ArgumentHelp("Only amounts in this currency.", valueName: "code")) var currency: String?
        @Option(help: "Order in dates with slashes: dmy or mdy; default: what the file shows.") var dateOrder: PurchaseDateOrder?
        @Flag(help: "The discount column holds the share taken off (0 to 1), not money.") var discountShare = false
        @Flag(help: "Keep rows that repeat another exactly.") var keepDuplicates = false

        @OptionGroup(title: "Columns") var columns: PurchaseColumnFlags
        @OptionGroup var database: DatabaseOptions
        @OptionGroup var formatting: FormatOption

        func validate() throws {
            if Timestamp(asOf) == nil {
                throw ValidationError("--as-of: expected a time such as 2026-11-01 or 2026-11-01T00:00:00Z, found '\(asOf)'")
            }
            if transactions.isEmpty { throw ValidationError("--transactions: expected at least one file") }
            if output == nil, table == nil { throw ValidationError("expected --output FILE or --table NAME") }
            if replace, table == nil { throw ValidationError("--replace goes with --table") }
            guard (0...1000).contains(categories) else { throw ValidationError("--categories: expected 0 to 1000, found \(categories)") }
            guard (0...PurchaseFeatures.eventLimit).contains(events) else {
                throw ValidationError("--events: expected 0 to \(PurchaseFeatures.eventLimit), found \(events)")
            }
            if discountShare, columns.discountColumn.count > 1 {
                throw ValidationError("--discount-share: expected one --discount-column, found \(columns.discountColumn.count)")
            }
            if let output, transactions.contains(output) {
                throw ValidationError("--output: expected another file than the transactions, found \(output)")
            }
        }

        func run() async throws {
            guard let asOf = Timestamp(asOf) else { return }
            var configuration = FeatureBuild.Configuration(
                transactions: transactions, asOf: asOf, temporaryFolder: output.map { Self.folder(of: $0) } ?? NSTemporaryDirectory())
            configuration.columns = columns.given
            configuration.isDiscountShare = discountShare
            configuration.currency = currency
            configuration.dateOrder = dateOrder
            configuration.categories = categories
            configuration.events = events
            configuration.outliers = outliers
            configuration.keepsDuplicates = keepDuplicates
            configuration.fitted = try fitted.flatMap { try Self.readFitted($0) }
            var done: PurchaseReport?
            if let output {
                let isNDJSON = [".ndjson", ".jsonl"].contains { output.lowercased().hasSuffix($0) }
                let table = try build(configuration, as: isNDJSON ? .ndjson : .csv)
                try withFileOutput(output) { try table.write(to: &$0) }
                done = table.report
            }
            if let name = table {
                let table = try build(configuration, as: .csv)
                let rows = try await database.withPool(logger: commandLogger(), size: 1) {
                    try await FeatureTableStore(pool: $0).store(table, as: name, isReplacing: replace)
                }
                note("\(rows) customers in table \(name)")
                done = table.report
            }
            guard let done else { return }
            if let schema { try Self.write(done.features.yaml, to: schema) }
            if let report { try Self.write(try json(done) + "\n", to: report) }
            if let fitted, configuration.fitted == nil { try Self.write(try json(done.features) + "\n", to: fitted) }
            switch formatting.format {
            case .text: writeResult(done.text)
            case .json: writeResult(try json(done))
            }
        }

        private func build(_ configuration: FeatureBuild.Configuration, as format: FeatureBuild.Format) throws -> FeatureBuild.Table {
            let progress = Progress("rows read", total: nil)
            defer { progress.finish() }
            return try FeatureBuild(configuration).run(as: format) { progress.report($0) }
        }

        private static func readFitted(_ path: String) throws -> PurchaseFeatures? {
            guard FileManager.default.fileExists(atPath: path) else { return nil }
            do {
                return try JSONDecoder().decode(PurchaseFeatures.self, from: Data(contentsOf: URL(filePath: path)))
            } catch {
                throw WorkbenchError.unreadableFile(path: path, reason: "expected what an earlier --fitted wrote")
            }
        }

        private static func write(_ text: String, to path: String) throws {
            try withFileOutput(path) { try $0.append(Array(text.utf8)) }
        }

        private static func folder(of path: String) -> String {
            let folder = URL(filePath: path).deletingLastPathComponent().path
            return folder.isEmpty ? "." : folder
        }
    }
}

/// Names of the columns that are not found by themselves.
struct PurchaseColumnFlags: ParsableArguments {
    @Option(help: "Column of the customer.") var customerColumn: String?
    @Option(help: "Column of the time.") var timeColumn: String?
    @Option(help: "Column of the order; without it lines with one time are one order.") var orderColumn: String?
    @Option(help: "Column of the item, where there is no category.") var itemColumn: String?
    @Option(help: "Column of the category.") var categoryColumn: String?
    @Option(help: "Column of the amount paid.") var amountColumn: String?
    @Option(help: "Column of the discount. Repeatable: several are added.") var discountColumn: [String] = []
    @Option(help: "Column of the currency.") var currencyColumn: String?
    @Option(help: "Column of the number of pieces.") var unitsColumn: String?

    var given: [PurchaseRole: [String]] {
        let single: [(PurchaseRole, String?)] = [
            (.customer, customerColumn), (.time, timeColumn), (.order, orderColumn), (.item, itemColumn), (.category, categoryColumn),
            (.amount, amountColumn), (.currency, currencyColumn), (.units, unitsColumn),
        ]
        var given: [PurchaseRole: [String]] = [:]
        for (role, name) in single { if let name { given[role] = [name] } }
        if !discountColumn.isEmpty { given[.discount] = discountColumn }
        return given
    }
}

extension PurchaseOutliers: ExpressibleByArgument {}
extension PurchaseDateOrder: ExpressibleByArgument {}
