import Foundation
import HaggleCore

/// Round positions on an axis.
enum AxisTicks {
    /// Multiples of 1, 2, 2.5 or 5 times a power of ten that cover the data: the first is at or below `lower`, the last at or above `upper`.
    static func covering(lower: Double, upper: Double, about count: Int = 4) -> [Double] {
        guard lower.isFinite, upper.isFinite else { return [0, 1] }
        var (low, high) = (min(lower, upper), max(lower, upper))
        if high - low <= max(abs(low), abs(high)) * 1e-9 {
            let room = max(abs(high) * 0.1, 1e-9)
            (low, high) = low == 0 && high == 0 ? (0, 1) : (low - room, high + room)
        }
        let step = roundStep((high - low) / Double(count))
        let first = (low / step + 1e-9).rounded(.down)
        let last = (high / step - 1e-9).rounded(.up)
        return stride(from: first, through: last, by: 1).map { $0 * step }
    }

    /// Decimals that tell two neighbouring ticks apart.
    static func decimals(of ticks: [Double], scale: Double = 1) -> Int {
        guard ticks.count > 1 else { return 2 }
        let step = abs(ticks[1] - ticks[0]) * scale
        for decimals in 0..<8 {
            let shifted = step * pow(10, Double(decimals))
            if abs(shifted - shifted.rounded()) < 1e-6 * shifted { return decimals }
        }
        return 8
    }

    private static func roundStep(_ step: Double) -> Double {
        let power = pow(10, log10(step).rounded(.down))
        let factor = step / power
        return (factor <= 1.0001 ? 1 : factor <= 2.0001 ? 2 : factor <= 2.5001 ? 2.5 : factor <= 5.0001 ? 5 : 10) * power
    }

    /// Round moments (UTC) inside a span of seconds since the Unix epoch, at most four, as clock times or dates, whichever tells them apart.
    static func times(from lower: Double, to upper: Double) -> [(value: Double, label: String)] {
        let steps: [Double] = [
            1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 345_600, 604_800,
            1_209_600, 2_592_000, 7_776_000, 31_536_000,
        ]
        let span = upper - lower
        let step = steps.first { span / $0 <= 3.6 } ?? span / 3
        let first = (lower / step).rounded(.up)
        let values = stride(from: first * step, through: upper, by: step).map { $0 }
        return values.map { value in
            let text = Timestamp(seconds: value.rounded()).description
            let clock = text.dropFirst(11)
            if step < 60 { return (value, String(clock.prefix(8))) }
            if step < 86_400 && span < 86_400 { return (value, String(clock.prefix(5))) }
            let month = months[max(0, min(11, (Int(text.dropFirst(5).prefix(2)) ?? 1) - 1))]
            let day = String(Int(text.dropFirst(8).prefix(2)) ?? 1) + " " + month
            if step < 86_400 { return (value, day + " " + clock.prefix(5)) }
            return (value, step < 7_776_000 ? day : month + " " + text.prefix(4))
        }
    }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
}
