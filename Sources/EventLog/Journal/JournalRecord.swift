import HaggleCore
import Tabular

/// What a server promised to keep.
///
/// On disk a record is a frame: mark (4 bytes), length of the payload, CRC-32 of length and payload (4 bytes each, little-endian), payload. The
/// payload is the kind in one byte and the fields in order; numbers keep their bits, a context is the JSON text that the database gets.
enum JournalRecord: Sendable {
    case impression(LogBatch.PendingImpression)
    case activation(LogBatch.Activation)
    case conversion(Conversion)

    /// "hgr1".
    static let mark: [UInt8] = [0x68, 0x67, 0x72, 0x31]
    static let frameHeader = 12
    /// Payloads are below; the edge limits bodies far lower.
    static let payloadLimit = 4 << 20

    /// The record as a frame.
    /// - Throws: `EventLogError.notFinite`.
    func framed() throws -> [UInt8] {
        var writer = JournalBytes()
        writer.bytes.reserveCapacity(1024)
        writer.bytes += Self.mark
        writer.bytes += [0, 0, 0, 0, 0, 0, 0, 0]
        try write(to: &writer)
        let length = UInt32(writer.bytes.count - Self.frameHeader)
        writer.set(length, at: 4)
        writer.set(Self.checksum(writer.bytes[...]), at: 8)
        return writer.bytes
    }

    /// CRC-32 of a frame's length and payload.
    static func checksum(_ frame: ArraySlice<UInt8>) -> UInt32 {
        let start = frame.startIndex
        return CRC32.checksum(frame[(start + 4)..<(start + 8)]) ^ CRC32.checksum(frame[(start + frameHeader)...])
    }

    private func write(to writer: inout JournalBytes) throws {
        switch self {
        case .impression(let pending):
            let row = pending.impression
            writer.append(UInt8(1))
            writer.append(row.id)
            writer.append(row.experiment.rawValue)
            writer.append(Int64(row.experimentVersion.rawValue))
            writer.append(row.unit?.rawValue)
            writer.append(row.variant.description)
            writer.append(row.reason.rawValue)
            writer.append(try pending.contextText())
            writer.append(UInt32(row.eligibleArms.count))
            for arm in row.eligibleArms { writer.append(arm.rawValue) }
            writer.append(row.propensities == nil ? UInt8(0) : 1)
            if let propensities = row.propensities {
                writer.append(UInt32(propensities.count))
                for value in propensities { writer.append(value) }
            }
            writer.append(row.arm.rawValue)
            writer.append(row.propensity)
            writer.append(row.snapshot == nil ? UInt8(0) : 1)
            if let snapshot = row.snapshot { writer.append(Int64(snapshot.rawValue)) }
            writer.append(row.drawKey)
            writer.append(row.isDeferred ? UInt8(1) : 0)
            for id in [row.duplicateOf, row.repeatedOf] {
                writer.append(id == nil ? UInt8(0) : 1)
                if let id { writer.append(id) }
            }
            writer.append(row.occurredAt.microseconds)
            writer.append(row.receivedAt.microseconds)
            writer.append(pending.requestID)
            writer.append(pending.stickySalt)
        case .activation(let activation):
            writer.append(UInt8(2))
            writer.append(activation.id)
            writer.append(activation.time.microseconds)
        case .conversion(let conversion):
            writer.append(UInt8(3))
            writer.append(conversion.id.rawValue)
            switch conversion.subject {
            case .impression(let id):
                writer.append(UInt8(0))
                writer.append(id)
            case .unit(let unit, let experiment):
                writer.append(UInt8(1))
                writer.append(unit.rawValue)
                writer.append(experiment.rawValue)
            }
            writer.append(conversion.kind)
            writer.append(conversion.value)
            writer.append(conversion.margin)
            writer.append(conversion.occurredAt.microseconds)
            writer.append(conversion.receivedAt.microseconds)
        }
    }

