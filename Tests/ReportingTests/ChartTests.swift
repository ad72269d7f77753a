import Evaluation
import Foundation
import HaggleCore
import Testing

@testable import Reporting

@Suite struct ChartTests {
    private static func estimate(_ value: Double, _ spread: Double) -> IntervalEstimate { SampleExperiments.estimate(value, spread) }

    private static let hostile = "<script>alert(1)</script>\" onload='x' & \u{0} ]]> 😀 \"\u{301} onclick=\"\u{301}"

    private static func line(_ points: [(Double, Double, Double)], name: String = "lift", reference: Double? = nil) -> LineChart {
        LineChart(
            title: "Lift", axis: .time, quantity: .plain,
            series: [.init(name: name, colour: .series(0), points: points.map { .init(x: $0.0, estimate: estimate($0.1, $0.2)) })],
            reference: reference)
    }

    private static var everyKind: [any Chart] {
        let bars = [
            BarChart.Bar(name: hostile, colour: .control, estimate: estimate(3, 1)),
            .init(name: "b", colour: .series(3), estimate: estimate(-2, 0.5)),
        ]
        return [
            SampleExperiments.checkout(arms: [hostile, "b", "c"]).allocationChart,
            AllocationChart(title: hostile, arms: ["a"], isControl: [true], buckets: [], bucketSeconds: 1),
            AllocationChart(
                title: "one bucket", arms: ["a", "b"], isControl: [true, false],
                buckets: [.init(start: Timestamp(seconds: 5), counts: [1, 3])], bucketSeconds: 60),
            line([(0, 1, 0.5), (60, 2, 0.25)], name: hostile, reference: 0), line([]), line([(9, 5, 0)]),
            line([(0, 5, 0), (1, 5, 0)]), line([(0, .nan, 1), (1, 5, .infinity), (2, 1, 0.5)]),
            BarChart(title: hostile, quantity: .share, bars: bars), BarChart(title: "none", quantity: .plain, bars: []),
            ForestPlot(title: hostile, quantity: .plain, rows: [.init(name: hostile, estimate: estimate(1, 2), truth: 1.5)], reference: 0),
            ForestPlot(title: "none", quantity: .plain, rows: []),
            ForestPlot(
                title: "all kinds", quantity: .money(currency: "EUR"),
                rows: [
                    .init(name: hostile + hostile, estimate: estimate(3, 1)),
                    .init(name: "far", estimate: estimate(9e9, 1), isDoubtful: true),
                    .init(name: "wide", estimate: estimate(2, 1e12)), .init(name: "thin", estimate: estimate(-4, 0)),
                ], silent: [.init(name: hostile, note: "withheld")], reference: 0, isSigned: true),
            WeightTailChart(
                title: hostile,
                points: [1e-7, 1e-3, 2, 1e6, .nan].map { WeightTailPoint(weight: $0, shareOfRows: 1e-9, shareOfWeight: 1.1) }),
            WeightTailChart(title: "none", points: []),
            OverlapChart(
                title: hostile,
                arms: [0, 0.3, 7, .nan].map {
                    ArmOverlap(
                        arm: hostile, loggedShare: $0, meanPropensity: nil, smallestPropensity: nil, targetShare: 1 - $0,
                        effectiveSampleSize: 0)
                }), OverlapChart(title: "none", arms: []),
            CalibrationChart(
                title: hostile, quantity: .share,
                bins: [-1, 0.5, 1e5].map { CalibrationBin(rowCount: 1, meanPrediction: $0, meanReward: 3, lower: nil, upper: nil) }),
            CalibrationChart(title: "none", quantity: .plain, bins: []),
        ]
    }

