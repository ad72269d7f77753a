/// What a learner has played: contexts, arms and rewards in order, the newest of them where there are more than fit.
struct PlayedRows {
    let width: Int
    /// Most rows kept; the oldest eighth goes when there are more.
    let capacity: Int
    /// Row-major, as they came.
    private(set) var contexts: [Float] = []
    private(set) var arms: [Int32] = []
    private(set) var rewards: [Double] = []
    /// Rows ever added.
    private(set) var playedCount = 0

    init(width: Int, capacity: Int) {
        precondition(capacity >= 8, "a learner keeps at least eight rows")
        self.width = width
        self.capacity = capacity
    }

    /// Rows kept.
    var count: Int { arms.count }

    /// One context, as it came.
    func context(at row: Int) -> ArraySlice<Float> { contexts[row * width..<(row + 1) * width] }

    mutating func append(_ context: [Float], arm: Int, reward: Double) {
        if count >= capacity {
            let surplus = count - capacity + capacity / 8
            contexts.removeFirst(surplus * width)
            arms.removeFirst(surplus)
            rewards.removeFirst(surplus)
        }
        contexts += context
        arms.append(Int32(arm))
        rewards.append(reward)
        playedCount += 1
    }
}
