package import HaggleCore

/// What was found in purchase files and what was done about it.
package struct PurchaseReport: Hashable, Sendable, Codable {
    /// Rows with one finding.
    package struct Count: Hashable, Sendable, Codable {
        package var finding: PurchaseFinding
        package var rows: Int
        package var treatment: String
        /// `file:line` of the first of them in the order of the files.
        package var first: String?
    }

    /// One input file.
    package struct File: Hashable, Sendable, Codable {
        package var path: String
        package var rows: Int
        /// The columns by what they were taken for.
        package var columns: [String: [String]]

        package init(path: String, rows: Int, columns: [String: [String]]) {
            self.path = path
            self.rows = rows
            self.columns = columns
        }
    }

    package var asOf: Timestamp
    package var files: [File] = []
    package var customers = 0
    /// Rows that the features come from.
    package var used = 0
    package var findings: [Count] = []
    /// How often times were written in each way.
    package var timeForms: [String: Int] = [:]
    /// The currency of all amounts, where the files say one.
    package var currency: String?
    /// The first and the last purchase or return that was used.
    package var firstTime: Timestamp?
    package var lastTime: Timestamp?
    package var outliers: PurchaseOutliers
    /// What was fitted, to make the same features of other purchases.
    package var features: PurchaseFeatures

    package init(asOf: Timestamp, outliers: PurchaseOutliers, features: PurchaseFeatures) {
        self.asOf = asOf
        self.outliers = outliers
        self.features = features
    }

    package var rows: Int { files.reduce(0) { $0 + $1.rows } }

    /// Counts rows with a finding.
    /// - Parameter first: the place of the first.
    package mutating func add(_ finding: PurchaseFinding, rows: Int, first: String?) {
        guard rows > 0 else { return }
        findings.append(Count(finding: finding, rows: rows, treatment: finding.treatment, first: first))
    }

    package func count(of finding: PurchaseFinding) -> Int { findings.first { $0.finding == finding }?.rows ?? 0 }

    /// For people.
    package var text: String {
        var lines = [
            "\(rows) rows in \(files.count) \(files.count == 1 ? "file" : "files"), \(used) used; \(customers) customers as of \(asOf)"
        ]
        if let firstTime, let lastTime { lines.append("purchases from \(firstTime) to \(lastTime)") }
        var shown: [[String: [String]]] = []
        for file in files where !shown.contains(file.columns) {
            shown.append(file.columns)
            let mapping = PurchaseRole.allCases.compactMap { role in
                file.columns[role.rawValue].map { "\(role.rawValue) = \($0.joined(separator: " + "))" }
            }
            lines.append("columns of \(file.path): \(mapping.joined(separator: ", "))")
        }
        if let currency { lines.append("currency: \(currency)") }
        if !timeForms.isEmpty {
            lines.append("times: " + timeForms.sorted { $0.key < $1.key }.map { "\($0.value) as \($0.key)" }.joined(separator: ", "))
        }
        if let bounds = features.amountBounds {
            lines.append("amounts of purchases limited to \(bounds.lowerBound)...\(bounds.upperBound) (\(outliers.rawValue))")
        }
        if !features.categories.isEmpty {
            lines.append("categories with a share of their own: \(features.categories.joined(separator: ", "))")
        }
        for count in findings {
            lines.append(
                "\(count.rows) \(count.finding.meaning): \(count.treatment)" + (count.first.map { " (first: \($0))" } ?? ""))
        }
        if findings.isEmpty { lines.append("nothing to clean") }
        return lines.joined(separator: "\n")
    }
}
