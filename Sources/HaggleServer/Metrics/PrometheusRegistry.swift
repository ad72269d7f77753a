import CoreMetrics
import Synchronization

/// The service's metrics: a swift-metrics factory that renders the Prometheus text format (version 0.0.4).
///
/// Label values come from closed sets (routes, codes, experiment keys), never from ids, so the number of series is bounded by the code.
final class PrometheusRegistry: MetricsFactory {
    /// One series: a name and its labels, in the order given.
    struct Series: Hashable {
        let name: String
        let labels: [String]
    }

    private let counters = Mutex<[Series: PrometheusCounter]>([:])
    private let gauges = Mutex<[Series: PrometheusGauge]>([:])
    private let histograms = Mutex<[Series: PrometheusHistogram]>([:])

    init() {}

    func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler { counter(label, dimensions) }

    func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        if aggregate { return histogram(label, dimensions) }
        return gauge(label, dimensions)
    }

    func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler { histogram(label, dimensions) }

    func destroyCounter(_ handler: any CounterHandler) {}
    func destroyRecorder(_ handler: any RecorderHandler) {}
    func destroyTimer(_ handler: any TimerHandler) {}

    func counter(_ name: String, _ labels: [(String, String)]) -> PrometheusCounter {
        Self.find(in: counters, Self.series(name, labels), make: PrometheusCounter.init)
    }

    func gauge(_ name: String, _ labels: [(String, String)]) -> PrometheusGauge {
        Self.find(in: gauges, Self.series(name, labels), make: PrometheusGauge.init)
    }

    func histogram(_ name: String, _ labels: [(String, String)]) -> PrometheusHistogram {
        Self.find(in: histograms, Self.series(name, labels), make: PrometheusHistogram.init)
    }

    /// Everything, sorted by name, in the text format.
    func render() -> String {
        var text = ""
        render(counters.withLock { $0 }, type: "counter", into: &text) { series, counter, text in
            text += Self.line(series.name, series.labels, Double(counter.value))
        }
        render(gauges.withLock { $0 }, type: "gauge", into: &text) { series, gauge, text in
            text += Self.line(series.name, series.labels, gauge.value)
        }
        render(histograms.withLock { $0 }, type: "histogram", into: &text) { series, histogram, text in
            let state = histogram.state
            var cumulative = 0
            for (bound, count) in zip(PrometheusHistogram.bounds, state.buckets) {
                cumulative += count
                text += Self.line(series.name + "_bucket", series.labels + ["le=\"\(bound)\""], Double(cumulative))
            }
            text += Self.line(series.name + "_bucket", series.labels + ["le=\"+Inf\""], Double(state.count))
            text += Self.line(series.name + "_sum", series.labels, state.sum)
            text += Self.line(series.name + "_count", series.labels, Double(state.count))
        }
        return text
    }

    private func render<Handler>(
        _ handlers: [Series: Handler], type: String, into text: inout String, one: (Series, Handler, inout String) -> Void
    ) {
        var last = ""
        for (series, handler) in handlers.sorted(by: { ($0.key.name, $0.key.labels.joined()) < ($1.key.name, $1.key.labels.joined()) }) {
            if series.name != last {
                text += "# TYPE \(series.name) \(type)\n"
                last = series.name
            }
            one(series, handler, &text)
        }
    }

    private static func find<Handler: Sendable>(
        in table: borrowing Mutex<[Series: Handler]>, _ series: Series, make: () -> Handler
    ) -> Handler {
        table.withLock { handlers in
            if let found = handlers[series] { return found }
            let made = make()
            handlers[series] = made
            return made
        }
    }

    private static func series(_ name: String, _ labels: [(String, String)]) -> Series {
        Series(
            name: name,
            labels: labels.map { name, value in
                let escaped = value.flatMap { character -> String in
                    switch character {
                    case "\\": "\\\\"
                    case "\"": "\\\""
                    case "\n": "\\n"
                    default: String(character)
                    }
                }
                return "\(name)=\"\(String(escaped))\""
            })
    }

    private static func line(_ name: String, _ labels: [String], _ value: Double) -> String {
        let text = value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : String(value)
        return labels.isEmpty ? "\(name) \(text)\n" : "\(name){\(labels.joined(separator: ","))} \(text)\n"
    }
}

/// A count that only grows.
final class PrometheusCounter: CounterHandler {
    private let count = Atomic<Int64>(0)

    var value: Int64 { count.load(ordering: .relaxed) }
    func increment(by amount: Int64) { count.wrappingAdd(amount, ordering: .relaxed) }
    func reset() { count.store(0, ordering: .relaxed) }
}

/// A value that goes up and down.
final class PrometheusGauge: RecorderHandler {
    private let current = Mutex<Double>(0)

    var value: Double { current.withLock { $0 } }
    func record(_ value: Int64) { current.withLock { $0 = Double(value) } }
    func record(_ value: Double) { current.withLock { $0 = value } }
}

/// Durations in seconds, or other values, in fixed buckets.
final class PrometheusHistogram: TimerHandler, RecorderHandler {
    struct State {
        var buckets = [Int](repeating: 0, count: PrometheusHistogram.bounds.count)
        var count = 0
        var sum = 0.0
    }

    /// Upper bounds, in seconds for durations: a quarter of a millisecond to ten seconds.
    static let bounds: [Double] = [0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

    private let current = Mutex(State())

    var state: State { current.withLock { $0 } }
    func record(_ value: Int64) { record(Double(value)) }
    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }

    func record(_ value: Double) {
        current.withLock { state in
            if let bucket = Self.bounds.firstIndex(where: { value <= $0 }) { state.buckets[bucket] += 1 }
            state.count += 1
            state.sum += value
        }
    }
}
