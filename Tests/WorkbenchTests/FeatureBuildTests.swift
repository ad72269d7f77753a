import Features
import Foundation
import HaggleCore
import Tabular
import Testing

@testable import Workbench

@Suite struct FeatureBuildTests {
    private static let header = "customer,time,category,amount,discount\n"
    private static let asOf = Timestamp("2024-06-01")!

    /// Rows of 60 customers through 2024, in no order, with returns and commas in categories.
    private static let rows: [String] = (0..<3000).map { index in
        let mixed = (index * 7919) % 3001
        let day = (mixed * 31) % 330
        let date = (Timestamp("2024-01-01")! + Double(day * 86_400 + mixed)).description
        let amount = mixed % 41 == 0 ? "-3.5" : "\(Double(mixed % 997) / 10)"
        return "\(mixed % 60),\(date),\"c,\(mixed % 9)\",\(amount),\(mixed % 3 == 0 ? "2.5" : "0")\n"
    }

    private func build(
        _ texts: [String], as format: FeatureBuild.Format = .csv, _ change: (inout FeatureBuild.Configuration) -> Void = { _ in }
    ) throws -> (text: String, report: PurchaseReport) {
        let folder = FileManager.default.temporaryDirectory.appending(path: "haggle-build-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        var paths: [String] = []
        for (index, text) in texts.enumerated() {
            let file = folder.appending(path: "\(index).csv")
            try Data(text.utf8).write(to: file)
            paths.append(file.path)
        }
        var configuration = FeatureBuild.Configuration(transactions: paths, asOf: Self.asOf, temporaryFolder: folder.path)
        change(&configuration)
        let table = try FeatureBuild(configuration).run(as: format)
        var bytes: [UInt8] = []
        var output = RowOutput { bytes += $0 }
        try table.write(to: &output)
        try output.flush()
        return (String(decoding: bytes, as: UTF8.self), table.report)
    }

    private func message(_ text: String, _ change: (inout FeatureBuild.Configuration) -> Void = { _ in }) -> String {
        do {
            _ = try build([text], change)
            return ""
        } catch { return "\(error)" }
    }

    @Test func nothingAtOrAfterTheMomentChangesAByte() throws {
        let before = Self.rows.filter { $0.split(separator: ",")[1] < "2024-06-01" }
        #expect(before.count < Self.rows.count)
        let whole = try build([Self.header + Self.rows.joined()])
        let cut = try build([Self.header + before.joined()])
        let more = try build([Self.header + Self.rows.joined() + "7,2024-06-01,new,1e9,\n7,2025-01-01,,nonsense,-1\n"])
        #expect(whole.text == cut.text)
        #expect(whole.text == more.text)
        #expect(whole.report.count(of: .notBeforeAsOf) == Self.rows.count - before.count)
        #expect(whole.report.features == cut.report.features)
    }

    /// Also where the rows do not fit into one partition, or come in two files.
    @Test func orderFilesAndPartitionsMakeNoDifference() throws {
        let whole = try build([Self.header + Self.rows.joined()]).text
        let parts = [Self.rows.prefix(1000).reversed().joined(), Self.rows.dropFirst(1000).shuffled().joined()]
        #expect(try build(parts.map { Self.header + $0 }).text == whole)
        #expect(try build([Self.header + Self.rows.joined()]) { $0.partitionLimit = 200 }.text == whole)
    }

    /// What the file says and what serving computes for one customer are the same doubles.
    @Test func trainingAndServingAgreeBitByBit() throws {
        let (text, report) = try build([Self.header + Self.rows.joined()])
        var reader = try CSVReader(bytes: Array(text.utf8))
        var seen = 0
        while let row = try reader.next() {
            let customer = row.string(at: 0)
            var events: [PurchaseEvent] = []
            for line in Set(Self.rows) where line.hasPrefix(customer + ",") {
                let fields = line.dropLast().split(separator: "\"").flatMap { $0.first == "c" ? [$0] : $0.split(separator: ",") }
                let amount = try #require(Double(fields[3]))
                events.append(
                    PurchaseEvent(
                        time: try #require(Timestamp(fields[1])), amount: amount,
                        discount: PurchaseEvent.share(of: try #require(Double(fields[4])), on: amount), category: String(fields[2])))
            }
            let context = report.features.context(of: events, asOf: Self.asOf)
            for (index, column) in report.features.columns.enumerated() {
                let expected: Double? = if case .number(let value)? = context[column.name] { value } else { nil }
                #expect(row.double(at: index + 1)?.bitPattern == expected?.bitPattern, "\(customer) \(column.name)")
            }
            let history = try JSONDecoder().decode(ContextValue.self, from: Data(row.string(at: row.count - 1).utf8))
            #expect(history == context["history"])
            seen += 1
        }
        #expect(seen == 60)
    }

    @Test func everyFlawIsCountedAndDealtWith() throws {
        let text = """
            Customer,Date,Category,Amount,Discount
            a,01.05.2024,x,10,
            a,01.05.2024,x,10,
            a,2024-05-02,"x, y",20,5
            ,2024-05-02,x,1,0
            a,soon,x,1,0
            a,,x,1,0
            a,1901-01-01,x,1,0
            a,2024-05-03,x,,0
            a,2024-05-03,x,much,0
            a,2024-05-04,,-4,0
            a,2024-07-01,x,1,0

            """
        let (table, report) = try build([text]) { $0.outliers = .none }
        let expected: [PurchaseFinding: Int] = [
            .missingCustomer: 1, .unreadableTime: 1, .missingTime: 1, .tooEarly: 1, .missingAmount: 1, .unreadableAmount: 1, .returned: 1,
            .missingCategory: 1, .duplicate: 1, .missingDiscount: 2, .notBeforeAsOf: 1,
        ]
        for finding in PurchaseFinding.allCases { #expect(report.count(of: finding) == expected[finding] ?? 0, "\(finding)") }
        #expect(report.rows == 11 && report.used == 3 && report.customers == 1)
        #expect(report.findings.first { $0.finding == .duplicate }?.first?.hasSuffix(":3") == true)
        #expect(table.contains("\na,30,2,2,30,"))
        #expect(try build([text]) { $0.keepsDuplicates = true }.report.count(of: .duplicate) == 0)
    }

    @Test func datesWithSlashesAreDecidedByTheWholeColumn() throws {
        let text = "customer,time,amount\na,05/03/2024,1\na,13/03/2024,1\n"
        #expect(try build([text]).report.timeForms == ["dd/mm/yyyy": 2])
        #expect(message("customer,time,amount\na,05/03/2024,1\n").contains("0.csv:2: column time: `05/03/2024`"))
        let mixed = message("customer,time,amount\na,25/03/2024,1\na,03/25/2024,1\n")
        #expect(mixed.contains("0.csv:2: column time: `25/03/2024`") && mixed.contains("line 3"))
        #expect(try build(["customer,time,amount\na,25/03/2024,1\na,03/25/2024,1\n"]) { $0.dateOrder = .dayFirst }.report.used == 1)
    }

    @Test func currenciesAreNotMixed() throws {
        let text = "customer,time,amount,currency\na,2024-03-01,1,EUR\na,2024-03-02,2,USD\n"
        #expect(message(text).contains("0.csv:3: column currency: expected one currency, found `USD` after `EUR`"))
        let (_, report) = try build([text]) { $0.currency = "eur" }
        #expect(report.used == 1 && report.count(of: .otherCurrency) == 1 && report.currency == "EUR")
    }

    @Test func unusableFilesSayWhy() {
        #expect(message("a,b\n1,2\n").contains("expected a column for the customer"))
        #expect(message("customer,time,amount\na,2025-01-01,1\n").contains("rows at or after the moment"))
        #expect(message("customer,time,amount\na,2024-01-01,\"1\n").contains("never closed"))
        #expect(
            message("customer,time,amount,discount\na,2024-01-01,1,15\n") { $0.isDiscountShare = true }.contains("0.csv:2: column discount")
        )
    }

    @Test func jsonLinesHoldTheSame() throws {
        let csv = try build([Self.header + Self.rows.joined()]).text
        let lines = try build([Self.header + Self.rows.joined()], as: .ndjson) { $0.events = 8 }.text.split(separator: "\n")
        #expect(lines.count == csv.split(separator: "\n").count - 1)
        let first = try JSONDecoder().decode(Context.self, from: Data(lines[0].utf8))
        #expect(first["customer"] == "0")
        if case .events(let events)? = first["history"] { #expect(events.count == 8) } else { Issue.record("no history") }
    }
}
