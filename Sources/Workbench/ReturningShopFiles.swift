import HaggleCore
import HaggleMath
package import Simulation
import Tabular

/// `haggle shop`: the files of a made-up shop with returning customers, for trying the way from purchases to a strategy.
package struct ReturningShopFiles: Sendable {
    /// What a strategy earns.
    package struct Applied: Sendable, Codable, Hashable {
        package var customers: Int
        /// Customers by arm.
        package var arms: [String: Int]
        /// True expected margin of a mail: the strategy, every arm for everybody, and the best arm for each.
        package var expected: Double
        package var expectedByArm: [String: Double]
        package var expectedBest: Double
        /// Mails of the test: half of the customers, drawn at random, get their arm, the others the control arm.
        package var treatedMails: Int
        package var controlMails: Int
        /// Mean margins of the test, and their difference with its standard error, clustered by customer.
        package var treated: Double
        package var control: Double
        package var difference: Double
        package var standardError: Double

        private enum CodingKeys: String, CodingKey {
            case customers, arms, expected
            case expectedByArm = "expected_by_arm"
            case expectedBest = "expected_best"
            case treatedMails = "treated_mails"
            case controlMails = "control_mails"
            case treated, control, difference
            case standardError = "standard_error"
        }
    }

    private let shop: ReturningShop

    package init(_ shop: ReturningShop) { self.shop = shop }

    /// The books: one purchase a row.
    /// - Returns: rows written.
    package func writePurchases(customers: Int, to path: String) throws -> Int {
        let rows = shop.books(customers: customers)
        var writer = CSVWriter(columns: ["customer", "time", "item", "amount", "discount"])
        try withFileOutput(path) { (file: inout RowOutput) in
            try file.append(writer.header())
            for row in rows {
                for field in row { if field.isEmpty { writer.emptyField() } else { writer.field(field) } }
                try file.append(writer.endRow())
            }
        }
        return rows.count
    }

    /// The log of a pilot: every customer of the file gets so many weekly mails, each with an arm drawn evenly.
    ///
    /// Columns: `unit,time,arm,propensity,reward` and those of the customers' file.
    /// - Parameter customers: what `features build` wrote.
    /// - Returns: rows written.
    /// - Throws: `TabularError` with the place of a customer whom the shop does not know.
    package func writePilot(customers: String, mails: Int, to path: String) throws -> Int {
        var reader = try CSVReader(path: customers)
        let name = try reader.index(of: "customer")
        let features = reader.columns.indices.filter { $0 != name }
        var people: [(number: Int, fields: [String])] = []
        while let row = try reader.next() {
            people.append((try number(in: row, at: name, of: reader), features.map { row.string(at: $0) }))
        }
        var writer = CSVWriter(columns: ["unit", "time", "arm", "propensity", "reward"] + features.map { reader.columns[$0] })
        let even = 1 / Double(ReturningShop.arms.count)
        var count = 0
        try withFileOutput(path) { (file: inout RowOutput) in
            try file.append(writer.header())
            for mail in 0..<mails {
                for (number, fields) in people {
                    let customer = shop.customer(number)
                    let arm = shop.pilotArm(number: number, mail: mail)
                    writer.field(customer.unit.rawValue)
                    writer.field(shop.time(number: number, mail: mail).description)
                    writer.field(ReturningShop.arms[arm].key.rawValue)
                    writer.field(even)
                    writer.field(shop.margin(of: customer, number: number, mail: mail, arm: arm))
                    for field in fields { if field.isEmpty { writer.emptyField() } else { writer.field(field) } }
                    try file.append(writer.endRow())
                    count += 1
                }
            }
        }
        return count
    }

    /// Applies a strategy: its true value, and a test as the shop would run it.
    /// - Parameters:
    ///   - strategy: a file with the columns `customer` and `arm`, such as `haggle recommend` writes.
    ///   - mails: weekly mails of the test, after those of the pilot.
    ///   - firstMail: how many mails went out before it.
    /// - Throws: `TabularError` with the place of an unknown customer or arm, or of a customer who stands twice.
    package func apply(strategy path: String, mails: Int, after firstMail: Int) throws -> Applied {
        var reader = try CSVReader(path: path)
        let name = try reader.index(of: "customer")
        let arm = try reader.index(of: "arm")
        let arms = ReturningShop.arms
        let controlArm = arms.firstIndex { $0.isControl } ?? 0
        var counts = [Int](repeating: 0, count: arms.count)
        var expected = CompensatedSum()
        var best = CompensatedSum()
        var byArm = [CompensatedSum](repeating: CompensatedSum(), count: arms.count)
        var groups: [(mean: [Double], size: Int)] = [([], 0), ([], 0)]
        var seen = Set<Int>()
        var split = SeededGenerator(seed: shop.seed, stream: 0x74_65_73_74)
        while let row = try reader.next() {
            let number = try number(in: row, at: name, of: reader)
            guard seen.insert(number).inserted else {
                throw TabularError.badValue(
                    reader.place(of: name, in: row), expected: "every customer once", found: "\(row.string(at: name)) again")
            }
            guard let chosen = arms.firstIndex(where: { $0.key.rawValue == row.string(at: arm) }) else {
                throw TabularError.badValue(
                    reader.place(of: arm, in: row), expected: arms.map(\.key.rawValue).joined(separator: ", "), found: row.string(at: arm))
            }
            let customer = shop.customer(number)
            counts[chosen] += 1
            let truth = arms.indices.map { shop.expectedMargin(of: customer, arm: $0) }
            expected += truth[chosen]
            best += truth.max() ?? 0
            for index in arms.indices { byArm[index] += truth[index] }
            let isTreated = split.uniform() < 0.5
            let shown = isTreated ? chosen : controlArm
            let margins = (0..<mails).map { shop.margin(of: customer, number: number, mail: firstMail + $0, arm: shown) }
            groups[isTreated ? 0 : 1].mean.append(margins.reduce(0, +) / Double(mails))
            groups[isTreated ? 0 : 1].size += mails
        }
        guard groups.allSatisfy({ $0.mean.count > 1 }) else {
            throw WorkbenchError.filesDisagree("\(path): expected at least a few customers, found \(seen.count)")
        }
        let count = Double(seen.count)
        let (treated, control) = (Self.meanAndError(groups[0].mean), Self.meanAndError(groups[1].mean))
        return Applied(
            customers: seen.count, arms: Dictionary(uniqueKeysWithValues: zip(arms.map(\.key.rawValue), counts)),
            expected: expected.value / count,
            expectedByArm: Dictionary(uniqueKeysWithValues: zip(arms.map(\.key.rawValue), byArm.map { $0.value / count })),
            expectedBest: best.value / count, treatedMails: groups[0].size, controlMails: groups[1].size, treated: treated.mean,
            control: control.mean, difference: treated.mean - control.mean,
            standardError: (treated.error * treated.error + control.error * control.error).squareRoot())
    }

    private func number(in row: CSVRow, at column: Int, of reader: borrowing CSVReader) throws -> Int {
        guard let number = ReturningShop.number(of: row.string(at: column)) else {
            throw TabularError.badValue(
                reader.place(of: column, in: row), expected: "a customer of the made-up shop, such as c1", found: row.string(at: column))
        }
        return number
    }

    /// Mean of customers and its standard error.
    private static func meanAndError(_ values: [Double]) -> (mean: Double, error: Double) {
        let count = Double(values.count)
        let mean = values.reduce(0, +) / count
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return (mean, (squares / (count - 1) / count).squareRoot())
    }
}
