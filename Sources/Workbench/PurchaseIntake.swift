import Features
import HaggleCore
import Tabular

/// Reads purchase files, leaves out what cannot be used, and spreads the rest by customer.
struct PurchaseIntake: ~Copyable {
    /// 1990-01-01: nobody's purchases are older; dates like 1900 and 1970 stand for none.
    private static let earliest = Timestamp(microseconds: 631_152_000_000_000)
    private static let missing: Set<String> = ["", "NA", "N/A", "na", "n/a", "NULL", "null", "nan", "NaN", "NAN", "None", "none", "-", "?"]

    private let configuration: FeatureBuild.Configuration
    private var partitions: HashPartitions
    private(set) var cleaning = PurchaseCleaning()
    private var record = PurchaseRecord()
    private var rows = 0

    init(_ configuration: FeatureBuild.Configuration, folder: TemporaryFolder) {
        self.configuration = configuration
        partitions = HashPartitions(in: folder)
    }

    consuming func finish(limit: Int) throws -> [SpillFile] { try partitions.finish(limit: limit) }

    /// The positions of a file's columns.
    private struct Layout {
        let customer: Int
        let time: Int
        let amount: Int
        let order: Int?
        let category: Int?
        let discounts: [Int]
        let currency: Int?
        let units: Int?

        init(_ columns: PurchaseColumns, in reader: borrowing CSVReader) throws {
            customer = try reader.index(of: columns[.customer][0])
            time = try reader.index(of: columns[.time][0])
            amount = try reader.index(of: columns[.amount][0])
            order = try Self.index(columns[.order].first, reader)
            category = try Self.index(columns.category, reader)
            currency = try Self.index(columns[.currency].first, reader)
            units = try Self.index(columns[.units].first, reader)
            var discounts: [Int] = []
            for name in columns[.discount] { discounts.append(try reader.index(of: name)) }
            self.discounts = discounts
        }

        private static func index(_ name: String?, _ reader: borrowing CSVReader) throws -> Int? {
            guard let name else { return nil }
            return try reader.index(of: name)
        }
    }

    mutating func read(_ path: String, progress: (Int) -> Void) throws {
        var reader = try CSVReader(path: path)
        let columns = try PurchaseColumns(header: reader.columns, file: path, given: configuration.columns)
        let layout = try Layout(columns, in: reader)
        if layout.category != nil { cleaning.hasCategories = true }
        let file = cleaning.files.count
        cleaning.files.append(.init(path: path, rows: 0, columns: columns.names))
        var times = PurchaseTimeReader(dateOrder: configuration.dateOrder)
        let before = rows
        while let row = try reader.next() {
            rows += 1
            if rows & 0xffff == 0 { progress(rows) }
            let place = PurchasePlace(file: file, line: row.line)
            guard let time = try time(of: row, at: layout.time, place, path, &times),
                try take(row, layout, place, reader)
            else { continue }
            record.time = time
            record.digest = row.digest
            record.place = place
            try partitions.append(record.encoded, hash: record.customerHash)
        }
        cleaning.files[file].rows = rows - before
        progress(rows)
    }

    /// The row's time where it can be used. What comes at or after the moment is left out before anything else of the row is looked at.
    private mutating func time(
        of row: CSVRow, at column: Int, _ place: PurchasePlace, _ path: String, _ times: inout PurchaseTimeReader
    ) throws -> Timestamp? {
        var reading = row.withBytes(at: column) { times.read($0, from: $1, to: $2) }
        if case .undecided = reading {
            times.dateOrder = try dateOrder(of: path, column: column)
            reading = row.withBytes(at: column) { times.read($0, from: $1, to: $2) }
        }
        guard case .time(let time, let form) = reading else {
            cleaning.note(Self.missing.contains(row.string(at: column)) ? .missingTime : .unreadableTime, at: place)
            return nil
        }
        guard time < configuration.asOf else {
            cleaning.note(.notBeforeAsOf, at: place)
            return nil
        }
        guard time >= Self.earliest else {
            cleaning.note(.tooEarly, at: place)
            return nil
        }
        cleaning.timeForms[form, default: 0] += 1
        return time
    }

    /// Reads a file's whole column of times to find out whether days or months come first.
    private func dateOrder(of path: String, column: Int) throws -> PurchaseDateOrder {
        var reader = try CSVReader(path: path)
        var times = PurchaseTimeReader()
        var survey = PurchaseDateOrder.Survey()
        while let row = try reader.next() {
            if case .undecided(let first, let second) = row.withBytes(at: column, { times.read($0, from: $1, to: $2) }) {
                survey.see(first: first, second: second, line: row.line, text: row.string(at: column))
            }
        }
        if let order = survey.order { return order }
        func finding(_ found: (line: Int, text: String)) -> PurchaseError.Finding {
            .init(file: path, line: found.line, column: reader.columns[column], text: found.text)
        }
        if let dayFirst = survey.dayFirst, let monthFirst = survey.monthFirst {
            throw PurchaseError.mixedDates(dayFirst: finding(dayFirst), monthFirst: finding(monthFirst))
        }
        throw PurchaseError.ambiguousDates(finding(survey.undecided ?? (line: 1, text: "")))
    }

