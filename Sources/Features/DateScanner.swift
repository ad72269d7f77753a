/// Reads the parts of a written date and time from bytes.
struct DateScanner: Sendable {
    /// A time of day, its zone taken off.
    struct Clock {
        var microseconds: Int64 = 0
        var isGiven = false
    }

    /// Kept from text to text, so that a column is read without allocations.
    private var text: [UInt8] = []
    private(set) var position = 0
    private var end: Int { text.count }

    /// Begins with another text, without the spaces around it.
    mutating func load(_ bytes: Span<UInt8>, from start: Int, to end: Int) {
        var start = start
        var end = end
        while start < end, bytes[start] == 32 || bytes[start] == 9 { start += 1 }
        while end > start, bytes[end - 1] == 32 || bytes[end - 1] == 9 { end -= 1 }
        text.removeAll(keepingCapacity: true)
        for index in start..<end { text.append(bytes[index]) }
        position = 0
    }

    var isAtEnd: Bool { position == end }
    var peek: UInt8? { position < end ? text[position] : nil }

    /// Digits, at most 18.
    mutating func number() -> Int? {
        let start = position
        var value = 0
        while position < end, text[position] &- 48 < 10, position - start < 18 {
            value = value * 10 + Int(text[position] &- 48)
            position += 1
        }
        return position > start ? value : nil
    }

    mutating func component(after separator: UInt8, _ widths: ClosedRange<Int>) -> Int? {
        guard take(separator) else { return nil }
        let start = position
        guard let value = number(), widths.contains(position - start) else { return nil }
        return value
    }

    /// A fraction of a second in microseconds; 0 where none is written, nil for a point without digits.
    mutating func fraction() -> Int64? {
        guard take(UInt8(ascii: ".")) else { return 0 }
        var (value, scale): (Int64, Int64) = (0, 1_000_000)
        let start = position
        while position < end, text[position] &- 48 < 10 {
            if scale > 1 {
                scale /= 10
                value += Int64(text[position] &- 48) * scale
            }
            position += 1
        }
        return position > start ? value : nil
    }

    /// The rest of the text as a time of day: nothing, or `T` or a space, hours and minutes, perhaps seconds, AM or PM, and a zone.
    mutating func clock() -> Clock? {
        guard !isAtEnd else { return Clock() }
        guard take(UInt8(ascii: "T")) || take(UInt8(ascii: "t")) || take(32) else { return nil }
        let start = position
        guard var hour = number(), position - start <= 2, let minute = component(after: UInt8(ascii: ":"), 2...2), minute < 60 else {
            return nil
        }
        var second = 0
        var fraction: Int64 = 0
        if peek == UInt8(ascii: ":") {
            guard let read = component(after: UInt8(ascii: ":"), 2...2), read <= 60, let rest = self.fraction() else { return nil }
            (second, fraction) = (read, rest)
        }
        if let half = half() {
            guard (1...12).contains(hour) else { return nil }
            hour = hour % 12 + half
        }
        guard hour < 24, let zone = zone(), isAtEnd else { return nil }
        return Clock(microseconds: Int64(hour * 3600 + minute * 60 + second - zone) * 1_000_000 + fraction, isGiven: true)
    }

    /// 0 for AM, 12 for PM, nil for neither.
    private mutating func half() -> Int? {
        let start = position
        _ = take(32)
        if position + 2 == end, text[position + 1] | 0x20 == UInt8(ascii: "m") {
            let letter = text[position] | 0x20
            if letter == UInt8(ascii: "a") || letter == UInt8(ascii: "p") {
                position = end
                return letter == UInt8(ascii: "p") ? 12 : 0
            }
        }
        position = start
        return nil
    }

    /// Seconds east of Greenwich; 0 where nothing is written.
    private mutating func zone() -> Int? {
        if isAtEnd { return 0 }
        _ = take(32)
        if take(UInt8(ascii: "Z")) || take(UInt8(ascii: "z")) { return 0 }
        if position + 3 == end, text[position] == UInt8(ascii: "U"), text[position + 1] == UInt8(ascii: "T"),
            text[position + 2] == UInt8(ascii: "C")
        {
            position = end
            return 0
        }
        let sign: Int
        if take(UInt8(ascii: "+")) { sign = 1 } else if take(UInt8(ascii: "-")) { sign = -1 } else { return nil }
        let start = position
        guard let first = number() else { return nil }
        var (hours, minutes) = (first, 0)
        switch position - start {
        case 4: (hours, minutes) = (first / 100, first % 100)
        case 2:
            if peek == UInt8(ascii: ":") {
                guard let read = component(after: UInt8(ascii: ":"), 2...2) else { return nil }
                minutes = read
            }
        default: return nil
        }
        guard hours < 24, minutes < 60 else { return nil }
        return sign * (hours * 3600 + minutes * 60)
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard position < end, text[position] == byte else { return false }
        position += 1
        return true
    }
}
