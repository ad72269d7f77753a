import HTTPTypes
import HaggleCore
import Synchronization

/// So many requests a second for each API key, with a reserve for bursts: a bucket of tokens that fills at the rate.
///
/// Callers are keys that were found valid, or nobody in particular where none is needed, so there are never more buckets than keys.
final class RateLimiter: Sendable {
    private struct Bucket {
        var tokens: Double
        var filledAt: ContinuousClock.Instant
    }

    private let rate: Double
    private let burst: Double
    private let buckets = Mutex<[String: Bucket]>([:])

    /// - Parameters:
    ///   - rate: tokens a second, above 0.
    ///   - burst: tokens that a full bucket holds, at least 1.
    init(rate: Double, burst: Double) {
        precondition(rate > 0 && burst >= 1, "a limit lets something through")
        self.rate = rate
        self.burst = burst
    }

    /// Takes a token of the caller's; where there is none, why the request is not served.
    /// - Parameter caller: an API key's id; nil without one.
    func problem(for caller: String?, now: ContinuousClock.Instant) -> ServiceProblem? {
        let wait = buckets.withLock { buckets -> Double? in
            var bucket = buckets[caller ?? ""] ?? Bucket(tokens: burst, filledAt: now)
            let elapsed = max(.zero, now - bucket.filledAt).components
            let seconds = Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18
            bucket.tokens = min(burst, bucket.tokens + rate * seconds)
            bucket.filledAt = max(now, bucket.filledAt)
            defer { buckets[caller ?? ""] = bucket }
            guard bucket.tokens < 1 else {
                bucket.tokens -= 1
                return nil
            }
            return (1 - bucket.tokens) / rate
        }
        guard let wait else { return nil }
        return ServiceProblem(
            status: .tooManyRequests, code: "rate_limited",
            detail: "more requests than this server takes from one API key; try again later",
            retryAfterSeconds: max(1, Int(wait.rounded(.up))))
    }
}