    /// Well-formed whatever the names are, named for screen readers, without scripts, and nothing outside the drawing.
    @Test func everyChartIsAccessibleMarkupInsideItsFrame() throws {
        for (index, chart) in Self.everyKind.enumerated() {
            let svg = chart.svg(id: "c\(index)", embedsStyle: true)
            let read = try #require(MarkupReader(svg), "chart \(index) is not well-formed")
            let root = try #require(read.elements.first)
            #expect(root.name == "svg" && root.attributes["role"] == "img")
            #expect(root.attributes["aria-labelledby"] == "c\(index)-title c\(index)-summary")
            let title = try #require(read.elements.first { $0.attributes["id"] == "c\(index)-title" })
            #expect(!title.text.isEmpty)
            let summary = try #require(read.elements.first { $0.attributes["id"] == "c\(index)-summary" })
            #expect(!summary.text.isEmpty)
            #expect(read.all("script").isEmpty)
            #expect(!read.elements.contains { $0.attributes.keys.contains { $0.hasPrefix("on") } })
            let frame = try #require(root.attributes["viewBox"]).split(separator: " ").compactMap { Double($0) }
            for path in read.all("path") {
                for corner in MarkupReader.corners(path) {
                    #expect((0...frame[2]).contains(corner.x) && (0...frame[3]).contains(corner.y))
                }
            }
            for name in ["line", "circle", "rect", "text"] {
                for element in read.all(name) {
                    for key in ["x", "x1", "x2", "cx"] {
                        if let x = element.attributes[key].flatMap(Double.init) {
                            #expect((0...frame[2]).contains(x), "\(name) \(key) \(x)")
                        }
                    }
                    for key in ["y", "y1", "y2", "cy"] {
                        if let y = element.attributes[key].flatMap(Double.init) {
                            #expect((0...frame[3]).contains(y), "\(name) \(key) \(y)")
                        }
                    }
                }
            }
            #expect(!svg.contains("nan") && !svg.contains("inf"))
        }
    }

