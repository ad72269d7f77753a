/// Waiting times between tries: doubled from the first to the cap.
struct Backoff {
    let first: Double
    let cap: Double
    private var failures = 0

    init(first: Double = 0.1, cap: Double = 10) {
        self.first = first
        self.cap = cap
    }

    /// Seconds to wait after one more failure.
    mutating func next() -> Double {
        defer { failures += 1 }
        return failures < 30 ? min(cap, first * Double(1 << failures)) : cap
    }

    mutating func reset() { failures = 0 }
}