    /// - Throws: `JournalError.malformed`.
    init(payload: ArraySlice<UInt8>) throws(JournalError) {
        var reader = JournalFields(payload)
        switch try reader.byte() {
        case 1:
            let id = try reader.impressionID()
            let experiment = ExperimentKey(try reader.text())
            let version = ExperimentVersion(Int(try reader.integer()))
            let unit = try reader.optionalText().map { UnitID($0) }
            guard let variant = Variant(try reader.text()) else { throw .malformed(reason: "a variant without a name") }
            guard let reason = Reason(rawValue: try reader.text()) else { throw .malformed(reason: "an unknown reason") }
            let context = try reader.text()
            var arms: [ArmKey] = []
            for _ in 0..<(try reader.count()) { arms.append(ArmKey(try reader.text())) }
            var propensities: [Double]?
            if try reader.flag() {
                var values: [Double] = []
                for _ in 0..<(try reader.count()) { values.append(try reader.double()) }
                propensities = values
            }
            let arm = ArmKey(try reader.text())
            let propensity = try reader.optionalDouble()
            let snapshot = try reader.flag() ? SnapshotVersion(Int(try reader.integer())) : nil
            let drawKey = try reader.optionalText()
            let isDeferred = try reader.flag()
            let duplicateOf = try reader.flag() ? try reader.impressionID() : nil
            let repeatedOf = try reader.flag() ? try reader.impressionID() : nil
            let occurredAt = Timestamp(microseconds: try reader.integer())
            let receivedAt = Timestamp(microseconds: try reader.integer())
            let requestID = try reader.optionalText()
            let stickySalt = try reader.optionalText()
            self = .impression(
                LogBatch.PendingImpression(
                    impression: Impression(
                        id: id, experiment: experiment, experimentVersion: version, unit: unit, variant: variant, reason: reason,
                        context: Context(), eligibleArms: arms, propensities: propensities, arm: arm, propensity: propensity,
                        snapshot: snapshot, drawKey: drawKey, isDeferred: isDeferred, duplicateOf: duplicateOf, repeatedOf: repeatedOf,
                        occurredAt: occurredAt, receivedAt: receivedAt),
                    requestID: requestID, stickySalt: stickySalt, contextJSON: context))
        case 2:
            self = .activation(
                LogBatch.Activation(id: try reader.impressionID(), time: Timestamp(microseconds: try reader.integer())))
        case 3:
            let id = ConversionID(try reader.text())
            let subject: Conversion.Subject =
                try reader.flag()
                ? .unit(UnitID(try reader.text()), ExperimentKey(try reader.text())) : .impression(try reader.impressionID())
            self = .conversion(
                Conversion(
                    id: id, subject: subject, kind: try reader.text(), value: try reader.double(), margin: try reader.optionalDouble(),
                    occurredAt: Timestamp(microseconds: try reader.integer()), receivedAt: Timestamp(microseconds: try reader.integer())))
        case let kind: throw .malformed(reason: "a record of the unknown kind \(kind)")
        }
        guard reader.isAtEnd else { throw .malformed(reason: "bytes after the end of a record") }
    }
}

/// Writes the fields of a record.
struct JournalBytes {
    var bytes: [UInt8] = []

    mutating func append(_ value: UInt8) { bytes.append(value) }
    mutating func append(_ value: UInt32) {
        for shift in stride(from: 0, to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> UInt32(shift))) }
    }
    mutating func append(_ value: UInt64) {
        for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(shift))) }
    }
    mutating func append(_ value: Int64) { append(UInt64(bitPattern: value)) }
    mutating func append(_ value: Double) { append(value.bitPattern) }
    mutating func append(_ id: ImpressionID) {
        append(id.high)
        append(id.low)
    }
    mutating func append(_ text: String) {
        append(UInt32(text.utf8.count))
        bytes.append(contentsOf: text.utf8)
    }
    mutating func append(_ text: String?) {
        append(text == nil ? UInt8(0) : 1)
        if let text { append(text) }
    }
    mutating func append(_ value: Double?) {
        append(value == nil ? UInt8(0) : 1)
        if let value { append(value) }
    }
    mutating func set(_ value: UInt32, at position: Int) {
        for index in 0..<4 { bytes[position + index] = UInt8(truncatingIfNeeded: value >> UInt32(8 * index)) }
    }
}

/// Reads the fields of a record; never beyond its end, whatever the bytes are.
struct JournalFields {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    var isAtEnd: Bool { position == bytes.endIndex }

    private mutating func take(_ count: Int) throws(JournalError) -> ArraySlice<UInt8> {
        guard count <= bytes.endIndex - position else { throw .malformed(reason: "a record that ends too early") }
        defer { position += count }
        return bytes[position..<position + count]
    }

    mutating func byte() throws(JournalError) -> UInt8 { try take(1).first ?? 0 }

    mutating func flag() throws(JournalError) -> Bool {
        switch try byte() {
        case 0: false
        case 1: true
        case let other: throw .malformed(reason: "a flag of \(other)")
        }
    }

    mutating func integer() throws(JournalError) -> Int64 {
        var value: UInt64 = 0
        for (index, byte) in try take(8).enumerated() { value |= UInt64(byte) << UInt64(8 * index) }
        return Int64(bitPattern: value)
    }

    /// A number of things that follow, each at least a byte long.
    mutating func count() throws(JournalError) -> Int {
        var value = 0
        for (index, byte) in try take(4).enumerated() { value |= Int(byte) << (8 * index) }
        guard value <= bytes.endIndex - position else { throw .malformed(reason: "a list longer than its record") }
        return value
    }

    mutating func double() throws(JournalError) -> Double { Double(bitPattern: UInt64(bitPattern: try integer())) }

    mutating func optionalDouble() throws(JournalError) -> Double? { try flag() ? try double() : nil }

    mutating func text() throws(JournalError) -> String {
        let length = try count()
        guard let text = String(utf8: try take(length)) else { throw .malformed(reason: "a text that is no UTF-8") }
        return text
    }

    mutating func optionalText() throws(JournalError) -> String? { try flag() ? try text() : nil }

    mutating func impressionID() throws(JournalError) -> ImpressionID {
        let high = UInt64(bitPattern: try integer())
        return ImpressionID(high: high, low: UInt64(bitPattern: try integer()))
    }
}
