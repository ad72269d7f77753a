/// The id of a logged assignment: a UUID of version 7 (RFC 9562), so that ids sort by the millisecond in which they were made and the log's
/// partitions by day follow from the id alone.
package struct ImpressionID: Hashable, Sendable, Comparable {
    /// The first and the last eight bytes, big-endian.
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Makes an id from a time and 74 random bits.
    package init(time: Timestamp, random: (UInt64, UInt64)) {
        let milliseconds = UInt64(max(0, time.milliseconds)) & 0xffff_ffff_ffff
        high = milliseconds << 16 | 0x7000 | (random.0 & 0x0fff)
        low = 0x8000_0000_0000_0000 | (random.1 & 0x3fff_ffff_ffff_ffff)
    }

    /// Ids of OpenFeature evaluations begin with the start of an epoch of so many seconds since 1970, and follow from what was asked: the
    /// same question in one epoch has one id.
    package static let evaluationEpochSeconds: Int64 = 3600

    /// Whether the id's time is the start of an epoch, so that its impression may have been made at any moment of that epoch.
    package var mayBeEvaluation: Bool { time.milliseconds % (Self.evaluationEpochSeconds * 1000) == 0 }

    /// The millisecond in which the id was made.
    package var time: Timestamp { Timestamp(microseconds: Int64(high >> 16) * 1000) }

    package static func < (left: Self, right: Self) -> Bool {
        left.high != right.high ? left.high < right.high : left.low < right.low
    }
}

extension ImpressionID: LosslessStringConvertible {
    /// The canonical form: 36 lower-case characters.
    package var description: String {
        var text = [UInt8]()
        text.reserveCapacity(36)
        for index in 0..<16 {
            if index == 4 || index == 6 || index == 8 || index == 10 { text.append(UInt8(ascii: "-")) }
            let byte = UInt8(truncatingIfNeeded: (index < 8 ? high : low) >> UInt64(8 * (7 - index % 8)))
            text.append(Self.digit(byte >> 4))
            text.append(Self.digit(byte & 15))
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Reads the canonical form of any UUID, upper or lower case; nil for anything else.
    package init?(_ description: String) {
        var words: (UInt64, UInt64) = (0, 0)
        var nibbles = 0
        var position = 0
        for byte in description.utf8 {
            if position == 8 || position == 13 || position == 18 || position == 23 {
                guard byte == UInt8(ascii: "-") else { return nil }
            } else {
                let value: UInt8
                switch byte {
                case 48...57: value = byte - 48
                case 97...102: value = byte - 87
                case 65...70: value = byte - 55
                default: return nil
                }
                if nibbles < 16 { words.0 = words.0 << 4 | UInt64(value) } else { words.1 = words.1 << 4 | UInt64(value) }
                nibbles += 1
            }
            position += 1
            if position > 36 { return nil }
        }
        guard position == 36, nibbles == 32 else { return nil }
        self.init(high: words.0, low: words.1)
    }

    private static func digit(_ nibble: UInt8) -> UInt8 { nibble < 10 ? 48 + nibble : 87 + nibble }
}

extension ImpressionID: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let read = ImpressionID(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "expected a UUID")
        }
        self = read
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
