/// The values that were used last, at most so many.
struct BoundedCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private var values: [Key: Value] = [:]
    /// Least recently used first.
    private var order: [Key] = []
    private let capacity: Int

    /// - Precondition: `capacity >= 1`.
    init(capacity: Int) {
        precondition(capacity >= 1, "a cache needs room for one value")
        self.capacity = capacity
    }

    /// O(capacity) where another key was used last, else O(1).
    mutating func value(for key: Key, orElse make: () async throws -> Value) async rethrows -> Value {
        if let value = values[key] {
            if order.last != key {
                order.removeAll { $0 == key }
                order.append(key)
            }
            return value
        }
        let value = try await make()
        if order.count == capacity { values[order.removeFirst()] = nil }
        values[key] = value
        order.append(key)
        return value
    }
}
