/// How numbers are distributed, as TensorBoard's histograms want it: at most 30 buckets of equal width between the least and the largest.
package struct TensorBoardHistogram: Hashable, Sendable {
    package let least: Double
    package let largest: Double
    package let count: Double
    package let sum: Double
    package let sumOfSquares: Double
    /// Upper ends of the buckets, ascending; the first begins at the least.
    package let limits: [Double]
    package let counts: [Double]
    /// Numbers that are NaN or infinite: left out above.
    package let notFiniteCount: Int

    /// - Parameter values: any number of them; none gives an empty histogram.
    package init(_ values: [Float]) {
        let finite = values.lazy.filter(\.isFinite).map { Double($0) }
        var least = Double.infinity
        var largest = -Double.infinity
        var (count, sum, squares) = (0.0, 0.0, 0.0)
        for value in finite {
            least = min(least, value)
            largest = max(largest, value)
            count += 1
            sum += value
            squares += value * value
        }
        notFiniteCount = values.count - Int(count)
        self.count = count
        self.sum = sum
        sumOfSquares = squares
        guard count > 0 else {
            (self.least, self.largest, limits, counts) = (0, 0, [], [])
            return
        }
        self.least = least
        self.largest = largest
        guard least < largest else {
            (limits, counts) = ([largest], [count])
            return
        }
        let width = (largest - least) / Double(Self.bucketCount)
        limits = (1...Self.bucketCount).map { $0 == Self.bucketCount ? largest : least + Double($0) * width }
        var buckets = [Double](repeating: 0, count: Self.bucketCount)
        for value in finite { buckets[min(Self.bucketCount - 1, Int((value - least) / width))] += 1 }
        counts = buckets
    }

    /// `HistogramProto` of TensorBoard's summary.proto.
    var message: ProtobufMessage {
        var message = ProtobufMessage()
        message.add(1, double: least)
        message.add(2, double: largest)
        message.add(3, double: count)
        message.add(4, double: sum)
        message.add(5, double: sumOfSquares)
        message.add(6, doubles: limits)
        message.add(7, doubles: counts)
        return message
    }

    private static let bucketCount = 30
}
