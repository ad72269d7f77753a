import Features
import HaggleCore

/// Counts what is found while purchases are read and put together.
struct PurchaseCleaning {
    private struct Tally {
        var rows = 0
        var first: PurchasePlace?
    }

    /// The input files in order; `PurchasePlace.file` counts in them.
    var files: [PurchaseReport.File] = []
    var timeForms: [PurchaseTimeReader.Form: Int] = [:]
    var currency: String?
    /// Whether any file says what was bought.
    var hasCategories = false
    private var tallies: [PurchaseFinding: Tally] = [:]
    private var customers = 0
    private var used = 0
    private var firstTime: Timestamp?
    private var lastTime: Timestamp?

    mutating func note(_ finding: PurchaseFinding, at place: PurchasePlace) { note(finding, rows: 1, first: place) }

    mutating func note(_ finding: PurchaseFinding, rows: Int, first: PurchasePlace? = nil) {
        guard rows > 0 else { return }
        tallies[finding, default: Tally()].rows += rows
        guard let first else { return }
        let known = tallies[finding]?.first
        if known.map({ first < $0 }) ?? true { tallies[finding]?.first = first }
    }

    /// A customer's cleaned purchases.
    mutating func see(_ history: PurchaseHistory, duplicates: Int, firstDuplicate: PurchasePlace?) {
        note(.duplicate, rows: duplicates, first: firstDuplicate)
        note(.outlier, rows: history.limitedCount)
        customers += 1
        used += history.events.count
        guard let first = history.events.first?.time, let last = history.events.last?.time else { return }
        firstTime = min(firstTime ?? first, first)
        lastTime = max(lastTime ?? last, last)
    }

    func report(asOf: Timestamp, outliers: PurchaseOutliers, features: PurchaseFeatures) -> PurchaseReport {
        var report = PurchaseReport(asOf: asOf, outliers: outliers, features: features)
        report.files = files
        report.customers = customers
        report.used = used
        report.currency = currency
        report.firstTime = firstTime
        report.lastTime = lastTime
        for (form, count) in timeForms { report.timeForms[form.rawValue] = count }
        for finding in PurchaseFinding.allCases {
            guard let tally = tallies[finding] else { continue }
            let first = tally.first.map { "\(files[$0.file].path):\($0.line)" }
            report.add(finding, rows: tally.rows, first: first)
        }
        return report
    }
}

/// A row of the input: the number of its file and its line.
struct PurchasePlace: Hashable, Comparable {
    var file: Int
    var line: Int

    init(file: Int, line: Int) {
        self.file = file
        self.line = line
    }

    /// In one number: 24 bits for the file, 40 for the line.
    init(packed: UInt64) { self.init(file: Int(packed >> 40), line: Int(packed & (1 << 40 - 1))) }
    var packed: UInt64 { UInt64(file) << 40 | UInt64(line) }

    static func < (left: Self, right: Self) -> Bool { left.packed < right.packed }
}
