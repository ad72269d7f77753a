import Features
import HaggleCore
import Tabular

/// One purchase as it is spilled: numbers in fixed places, then the texts of customer, order and category.
struct PurchaseRecord {
    private static let headerSize = 8 * 7 + 4 * 3
    private static let absent = UInt32.max

    var time = Timestamp(microseconds: 0)
    var amount = 0.0
    var discount = 0.0
    var units: Double?
    var digest = RowDigest()
    var place = PurchasePlace(file: 0, line: 0)
    private var texts: [UInt8] = []
    private var customerLength = 0
    private var orderLength: Int?
    private var categoryLength: Int?
    private var buffer: [UInt8] = []

    init() {}

    /// The customer's name; the other texts are set after it.
    var customer: ArraySlice<UInt8> { texts[..<customerLength] }
    var customerHash: UInt64 { RowDigest.hash(texts.span, from: 0, to: customerLength) }

    mutating func setCustomer(_ row: CSVRow, at column: Int) {
        texts.removeAll(keepingCapacity: true)
        customerLength = row.appendTrimmed(at: column, to: &texts)
        (orderLength, categoryLength) = (nil, nil)
    }

    /// An empty order is none.
    mutating func setOrder(_ row: CSVRow, at column: Int?) {
        orderLength = column.flatMap { row.isEmpty(at: $0) ? nil : row.appendTrimmed(at: $0, to: &texts) }
    }

    mutating func setCategory(_ row: CSVRow, at column: Int?) {
        categoryLength = column.flatMap { row.isEmpty(at: $0) ? nil : row.appendTrimmed(at: $0, to: &texts) }
    }

    var category: String? { categoryLength.map { String(decoding: texts.suffix($0), as: UTF8.self) } }

    mutating func clearCategory() {
        texts.removeLast(categoryLength ?? 0)
        categoryLength = nil
    }

    var encoded: [UInt8] {
        mutating get {
            buffer.removeAll(keepingCapacity: true)
            buffer.append(integer: digest.high)
            buffer.append(integer: digest.low)
            buffer.append(integer: place.packed)
            buffer.append(integer: time.microseconds)
            buffer.append(integer: amount.bitPattern)
            buffer.append(integer: discount.bitPattern)
            buffer.append(integer: (units ?? .nan).bitPattern)
            buffer.append(integer: UInt32(customerLength))
            buffer.append(integer: orderLength.map { UInt32($0) } ?? Self.absent)
            buffer.append(integer: categoryLength.map { UInt32($0) } ?? Self.absent)
            buffer += texts
            return buffer
        }
    }

    // MARK: Reading what was spilled

    static func digest(_ bytes: Span<UInt8>, at start: Int) -> RowDigest {
        RowDigest(high: bytes.integer(at: start, UInt64.self), low: bytes.integer(at: start + 8, UInt64.self))
    }

    static func place(_ bytes: Span<UInt8>, at start: Int) -> PurchasePlace {
        PurchasePlace(packed: bytes.integer(at: start + 16, UInt64.self))
    }

    static func customer(_ bytes: [UInt8], at start: Int) -> ArraySlice<UInt8> {
        let begin = start + headerSize
        return bytes[begin..<begin + Int(bytes.span.integer(at: start + 56, UInt32.self))]
    }

    static func event(_ bytes: [UInt8], at start: Int) -> PurchaseEvent {
        let span = bytes.span
        func double(_ offset: Int) -> Double { Double(bitPattern: span.integer(at: start + offset, UInt64.self)) }
        var position = start + headerSize + Int(span.integer(at: start + 56, UInt32.self))
        func text(_ offset: Int) -> String? {
            let length = span.integer(at: start + offset, UInt32.self)
            guard length != absent else { return nil }
            defer { position += Int(length) }
            return String(decoding: bytes[position..<position + Int(length)], as: UTF8.self)
        }
        let order = text(60)
        let category = text(64)
        let units = double(48)
        return PurchaseEvent(
            time: Timestamp(microseconds: span.integer(at: start + 24, Int64.self)), order: order, amount: double(32),
            discount: double(40), category: category, units: units.isNaN ? nil : units)
    }
}
