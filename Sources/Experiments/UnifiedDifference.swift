/// Two texts line by line, as `diff -u` shows them.
enum UnifiedDifference {
    /// Empty for equal texts. O((n + m) d) for d lines that differ.
    static func text(from old: String, to new: String, file: String) -> String {
        guard old != new else { return "" }
        let (before, after) = (lines(old), lines(new))
        let changes = after.difference(from: before)
        let removed = Set(changes.removals.map(position))
        let inserted = Set(changes.insertions.map(position))
        // Every line of both texts once: kept, gone or come.
        var script: [(mark: String, line: String, old: Int, new: Int)] = []
        var (i, j) = (0, 0)
        while i < before.count || j < after.count {
            if i < before.count, removed.contains(i) {
                script.append(("-", before[i], i, j))
                i += 1
            } else if j < after.count, inserted.contains(j) {
                script.append(("+", after[j], i, j))
                j += 1
            } else {
                script.append((" ", before[i], i, j))
                i += 1
                j += 1
            }
        }
        var result = "--- a/\(file)\n+++ b/\(file)\n"
        let changed = script.indices.filter { script[$0].mark != " " }
        var start = 0
        while start < changed.count {
            // Changes whose surroundings touch share a hunk.
            var end = start
            while end + 1 < changed.count, changed[end + 1] - changed[end] <= 2 * context { end += 1 }
            let lower = max(0, changed[start] - context)
            let upper = min(script.count, changed[end] + context + 1)
            let hunk = script[lower..<upper]
            result += "@@ -\(range(hunk[lower].old, hunk.filter { $0.mark != "+" }.count)) "
            result += "+\(range(hunk[lower].new, hunk.filter { $0.mark != "-" }.count)) @@\n"
            for entry in hunk {
                result += entry.mark + entry.line
                if !entry.line.hasSuffix("\n") { result += "\n\\ No newline at end of file\n" }
            }
            start = end + 1
        }
        return result
    }

    private static let context = 3

    /// An empty range names the line before it.
    private static func range(_ start: Int, _ count: Int) -> String {
        let first = count == 0 ? start : start + 1
        return count == 1 ? "\(first)" : "\(first),\(count)"
    }

    private static func position(_ change: CollectionDifference<String>.Change) -> Int {
        switch change {
        case .remove(let offset, _, _), .insert(let offset, _, _): offset
        }
    }

    /// With their line breaks.
    private static func lines(_ text: String) -> [String] {
        var result: [String] = []
        var line = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            line.append(scalar)
            if scalar == "\n" {
                result.append(String(line))
                line = String.UnicodeScalarView()
            }
        }
        if !line.isEmpty { result.append(String(line)) }
        return result
    }
}
