import HaggleCore
import Synchronization

/// Makes impression ids whose time never runs back: max(last, now), so that ids of one server sort as they were made.
final class ImpressionClock: Sendable {
    private let last = Mutex(Timestamp(microseconds: 0))

    /// The moment of a request: the wall clock, or the last moment given where the clock was set back.
    func now() -> Timestamp {
        let wall = Timestamp.now
        return last.withLock { last in
            last = max(last, wall)
            return last
        }
    }

    /// A new id at that moment.
    func makeID(at time: Timestamp) -> ImpressionID {
        var generator = SystemRandomNumberGenerator()
        return ImpressionID(time: time, random: (generator.next(), generator.next()))
    }
}
