import Features
import Tabular

/// The purchases of some customers, all in memory.
struct PurchasePartition {
    struct Customer {
        var name: String
        /// In any order.
        var events: [PurchaseEvent] = []
        var duplicates = 0
        var firstDuplicate: PurchasePlace?
    }

    private let spilled: SpilledRecords
    private let keepsDuplicates: Bool

    init(_ file: SpillFile, keepsDuplicates: Bool) throws {
        spilled = try file.records()
        self.keepsDuplicates = keepsDuplicates
    }

    /// Hands out the customers by the hash of their names, then by name.
    func forEachCustomer(_ body: (Customer) throws -> Void) throws {
        let records = spilled.records.sorted { ($0.number, $0.start) < ($1.number, $1.start) }
        var begin = 0
        while begin < records.count {
            var end = begin + 1
            while end < records.count, records[end].number == records[begin].number { end += 1 }
            let group = records[begin..<end]
            let name = PurchaseRecord.customer(spilled.bytes, at: group[begin].start)
            if group.allSatisfy({ PurchaseRecord.customer(spilled.bytes, at: $0.start) == name }) {
                try body(customer(name, group))
            } else {
                // Two names with one hash.
                let names = Dictionary(grouping: group) { PurchaseRecord.customer(spilled.bytes, at: $0.start) }
                for (name, group) in names.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) { try body(customer(name, group[...])) }
            }
            begin = end
        }
    }

    private func customer(_ name: ArraySlice<UInt8>, _ records: ArraySlice<SpilledRecords.Record>) -> Customer {
        var customer = Customer(name: String(decoding: name, as: UTF8.self))
        customer.events.reserveCapacity(records.count)
        var seen: Set<RowDigest> = []
        if !keepsDuplicates { seen.reserveCapacity(records.count) }
        for record in records {
            if !keepsDuplicates, !seen.insert(PurchaseRecord.digest(spilled.bytes.span, at: record.start)).inserted {
                customer.duplicates += 1
                let place = PurchaseRecord.place(spilled.bytes.span, at: record.start)
                customer.firstDuplicate = min(customer.firstDuplicate ?? place, place)
                continue
            }
            customer.events.append(PurchaseRecord.event(spilled.bytes, at: record.start))
        }
        return customer
    }
}
