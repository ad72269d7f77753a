/// The largest numbers of a stream, at most `capacity` of them: a binary min-heap.
struct TailSample: Sendable {
    let capacity: Int
    /// Heap order: no element is above its children.
    private var heap: [Double] = []

    init(capacity: Int) { self.capacity = capacity }

    /// Offers one number. O(log capacity), O(1) for those too small.
    @inline(__always)
    mutating func add(_ value: Double) {
        if heap.count < capacity {
            heap.append(value)
            siftUp(from: heap.count - 1)
        } else if value > heap[0] {
            heap[0] = value
            siftDown()
        }
    }

    mutating func merge(_ other: Self) {
        for value in other.heap { add(value) }
    }

    /// What is kept, largest first.
    var descending: [Double] { heap.sorted(by: >) }

    private mutating func siftUp(from start: Int) {
        var index = start
        while index > 0 {
            let parent = (index - 1) / 2
            if heap[parent] <= heap[index] { return }
            heap.swapAt(parent, index)
            index = parent
        }
    }

    private mutating func siftDown() {
        var index = 0
        while true {
            var smallest = index
            for child in [2 * index + 1, 2 * index + 2] where child < heap.count && heap[child] < heap[smallest] { smallest = child }
            if smallest == index { return }
            heap.swapAt(smallest, index)
            index = smallest
        }
    }
}
