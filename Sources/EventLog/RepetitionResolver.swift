import HaggleCore

/// Decides which impressions of a batch are drawn and which only repeat: duplicates of a request id, and later impressions of a sticky unit.
///
/// A pure state machine. The caller asks what to look up (`requests`, `stickyUnits`, `unknownRows`), hands in what the database answered
/// (`take`, `takeRows`), and finds the rows to write in `resolved`.
struct RepetitionResolver {
    struct Requests {
        var experiments: [String] = []
        var requestIDs: [String] = []
        var impressions: [ImpressionID] = []
    }

    struct StickyUnits {
        var experiments: [String] = []
        var salts: [String] = []
        var units: [String] = []
        var impressions: [ImpressionID] = []
    }

    enum Kind { case request, sticky }

    private let pending: [LogBatch.PendingImpression]
    private(set) var resolved: [LogWriter.Resolved]
    /// Positions in `pending` of what was asked last.
    private var asked: [Int] = []
    /// By position: the impression that holds the same key.
    private var first: [Int: ImpressionID] = [:]
    private var rows: [ImpressionID: Impression] = [:]
    private let positions: [ImpressionID: Int]

    init(_ pending: [LogBatch.PendingImpression]) {
        self.pending = pending
        resolved = pending.map { LogWriter.Resolved(row: $0.impression, appended: .stored($0.impression)) }
        positions = Dictionary(pending.enumerated().map { ($1.impression.id, $0) }) { first, _ in first }
    }

    /// The request ids of the batch; nil where there are none.
    mutating func requests() -> Requests? {
        var requests = Requests()
        asked = []
        for (position, item) in pending.enumerated() {
            guard let requestID = item.requestID else { continue }
            asked.append(position)
            requests.experiments.append(item.impression.experiment.rawValue)
            requests.requestIDs.append(requestID)
            requests.impressions.append(item.impression.id)
        }
        return asked.isEmpty ? nil : requests
    }

    /// The sticky units whose policy or split chose; duplicates have their answer already.
    mutating func stickyUnits() -> StickyUnits? {
        var units = StickyUnits()
        asked = []
        for (position, item) in pending.enumerated() {
            guard let salt = item.stickySalt, let unit = item.impression.unit, item.impression.reason == .policy,
                resolved[position].row.duplicateOf == nil
            else { continue }
            asked.append(position)
            units.experiments.append(item.impression.experiment.rawValue)
            units.salts.append(salt)
            units.units.append(unit.rawValue)
            units.impressions.append(item.impression.id)
        }
        return asked.isEmpty ? nil : units
    }

    /// The impression that holds each key that was asked for, in the same order.
    mutating func take(_ firsts: [ImpressionID], for kind: Kind) {
        precondition(firsts.count == asked.count, "every key has an impression")
        first = Dictionary(zip(asked, firsts)) { first, _ in first }
    }

    /// Impressions outside of the batch that hold a key.
    var unknownRows: [ImpressionID] {
        Array(Set(asked.compactMap { first[$0] }).filter { positions[$0] == nil && rows[$0] == nil })
    }

    mutating func takeRows(_ impressions: [Impression]) {
        for impression in impressions { rows[impression.id] = impression }
    }

    mutating func resolveDuplicates() {
        for position in asked {
            // A first row that is gone (its day was dropped) leaves this one as it is.
            guard let original = original(of: position) else { continue }
            var row = resolved[position].row
            row.duplicateOf = original.id
            row.repeat(original)
            row.repeatedOf = original.repeatedOf
            resolved[position] = LogWriter.Resolved(row: row, appended: .duplicate(of: original))
        }
    }

    mutating func resolveRepetitions() {
        for position in asked {
            guard let original = original(of: position) else { continue }
            var row = resolved[position].row
            row.repeatedOf = original.id
            row.repeat(original)
            resolved[position] = LogWriter.Resolved(row: row, appended: .repeated(row, of: original))
        }
        // Duplicates of rows of this batch that turned out to be repetitions.
        for position in resolved.indices {
            guard let id = resolved[position].row.duplicateOf, let first = positions[id], resolved[first].row.repeatedOf != nil else {
                continue
            }
            var row = resolved[position].row
            row.repeat(resolved[first].row)
            row.repeatedOf = resolved[first].row.repeatedOf
            resolved[position] = LogWriter.Resolved(row: row, appended: .duplicate(of: resolved[first].row))
        }
    }

    /// The row that holds the same key, unless it is this one (or this one written before, by a try whose outcome was lost).
    private func original(of position: Int) -> Impression? {
        guard let id = first[position], id != pending[position].impression.id else { return nil }
        return positions[id].map { resolved[$0].row } ?? rows[id]
    }
}

extension Impression {
    /// Shows the arm of an earlier impression, for certain. Where that arm can no longer be given, this one's stays.
    fileprivate mutating func `repeat`(_ earlier: Impression) {
        if duplicateOf != nil {
            variant = earlier.variant
            reason = earlier.reason
            eligibleArms = earlier.eligibleArms
        }
        if eligibleArms.contains(earlier.arm) {
            arm = earlier.arm
            if reason == .policy { variant = earlier.variant }
        }
        propensities = eligibleArms.map { $0 == arm ? 1 : 0 }
        propensity = 1
    }
}