    /// The band's corners are the intervals' ends: at equal scale, the tallest corner belongs to the largest upper bound.
    @Test func theBandReachesTheExtremesOfTheIntervals() throws {
        let chart = Self.line([(0, 1, 0.5), (100, 3, 1), (200, 2, 0.25)])
        #expect(chart.summary.contains("0.5 to 4.0"))
        let read = try #require(MarkupReader(chart.svg(id: "c")))
        let band = MarkupReader.corners(try #require(read.all("path", class: "band").first))
        #expect(band.count == 6)
        let line = MarkupReader.corners(try #require(read.all("path", class: "series").first))
        // Values 4 and 0.5 are 3.5 apart, the estimates 3 and 1 are 2 apart; coordinates are rounded to 0.01.
        let height = (band.map(\.y).max() ?? 0) - (band.map(\.y).min() ?? 0)
        #expect(abs(height / (line[0].y - line[1].y) - 3.5 / 2) < 0.001)
        #expect(abs((line[2].x - line[1].x) - (line[1].x - line[0].x)) < 0.02)
        #expect(line[1].y < line[2].y && line[2].y < line[0].y)
    }

    @Test func areasStackToAHundredPercent() throws {
        let chart = AllocationChart(
            title: "Share", arms: ["a", "b", "c"], isControl: [true, false, false],
            buckets: [
                .init(start: Timestamp(seconds: 0), counts: [1, 1, 2]), .init(start: Timestamp(seconds: 10), counts: [0, 0, 0]),
                .init(start: Timestamp(seconds: 20), counts: [0, 1, 3]),
            ], bucketSeconds: 10)
        #expect(chart.summary.contains("c from 50.0% to 75.0%"))
        let areas = try #require(MarkupReader(chart.svg(id: "c"))).all("path", class: "area").map(MarkupReader.corners)
        #expect(areas.count == 3)
        let bottom = areas[0].map(\.y).max() ?? 0
        let top = areas[2].map(\.y).min() ?? 0
        // Corner 0 is the first bucket's upper edge, corner 3 the last one's: cumulated 25 %, 50 %, 100 % and 0 %, 25 %, 100 %.
        for (area, shares) in zip(areas, [(0.25, 0.0), (0.5, 0.25), (1.0, 1.0)]) {
            #expect(abs((bottom - area[0].y) / (bottom - top) - shares.0) < 0.001)
            #expect(abs((bottom - area[3].y) / (bottom - top) - shares.1) < 0.001)
        }
    }

    @Test func barsAndWhiskersMeasureTheirValues() throws {
        let chart = BarChart(
            title: "Reward", quantity: .plain,
            bars: [
                .init(name: "a", colour: .control, estimate: Self.estimate(2, 0.5)),
                .init(name: "b", colour: .series(0), estimate: Self.estimate(-1, 0.25)),
            ])
        let read = try #require(MarkupReader(chart.svg(id: "c")))
        let widths = read.all("rect", class: "bar").compactMap { $0.attributes["width"].flatMap(Double.init) }
        #expect(widths.count == 2 && abs(widths[0] / widths[1] - 2) < 0.001)
        let whisker = try #require(read.all("line", class: "whisker").first)
        let x1 = try #require(whisker.attributes["x1"].flatMap(Double.init))
        let x2 = try #require(whisker.attributes["x2"].flatMap(Double.init))
        #expect(abs((x2 - x1) / widths[1] - 1) < 0.001, "an interval of width 1 beside a bar of length 1")
        #expect(chart.summary.contains("a: 2.00 (1.50 to 2.50)"))
    }

    @Test func forestPlotsShowIntervalsAndTruth() throws {
        let plot = ForestPlot(
            title: "Differences", quantity: .share,
            rows: [
                .init(name: "one", estimate: Self.estimate(0.1, 0.05), truth: 0.12), .init(name: "two", estimate: Self.estimate(-0.1, 0.2)),
            ], reference: 0, isSigned: true)
        let read = try #require(MarkupReader(plot.svg(id: "c")))
        let intervals = read.all("line", class: "interval")
        let lengths = intervals.compactMap { line in
            line.attributes["x2"].flatMap(Double.init).flatMap { end in line.attributes["x1"].flatMap(Double.init).map { end - $0 } }
        }
        #expect(lengths.count == 2 && abs(lengths[1] / lengths[0] - 4) < 0.001)
        #expect(read.all("path", class: "truth").count == 1)
        #expect(read.all("line", class: "reference").count == 1)
        #expect(read.all("text").contains { $0.text == "+10.0% (+5.0% to +15.0%)" })
    }

    /// One estimate that nobody should trust must not press the others together: it ends in an arrow, without a dot in the drawing.
    @Test func doubtfulRowsDoNotSetTheScale() throws {
        let rows = [("one", 7.0, 0.2), ("two", 8, 0.3)].map { ForestPlot.Row(name: $0, estimate: Self.estimate($1, $2)) }
        let far = ForestPlot.Row(name: "far", estimate: Self.estimate(500, 100), isDoubtful: true)
        let plot = ForestPlot(title: "Policies", quantity: .plain, rows: rows + [far], silent: [.init(name: "none", note: "withheld")])
        let read = try #require(MarkupReader(plot.svg(id: "c")))
        #expect(read.all("circle").count == 2 && read.all("path", class: "beyond").count == 1)
        #expect(read.all("line", class: "doubtful").count == 1)
        let widths = read.all("line", class: "interval").compactMap { line in
            line.attributes["x2"].flatMap(Double.init).flatMap { end in line.attributes["x1"].flatMap(Double.init).map { end - $0 } }
        }
        #expect(widths[0] > 20, "an interval of width 0.4 can still be seen")
        #expect(plot.summary.contains("far: 500") && plot.summary.contains("none: withheld"))
    }

    @Test func weightsOverlapAndCalibrationAreDrawnToScale() throws {
        let tail = WeightTailChart(
            title: "Weights",
            points: [
                WeightTailPoint(weight: 0.1, shareOfRows: 1, shareOfWeight: 1),
                WeightTailPoint(weight: 1, shareOfRows: 0.1, shareOfWeight: 0.4),
                WeightTailPoint(weight: 10, shareOfRows: 0.01, shareOfWeight: 0.2),
            ])
        let drawn = try #require(MarkupReader(tail.svg(id: "c")))
        let line = MarkupReader.corners(try #require(drawn.all("path", class: "series").first))
        // Factors of ten are equal steps on both axes.
        #expect(abs((line[2].x - line[1].x) - (line[1].x - line[0].x)) < 0.03)
        #expect(abs((line[2].y - line[1].y) - (line[1].y - line[0].y)) < 0.03)
        let arms = [("a", 0.5, 0.25), ("b", 0.5, 0.75)].map {
            ArmOverlap(
                arm: $0, loggedShare: $1, meanPropensity: nil, smallestPropensity: nil, targetShare: $2, effectiveSampleSize: 1)
        }
        let bars = try #require(MarkupReader(OverlapChart(title: "Arms", arms: arms).svg(id: "c"))).all("rect", class: "bar")
            .compactMap { $0.attributes["width"].flatMap(Double.init) }
        #expect(bars.count == 4 && abs(bars[0] / bars[1] - 2) < 0.001 && abs(bars[3] / bars[1] - 3) < 0.001)
        let bins = [(1.0, 1.0), (3, 3)].map {
            CalibrationBin(rowCount: 5, meanPrediction: $0, meanReward: $1, lower: $1 - 0.5, upper: $1 + 0.5)
        }
        let calibration = CalibrationChart(title: "Calibration", quantity: .plain, bins: bins)
        let read = try #require(MarkupReader(calibration.svg(id: "c")))
        let diagonal = try #require(read.all("line", class: "reference").first).attributes.compactMapValues(Double.init)
        for circle in read.all("circle") {
            let (x, y) = (Double(circle.attributes["cx"] ?? "") ?? 0, Double(circle.attributes["cy"] ?? "") ?? 0)
            let (x1, y1, x2, y2) = (diagonal["x1"] ?? 0, diagonal["y1"] ?? 0, diagonal["x2"] ?? 1, diagonal["y2"] ?? 0)
            #expect(abs(y - (y1 + (x - x1) / (x2 - x1) * (y2 - y1))) < 0.02, "what is predicted right lies on the line")
        }
        #expect(calibration.summary.contains("In 2 of 2 groups"))
    }

    @Test(arguments: [(0.0, 1.0), (-3.7, 12.2), (5, 5), (0, 0), (1e-7, 3e-7), (-1e6, 2e6), (0.31, 0.32)])
    func ticksCoverTheData(lower: Double, upper: Double) {
        let ticks = AxisTicks.covering(lower: lower, upper: upper)
        #expect(ticks.count >= 2 && ticks.count <= 8)
        let room = abs(ticks[1] - ticks[0]) * 1e-6
        #expect(ticks[0] <= lower + room && ticks[ticks.count - 1] >= upper - room)
        let labels = ticks.map { NumberFormat.fixed($0, decimals: AxisTicks.decimals(of: ticks)) }
        #expect(Set(labels).count == labels.count, "labels tell ticks apart")
    }

    @Test(arguments: [3.0, 45, 600, 7200, 50_000, 200_000, 3_000_000, 40_000_000, 400_000_000])
    func timeTicksAreFewAndDistinct(span: Double) {
        let start = 1_793_700_017.3
        let ticks = AxisTicks.times(from: start, to: start + span)
        #expect((1...5).contains(ticks.count))
        #expect(ticks.allSatisfy { (start...start + span).contains($0.value) })
        #expect(Set(ticks.map(\.label)).count == ticks.count)
    }

    @Test func controlIsGreyAndTheOthersDiffer() {
        let colours = ChartColour.colours(isControl: [false, true, false, false])
        #expect(colours == [.series(0), .control, .series(1), .series(2)])
        #expect(ChartStyle.css.contains("prefers-color-scheme:dark"))
    }
}
