/// Spans of time as they stand in files: a decimal number and its unit, `7d`, `1.5h`, `250ms`.
enum DurationText {
    /// Name and length in seconds, longest first. Milliseconds divide instead, so that `3ms` is exactly `0.003`.
    private static let units: [(name: String, seconds: Double)] = [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)]
    /// A hundred years.
    private static let limit = 36_525 * 86_400.0

    static let schemaPattern = "^[0-9]+(\\.[0-9]+)?(d|h|m|s|ms)$"

    /// - Returns: nil unless the text is a number above 0 with a unit, from 1 ms to 100 years.
    static func seconds(_ text: String) -> Double? {
        let digits = text.prefix { ("0"..."9").contains($0) || $0 == "." }
        let unit = text.dropFirst(digits.count)
        guard let first = digits.first, first != ".", digits.last != ".", let value = Double(digits) else { return nil }
        let seconds: Double
        if unit == "ms" {
            seconds = value / 1000
        } else {
            guard let length = units.first(where: { $0.name == unit })?.seconds else { return nil }
            seconds = value * length
        }
        return seconds >= 0.001 && seconds <= limit ? seconds : nil
    }

    /// The shortest text that reads back to exactly the same number of seconds.
    static func text(_ seconds: Double) -> String {
        for unit in units {
            let count = seconds / unit.seconds
            if count == count.rounded(), count >= 1, count * unit.seconds == seconds { return NumberText.write(count) + unit.name }
        }
        let milliseconds = (seconds * 1000).rounded()
        if milliseconds >= 1, milliseconds / 1000 == seconds { return NumberText.write(milliseconds) + "ms" }
        return NumberText.write(seconds) + "s"
    }
}