    /// Reads everything but the time; false where the row is left out.
    private mutating func take(_ row: CSVRow, _ layout: Layout, _ place: PurchasePlace, _ reader: borrowing CSVReader) throws -> Bool {
        record.setCustomer(row, at: layout.customer)
        if record.customer.isEmpty
            || (record.customer.count <= 4 && Self.missing.contains(String(decoding: record.customer, as: UTF8.self)))
        {
            cleaning.note(.missingCustomer, at: place)
            return false
        }
        var written: String?
        switch Self.number(row, at: layout.amount) {
        case .missing:
            cleaning.note(.missingAmount, at: place)
            return false
        case .unreadable:
            cleaning.note(.unreadableAmount, at: place)
            return false
        case .value(let amount, let currency):
            record.amount = amount
            written = currency
        }
        if let column = layout.currency {
            let text = Self.trimmed(row, column)
            if !Self.missing.contains(text) { written = text.uppercased() }
        }
        if let written, try isForeign(written, in: row, at: layout.currency ?? layout.amount, reader) {
            cleaning.note(.otherCurrency, at: place)
            return false
        }
        if record.amount < 0 { cleaning.note(.returned, at: place) }
        record.discount = try discount(row, layout.discounts, place, reader)
        record.setOrder(row, at: layout.order)
        record.setCategory(row, at: layout.category)
        if layout.category != nil, record.category.map({ Self.missing.contains($0) }) ?? true {
            record.clearCategory()
            cleaning.note(.missingCategory, at: place)
        }
        record.units = units(row, layout.units, place)
        return true
    }

    /// Whether an amount is in a currency that is left out.
    private mutating func isForeign(_ currency: String, in row: CSVRow, at column: Int, _ reader: borrowing CSVReader) throws -> Bool {
        if let wanted = configuration.currency?.uppercased() {
            cleaning.currency = wanted
            return currency != wanted
        }
        if let known = cleaning.currency, known != currency {
            let finding = PurchaseError.Finding(file: reader.file, line: row.line, column: reader.columns[column], text: currency)
            throw PurchaseError.mixedCurrencies(finding, other: known)
        }
        cleaning.currency = currency
        return false
    }

    private mutating func discount(
        _ row: CSVRow, _ columns: [Int], _ place: PurchasePlace, _ reader: borrowing CSVReader
    ) throws -> Double {
        var sum = 0.0
        for column in columns {
            switch Self.number(row, at: column) {
            case .missing: cleaning.note(.missingDiscount, at: place)
            case .unreadable: cleaning.note(.unreadableDiscount, at: place)
            case .value(let value, _):
                if configuration.isDiscountShare, !(0...1).contains(value) {
                    throw PurchaseError.badShare(
                        .init(file: reader.file, line: row.line, column: reader.columns[column], text: row.string(at: column)))
                }
                if value < 0, record.amount >= 0 { cleaning.note(.negativeDiscount, at: place) }
                sum += abs(value)
            }
        }
        if configuration.isDiscountShare { return record.amount < 0 ? 0 : min(1, sum) }
        return PurchaseEvent.share(of: sum, on: record.amount)
    }

    private mutating func units(_ row: CSVRow, _ column: Int?, _ place: PurchasePlace) -> Double? {
        guard let column else { return nil }
        switch Self.number(row, at: column) {
        case .value(let value, _) where value >= 0 || record.amount < 0: return abs(value)
        case .missing: return nil
        default:
            cleaning.note(.unreadableUnits, at: place)
            return nil
        }
    }

    private enum Number { case value(Double, currency: String?), missing, unreadable }

    private static func number(_ row: CSVRow, at column: Int) -> Number {
        if let value = row.double(at: column) {
            if value.isFinite { return .value(value == 0 ? 0 : value, currency: nil) }
            return value.isNaN ? .missing : .unreadable
        }
        let text = trimmed(row, column)
        if missing.contains(text) { return .missing }
        guard let read = MoneyText.read(text) else { return .unreadable }
        return .value(read.amount == 0 ? 0 : read.amount, currency: read.currency)
    }

    private static func trimmed(_ row: CSVRow, _ column: Int) -> String {
        var bytes: [UInt8] = []
        _ = row.appendTrimmed(at: column, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}
