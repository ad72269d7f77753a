import CAllocationCount

/// How often a block asks the system for memory, counted at `malloc` itself.
enum AllocationCount {
    /// Number of allocations in a block, by all threads; nil where they cannot be counted (a C library other than glibc).
    ///
    /// The counter shows first that it counts: 100 arrays must be 100 allocations at least.
    static func of(_ body: () -> Void) -> Int? {
        var kept: [[Int]] = []
        kept.reserveCapacity(100)
        let proof = count { for size in 1...100 { kept.append([Int](repeating: size, count: size)) } }
        guard proof >= 100, kept.count == 100 else { return nil }
        return count(body)
    }

    private static func count(_ body: () -> Void) -> Int {
        haggle_allocation_count_begin()
        body()
        return haggle_allocation_count_end()
    }
}
