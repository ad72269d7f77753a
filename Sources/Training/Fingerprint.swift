import HaggleCore
import HaggleMath

/// 128 bits that tell data and configurations apart: two mixed Fowler-Noll-Vo hashes. Not against somebody who looks for collisions.
struct Fingerprint: Hashable, Sendable {
    private var left: UInt64 = 0xcbf2_9ce4_8422_2325
    private var right: UInt64 = 0x6c62_272e_07bb_0142

    /// 32 hexadecimal digits.
    var text: String { Self.digits(mix64(left)) + Self.digits(mix64(right ^ left)) }

    mutating func add(_ number: UInt64) {
        left = (left ^ mix64(number)) &* 0x0000_0100_0000_01b3
        right = mix64(right &+ number) &+ left
    }

    /// With its length, so that neighbouring texts cannot run into each other.
    mutating func add(_ text: String) {
        add(UInt64(text.utf8.count))
        var word: UInt64 = 0
        var count = 0
        for byte in text.utf8 {
            word = word << 8 | UInt64(byte)
            count += 1
            if count % 8 == 0 { add(word) }
        }
        if count % 8 != 0 { add(word) }
    }

    mutating func add(_ number: Double?) {
        add(number.map(\.bitPattern) ?? 0x7ff8_dead_0000_0000)
    }

    private mutating func add(_ value: ContextValue) {
        switch value {
        case .number(let number):
            add(UInt64(1))
            add(number)
        case .boolean(let flag): add(flag ? UInt64(2) : 3)
        case .text(let text):
            add(UInt64(4))
            add(text)
        case .events(let events):
            add(UInt64(5))
            add(UInt64(events.count))
            for event in events { add(event) }
        }
    }

    private mutating func add(_ values: [String: ContextValue]) {
        add(UInt64(values.count))
        for (name, value) in values.sorted(by: { $0.key < $1.key }) {
            add(name)
            add(value)
        }
    }

    /// Everything of a row that training or evaluation looks at.
    mutating func add(_ row: Interaction) {
        add(row.unit?.rawValue ?? "")
        add(UInt64(bitPattern: row.time?.microseconds ?? Int64.min))
        add(UInt64(bitPattern: row.maturedAt?.microseconds ?? Int64.min))
        add(row.context.values)
        add(UInt64(row.eligible.map { $0.count + 1 } ?? 0))
        for arm in row.eligible ?? [] { add(UInt64(arm)) }
        add(UInt64(row.arm))
        add(row.propensity)
        add(row.reward)
    }

    private static func digits(_ value: UInt64) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
    }
}
