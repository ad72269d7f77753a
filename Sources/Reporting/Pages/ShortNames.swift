/// Names short enough for tables and charts, each still different from all others.
struct ShortNames: Sendable {
    private let names: [String: String]

    /// - Parameter width: the most columns that a name may take.
    init(_ full: [String], width: Int = 36) {
        var names: [String: String] = [:]
        var taken: Set<String> = []
        for name in full where names[name] == nil {
            var short = name.printable.shortened(toWidth: width)
            var number = 2
            while !taken.insert(short).inserted {
                short = name.printable.shortened(toWidth: width - 1 - String(number).count) + "~\(number)"
                number += 1
            }
            names[name] = short
        }
        self.names = names
    }

    subscript(name: String) -> String { names[name] ?? name.printable }

    /// `a`, `a and b`, `a, b and c`; more than `limit` of them end in `and 7 others`.
    func list(_ full: [String], limit: Int = 4) -> String {
        var parts = full.prefix(full.count > limit ? limit - 1 : limit).map { self[$0] }
        if full.count > parts.count { parts.append("\(full.count - parts.count) others") }
        guard parts.count > 1 else { return parts.first ?? "" }
        return parts.dropLast().joined(separator: ", ") + " and " + parts[parts.count - 1]
    }
}
