package import HaggleCore

extension PolicyConfiguration.Forgetting {
    /// P of a time: the whole periods since 1970, so that it depends on no experiment and no process. Rounded down, also before.
    package func period(of time: Timestamp) -> Int {
        let length = max(1, Int64((periodSeconds * 1e6).rounded()))
        let (quotient, remainder) = time.microseconds.quotientAndRemainder(dividingBy: length)
        return Int(remainder < 0 ? quotient - 1 : quotient)
    }

    /// omega of an impression of `period` once the clock stands at `clock`: `gamma^(P - P_i)`; 1 for one that is not older.
    package func weight(of period: Int, at clock: Int) -> Double { Self.power(factor, max(0, clock - period)) }

    /// `base` to a whole power that is not negative, by squaring: a fixed order of multiplications.
    static func power(_ base: Double, _ exponent: Int) -> Double {
        var result = 1.0
        var square = base
        var rest = exponent
        while rest > 0 {
            if rest & 1 == 1 { result *= square }
            square *= square
            rest >>= 1
        }
        return result
    }
}

/// The clock that a log implies and the weight of each of its rows under forgetting.
struct Ages {
    /// P: the period of the newest row.
    let clock: Int
    /// omega, one per row; 1 for rows without a time.
    let weights: [Double]

    /// Nil where no row has a time.
    init?(of interactions: [Interaction], _ forget: PolicyConfiguration.Forgetting) {
        guard let newest = interactions.lazy.compactMap(\.time).max() else { return nil }
        let clock = forget.period(of: newest)
        self.clock = clock
        weights = interactions.map { $0.time.map { forget.weight(of: forget.period(of: $0), at: clock) } ?? 1 }
    }
}
