/// All values of a stream up to a bound, evenly thinned beyond it: whenever the store is full every second value goes and the stride doubles.
struct ThinnedSample {
    private(set) var values: [Double] = []
    private var stride = 1
    private var seen = 0
    private let limit = 1 << 18

    mutating func add(_ value: Double) {
        defer { seen += 1 }
        guard seen % stride == 0 else { return }
        values.append(value)
        if values.count > limit {
            values = values.enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
            stride *= 2
        }
    }
}
