package import HaggleCore

/// How the traffic was shared among the arms over time: stacked areas of shares that sum to 1.
package struct AllocationChart: Chart {
    package struct Bucket: Hashable, Sendable {
        package var start: Timestamp
        /// Impressions per arm.
        package var counts: [Int]

        package init(start: Timestamp, counts: [Int]) {
            self.start = start
            self.counts = counts
        }

        var total: Int { counts.reduce(0, +) }
    }

    package var title: String
    package var arms: [String]
    package var colours: [ChartColour]
    /// In order of time; each has a count for every arm. Buckets without impressions are left out of the picture.
    package var buckets: [Bucket]
    package var bucketSeconds: Double

    package init(title: String, arms: [String], isControl: [Bool], buckets: [Bucket], bucketSeconds: Double) {
        self.title = title
        self.arms = arms
        colours = ChartColour.colours(isControl: isControl)
        self.buckets = buckets.filter { $0.total > 0 && $0.counts.count == arms.count }
        self.bucketSeconds = bucketSeconds
    }

    package var height: Double { 190 + ChartCanvas.legendHeight(arms) }

    package var summary: String {
        guard let first = buckets.first, let last = buckets.last else { return "No impressions yet." }
        let changes = arms.indices.map { arm in
            "\(arms[arm]) from \(Self.share(arm, first)) to \(Self.share(arm, last))"
        }
        return "Share of impressions per arm from \(first.start) to \(last.start): " + changes.joined(separator: "; ") + "."
    }

    package func draw(into canvas: inout ChartCanvas) {
        canvas.legend(Array(zip(arms, colours)))
        canvas.bottom = 26
        guard let first = buckets.first, let last = buckets.last else { return canvas.emptyNote("No impressions yet") }
        let end = last.start.seconds + max(bucketSeconds, 1e-3)
        canvas.xDomain = first.start.seconds...end
        canvas.verticalAxis([0, 0.25, 0.5, 0.75, 1]) { NumberFormat.percent($0, decimals: 0) }
        // A bucket's share stands at its middle, and the first and last reach to the edges.
        var positions = buckets.map { min($0.start.seconds + bucketSeconds / 2, end) }
        var shares = buckets.map { bucket in bucket.counts.map { Double($0) / Double(bucket.total) } }
        positions = [first.start.seconds] + positions + [end]
        shares = [shares[0]] + shares + [shares[shares.count - 1]]
        var lower = [Double](repeating: 0, count: positions.count)
        for arm in arms.indices {
            let upper = zip(lower, shares).map { min(1, $0 + $1[arm]) }
            let over = zip(positions, upper).map { (x: canvas.x($0), y: canvas.y($1)) }
            let under = zip(positions, lower).map { (x: canvas.x($0), y: canvas.y($1)) }
            canvas.path(over + under.reversed(), isClosed: true, class: "area \(colours[arm].name)")
            lower = upper
        }
        canvas.horizontalAxis(AxisTicks.times(from: first.start.seconds, to: end))
    }

    private static func share(_ arm: Int, _ bucket: Bucket) -> String {
        NumberFormat.percent(Double(bucket.counts[arm]) / Double(bucket.total))
    }
}
